"""A form that comes in when its sender is signed out is kept until they are in again, and then given back unsaved.

The page could also look by itself, before it sends, whether the session is still there; but whoever works without its
script would lose everything still. So it is the server that keeps what was typed: sealed with a key that comes from
SECRET_KEY, for an hour, in the visitor's own session, which signing in carries on. In no address, no log, and nothing
that a browser stores. A form names by a signed mark whom it was shown to: without one nothing is kept, so that
strangers fill no table, and what A typed is never unsealed for B.

Passwords, codes and files are not kept: only the files' names, so that it can be said which to choose again.
"""

import base64
import json
import re
from dataclasses import asdict, dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.http import HttpRequest, QueryDict
from django.utils.crypto import salted_hmac

MARK = "_shown_to"
"""The hidden input that makes a form one of those that are kept."""

ASKED = "confirm"
"""What the button of a page says that asks before an action is done."""

LIFETIME = 60 * 60  # seconds
MARK_LIFETIME = 48 * LIFETIME  # a page may stand open overnight
MOST = 3  # forms: one person's windows
LONGEST = 400_000  # characters of a sealed form

_KEY = "kept_forms"  # in the session
_SALT = "backoffice.kept_forms"
_NEVER_KEPT = re.compile(r"^(csrfmiddlewaretoken|_shown_to)$|password|(^|[-_])(code|token|secret)$")


@dataclass
class KeptForm:
    by: int
    page: str
    fields: list[tuple[str, list[str]]]
    files: list[str] = field(default_factory=list)  # names of files that came with it
    had_password: bool = False

    @property
    def typed(self) -> QueryDict:
        typed = QueryDict(mutable=True)
        for name, values in self.fields:
            typed.setlist(name, values)
        return typed


def mark_for(person: AbstractBaseUser | AnonymousUser) -> str:
    return signing.dumps(person.pk, salt=_SALT)


def shown_to(request: HttpRequest) -> int | None:
    """The key of the person to whom the form that comes in was shown; None where it does not say."""
    try:
        return signing.loads(request.POST.get(MARK, ""), salt=_SALT, max_age=MARK_LIFETIME)
    except signing.BadSignature:
        return None


def keep(request: HttpRequest, page: str) -> bool:
    """Keep the form that comes in, to be given back on `page`. False where it is none of those that are kept, too long,
    or no text."""
    by = shown_to(request)
    if by is None or (
        request.POST.get("action") and ASKED not in request.POST
    ):  # an action of a list: nothing is typed
        return False
    fields = [(name, values) for name, values in request.POST.lists() if not _NEVER_KEPT.search(name)]
    files = [file.name or "" for _name, several in request.FILES.lists() for file in several]
    had_password = any("password" in name and any(values) for name, values in request.POST.lists())
    try:
        sealed = _seal(KeptForm(by, page, fields, files, had_password))
    except UnicodeEncodeError:  # half a character, which no page could show
        return False
    if len(sealed) > LONGEST:
        return False
    request.session[_KEY] = [*request.session.get(_KEY, []), sealed][-MOST:]
    return True


def take(request: HttpRequest) -> KeptForm | None:
    """What this person had typed on the page that they are opening. It is given back once."""
    for sealed in reversed(request.session.get(_KEY, [])):
        form = _unseal(sealed)
        if form and form.by == request.user.pk and form.page == request.get_full_path():
            request.session[_KEY] = [other for other in request.session[_KEY] if other != sealed]
            return form
    return None


def forget_others(
    sender: type[AbstractBaseUser], request: HttpRequest, user: AbstractBaseUser, **kwargs: object
) -> None:
    """Whoever signs in takes on nothing that somebody else had typed here, nor anything that is too old."""
    if kept := request.session.pop(_KEY, None):
        own = [sealed for sealed in kept if (form := _unseal(sealed)) and form.by == user.pk]
        request.session[_KEY] = own


def _seal(form: KeptForm) -> str:
    return _cipher().encrypt(json.dumps(asdict(form), ensure_ascii=False).encode()).decode()


def _unseal(sealed: str) -> KeptForm | None:
    try:
        return KeptForm(**json.loads(_cipher().decrypt(sealed, ttl=LIFETIME)))
    except InvalidToken:
        return None


def _cipher() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(salted_hmac(_SALT, "key", algorithm="sha256").digest()))
