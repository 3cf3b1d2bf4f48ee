"""Notices by mail, to who wants that: how many wait, and where. What they say stands nowhere but in the admin.

Derived from the rows: what is unread and was not mailed. A mail and the mark are one transaction, so whichever worker
dies, each notice is in one mail; what is read before its mail goes out is in none.
"""

import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.jobs import mail
from backoffice.models import Notice, NoticeWishes, User
from backoffice.models.notices import NoticeQuerySet
from backoffice.notices.telling import standing

STANDS = datetime.timedelta(minutes=5)
"""What comes within so long is one mail, and what is read within it none."""

FORGOTTEN = datetime.timedelta(days=1)
"""Who turns mails on later is not written to about what is older."""


def send() -> int:
    """Post the mails that are due; returns how many people are written to. Runs every minute, and when something urgent
    is told."""
    since = timezone.now() - FORGOTTEN
    waiting = Notice.objects.unread().filter(mailed_at=None, at__gt=since, to__is_active=True).exclude(to__email="")
    wishes = NoticeWishes.objects.filter(person__in=waiting.order_by().values("to")).select_related("person")
    return sum(_write(wish, waiting) for wish in wishes.exclude(by_mail=NoticeWishes.ByMail.NOTHING).order_by("pk"))


def _write(wishes: NoticeWishes, waiting: NoticeQuerySet) -> bool:
    theirs = waiting.of(wishes.person)
    sent = _post(wishes.person, theirs.filter(is_urgent=True), urgent=True)
    is_quiet = wishes.is_quiet_at(timezone.localtime().time())
    if wishes.by_mail == NoticeWishes.ByMail.EVERYTHING and not is_quiet:
        calm = theirs.filter(is_urgent=False)
        if calm.filter(at__lte=timezone.now() - STANDS).exists():
            sent |= _post(wishes.person, calm, urgent=False)
    return sent


@transaction.atomic
def _post(person: User, notices: NoticeQuerySet, *, urgent: bool) -> bool:
    # Another worker may be at the same ones: whose UPDATE comes first writes.
    taken = [
        notice
        for notice in notices.order_by("pk")
        if Notice.objects.filter(pk=notice.pk, mailed_at=None).update(mailed_at=timezone.now())
    ]
    n = len(standing(person, taken))
    if not n:
        return False
    with translation.override(person.language or settings.LANGUAGE_CODE):
        mail.post(person.email, _subject(n, urgent=urgent), _body())
    return True


def _subject(n: int, *, urgent: bool) -> str:
    if urgent:
        said = ngettext("%(n)d notice should be read now", "%(n)d notices should be read now", n) % {"n": n}
    else:
        said = ngettext("%(n)d new notice", "%(n)d new notices", n) % {"n": n}
    return f"{settings.CLINIC_NAME} · {said}"


def _body() -> str:
    """Mail is read over shoulders and kept by others: nothing of what the notices say."""
    links = {
        "notices": settings.SITE_URL + reverse("admin:notices"),
        "wishes": settings.SITE_URL + reverse("admin:notice_wishes"),
    }
    return (
        _(
            "They are in the back office:\n%(notices)s\n\n"
            "You are written to because you asked for it. How you are told is changed here:\n%(wishes)s\n"
        )
        % links
    )
