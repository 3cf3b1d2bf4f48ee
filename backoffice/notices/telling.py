"""Telling people, and what each is told: rows, written in the transaction of what they tell of.

A thing is said to a person once, whoever says it again, and whichever worker dies over it: its key is unique.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone

from backoffice.jobs.nudges import nudge
from backoffice.models import Notice, User
from backoffice.notices.kinds import kinds

LOOKED_AT = 100
"""Of somebody's unread notices, the newest, that the bell counts."""


def tell(
    people: Iterable[int], kind: str, key: str, *, about: Model | None = None, urgent: bool = False, **details: Any
) -> None:
    """Tell these people (by their keys) of one thing, once each."""
    notices = [
        Notice(
            to_id=person,
            kind=kind,
            key=key,
            is_urgent=urgent,
            details=details,
            content_type=ContentType.objects.get_for_model(about) if about else None,
            object_id=about.pk if about else None,
        )
        for person in sorted(set(people))
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    if urgent and notices:
        nudge("backoffice.notices.mails.send", settings.DEFAULT_CLUSTER)


@dataclass(frozen=True)
class Told:
    """A notice as its person reads it now."""

    notice: Notice
    words: str
    link: str


def standing(person: User, notices: Iterable[Notice]) -> list[Notice]:
    """Without those that tell of what is hidden from them, or is over; in the order given."""
    notices = list(notices)
    by_kind: dict[str, list[Notice]] = defaultdict(list)
    for notice in notices:
        by_kind[notice.kind].append(notice)
    keys: set[int] = set()
    for name, of_kind in by_kind.items():
        kind = kinds.all().get(name)
        keys |= set(kind.stands(person, of_kind)) if kind else set()  # a kind that this version no longer has
    return [notice for notice in notices if notice.pk in keys]


def told(person: User, notices: Sequence[Notice]) -> list[Told]:
    """In words, of those that stand."""
    found = kinds.all()
    return [
        Told(notice, found[notice.kind].tell(notice), found[notice.kind].link(notice))
        for notice in standing(person, notices)
    ]


def unread(person: User) -> list[Notice]:
    """What their bell counts, at most LOOKED_AT."""
    return standing(person, Notice.objects.of(person).unread()[:LOOKED_AT])


def mark_read(person: User, keys: Iterable[int] | None = None) -> int:
    """These, or all. Returns how many were not read before."""
    rows = Notice.objects.of(person).unread()
    return (rows if keys is None else rows.filter(pk__in=keys)).update(read_at=timezone.now())
