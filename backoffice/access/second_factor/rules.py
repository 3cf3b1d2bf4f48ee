"""Who must give a second factor, and whether they did."""

import time

from django.db.models import Exists, Q, QuerySet
from django.http import HttpRequest

from backoffice.access.roles import ADMINISTRATORS
from backoffice.access.second_factor import devices
from backoffice.access.session_expiry import SIGNED_IN
from backoffice.models import Phone, Role, User
from backoffice.models.users import person_of
from backoffice.web.requests import ours

ASK = "second_factor"
SET_UP = "second_factor_set_up"

GIVEN_AT = "second_factor_given_at"  # in the session
FRESH_SECONDS = devices.FRESH_SECONDS


def is_required_of(person: User) -> bool:
    return _roles_that_require_it(person).exists()


def is_fresh(request: HttpRequest) -> bool:
    """Whether the code was given a moment ago, and not by whoever left this desk open."""
    return time.time() - request.session.get(GIVEN_AT, 0) < FRESH_SECONDS


def must_ask_again(request: HttpRequest) -> bool:
    """Whether somebody who has a phone shows it once more, before they change what signs them in."""
    return devices.phone_of(person_of(request)) is not None and not is_fresh(request)


def must_ask_for_password(request: HttpRequest) -> bool:
    """The same for who has no phone yet: the password, where it was not given a moment ago."""
    is_new = time.time() - request.session.get(SIGNED_IN, 0) < FRESH_SECONDS
    return devices.phone_of(person_of(request)) is None and not is_new


def step_before(request: HttpRequest) -> str | None:
    """The name of the page that stands between this signed-in person and everything else; None where none does.

    A page's templates ask again and again: the answer is looked up once for a request.
    """
    asked = ours(request)
    if not hasattr(asked, "step_before"):
        person = person_of(request)
        asked.step_before = None if person.is_verified() else _step_before(person)
    return asked.step_before


def _step_before(person: User) -> str | None:
    phones = Phone.objects.filter(user=person.pk, confirmed=True)
    has_phone, is_required = User.objects.filter(pk=person.pk).values_list(
        Exists(phones), Exists(_roles_that_require_it(person))
    )[0]
    if has_phone:
        return ASK
    return SET_UP if is_required else None


def _roles_that_require_it(person: User) -> QuerySet[Role]:
    """A superuser may do what administrators may, so what they must do as well."""
    own = Q(group__user=person.pk)
    if person.is_superuser:
        own |= Q(group__name=ADMINISTRATORS)
    return Role.objects.filter(own, needs_second_factor=True)
