"""Who reads and signs."""

from django.contrib.auth.models import AnonymousUser, Permission
from django.db.models import Q

from backoffice.models import User

SEE = "inference.view_prediction"
SIGN = "inference.sign_prediction"


def may_sign(user: User | AnonymousUser) -> bool:
    """Whether a role of theirs signs. A superuser may do everything but this: a signature says that a clinician looked,
    and being trusted with the machine makes nobody one."""
    if not isinstance(user, User) or not user.is_superuser:
        return user.has_perm(SIGN)
    if not hasattr(user, "_is_given_to_sign"):  # asked once for a page, as Django asks for permissions
        label, _dot, codename = SIGN.partition(".")
        given = Permission.objects.filter(content_type__app_label=label, codename=codename)
        is_given = given.filter(Q(group__user=user) | Q(user=user)).exists()
        user._is_given_to_sign = is_given  # type: ignore[attr-defined]  # for the time of this request
    return user._is_given_to_sign  # type: ignore[attr-defined]
