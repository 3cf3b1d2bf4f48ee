"""Telling of follow-ups whose day is over, and of those whose owner has left: by the clock, once each."""

from collections.abc import Iterator
from dataclasses import dataclass

from backoffice.access.roles import ADMINISTRATORS
from backoffice.models import Notice, User
from backoffice.notices.telling import tell
from inference.models import FollowUp
from inference.models.follow_ups import people_who_follow_up


@dataclass(frozen=True)
class Reminder:
    follow_up: FollowUp
    kind: str
    key: str
    people: list[int]


def remind() -> int:
    """Returns how many things were said. The day of a follow-up is reminded of once: to its owner, else to everybody
    who may close it. Another day, or another owner, is another reminder."""
    reminders = [*_of_their_day(), *_whose_owner_left()]
    said = set(Notice.objects.filter(key__in=[one.key for one in reminders]).values_list("key", flat=True))
    new = [one for one in reminders if one.key not in said and one.people]
    for one in new:
        tell(one.people, one.kind, one.key, about=one.follow_up, due_on=str(one.follow_up.due_on))
    return len(new)


def _of_their_day() -> Iterator[Reminder]:
    everybody = sorted(people_who_follow_up().values_list("pk", flat=True))
    for one in FollowUp.objects.on_lists().overdue().order_by("pk"):
        key = f"follow-up {one.pk} overdue {one.due_on}"
        if one.owner_id in everybody:
            yield Reminder(one, "follow_up_overdue", f"{key} {one.owner_id}", [one.owner_id])
        else:
            yield Reminder(one, "follow_up_of_nobody", key, everybody)


def _whose_owner_left() -> Iterator[Reminder]:
    """Somebody gave it to who is no longer there to do it: whoever looks after the people hears of that."""
    administrators = User.objects.filter(groups__name=ADMINISTRATORS, is_active=True).order_by("pk")
    told = list(administrators.values_list("pk", flat=True))
    for one in FollowUp.objects.on_lists().whose_owner_left().order_by("pk"):
        yield Reminder(one, "follow_up_left", f"follow-up {one.pk} left {one.owner_id}", told)
