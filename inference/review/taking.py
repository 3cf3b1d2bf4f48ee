"""Who reads a case: one at a time. A reader takes it for a while; each time they do something there it is theirs for as
long again. Whoever comes meanwhile is told who has it; once it lapsed, it is theirs for a press."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.models import User
from inference.models import Prediction

TAKEN_FOR = timedelta(minutes=10)


class TakenError(Exception):
    """A colleague reads it. The message says who, until when, and what to do."""

    def __init__(self, prediction: Prediction) -> None:
        super().__init__(who_has(prediction))


def who_has(prediction: Prediction) -> str:
    until = prediction.taken_until or timezone.now()
    told = {"person": prediction.taken_by, "until": date_format(timezone.localtime(until), "TIME_FORMAT")}
    return (
        _("%(person)s reads this one. If they leave it, you can take it over from %(until)s; or take the next.") % told
    )


def is_with_another(prediction: Prediction, user: User, now: datetime | None = None) -> bool:
    if prediction.taken_by_id in (None, user.pk) or prediction.taken_until is None:
        return False
    return prediction.taken_until > (now or timezone.now())


def take(key: int, *, by: User) -> bool:
    """Take an unread case, or hold it for as long again. False where it is nobody's to read any more.

    Raises TakenError.
    """
    now = timezone.now()
    case = Prediction.objects.to_read().filter(pk=key)
    # Two who press at once are one after the other here: the database asks the second whether it is free still.
    while not case.free_for(by, now).update(taken_by=by, taken_until=now + TAKEN_FOR):
        taken = case.select_related("taken_by").first()
        if taken is None:
            return False
        if is_with_another(taken, by, now):
            raise TakenError(taken)
        now = timezone.now()  # it was given back between the two questions
    return True


def let_go(*, by: User, but: int) -> None:
    """Give back what this person has taken, but for one case: nobody reads two at once."""
    held = Prediction.objects.filter(taken_by=by, is_validated=False)
    held.exclude(pk=but).update(taken_by=None, taken_until=None)
