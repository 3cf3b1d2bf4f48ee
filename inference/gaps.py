"""What of the second opinion nobody does, as the roles stand."""

from django.conf import settings
from django.utils.translation import gettext as _

from backoffice.access.gaps import gap
from backoffice.formats.lists import listed
from inference.batches import people_who, shown_at_once
from inference.models import Diagnosis
from inference.review.roles import SEE


@gap("urgent findings")
def an_urgent_finding_reaches_nobody() -> str | None:
    """Nobody who works here may be told of one: it would be the answer that they have yet to give themselves."""
    if not settings.URGENT_FINDINGS or shown_at_once().exists() or not people_who(SEE).exists():
        return None
    return _(
        "An urgent finding (%(findings)s) reaches nobody before somebody’s own answer: everybody who may see what the "
        "models say reads first. Until then its film waits in the worklist like any other. Whoever should be told at "
        "once needs a role that sees answers, and none that reads first."
    ) % {"findings": listed(Diagnosis(one).label for one in settings.URGENT_FINDINGS)}
