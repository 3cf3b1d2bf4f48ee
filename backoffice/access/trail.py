"""The access trail is sealed in batches: whoever inserts, deletes, moves or edits an event afterwards breaks a chain.

A batch is a span of time. It is sealed once no transaction is left that could still commit an event of that time, for
ids are no order of commits. Its link holds a SHA-256 of its events and that of the link before, so that the head alone
proves all before it: it goes out with the daily mail, and on paper is out of everybody's reach. A keyed hash beside it
(by FIELD_KEYS) keeps who has only the database from making the chain anew. `purge` takes out whole batches, and is a
link itself: what is missing by the rule is told from what was cut out.

Nothing of this is computed while somebody waits.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.formats.lists import told_of
from backoffice.models import AccessEvent, TrailSeal
from backoffice.sealing.keys import Key, keys, mark

BATCH = 5000  # events
EVERY = timedelta(hours=1)
SETTLED = timedelta(minutes=15)  # no request's transaction is as long, and no two machines' clocks are so far apart
WAITS_TOO_LONG = timedelta(days=1)
SHORTEST_HEAD = 16  # digits of a digest that somebody types

Kind = TrailSeal.Kind


# -- Sealing ----------------------------------------------------------------------------------------------------------


def seal_hourly() -> int:
    """Seal what has settled, if the last batch ended an hour ago; returns how many batches that were."""
    until = settled_until()
    sealed = _batches().last()
    return seal(until) if sealed is None or until - sealed.until >= EVERY else 0


def seal(until: datetime) -> int:
    """Seal all events before `until` that are not yet; returns in how many batches."""
    sealed = 0
    try:
        while _seal_one(until):
            sealed += 1
    except IntegrityError:  # another worker made the first link, and goes on
        pass
    return sealed


def settled_until() -> datetime:
    """Before this moment no event comes any more."""
    settled = timezone.now() - SETTLED
    if connection.vendor != "postgresql":  # a writer at a time, which waits no longer than the database's timeout
        return settled
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(xact_start) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        [oldest] = cursor.fetchone()
    return min(settled, oldest - SETTLED) if oldest else settled


def purge(before: datetime) -> int:
    """Take out the days that are wholly before this moment, and say so in the chain. Returns how many events went."""
    until = beginning_of_day(before)
    seal(until)
    gone = AccessEvent.objects.filter(at__lt=until).count()
    if gone:
        with transaction.atomic():
            _wait_for_others()
            _append(Kind.PURGE, until, gone, str(settings.ACCESS_TRAIL_RETENTION_DAYS))
        AccessEvent.objects.purge(before=until)
    return gone


def beginning_of_day(moment: datetime) -> datetime:
    """No batch goes over midnight, by UTC, so that whole ones go with their time."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@transaction.atomic
def _seal_one(until: datetime) -> bool:
    _wait_for_others()
    sealed = _batches().last()
    rest = AccessEvent.objects.filter(at__lt=until).order_by("at", "pk")
    if sealed:
        rest = rest.filter(at__gte=sealed.until)
    first = rest.values_list("at", flat=True).first()
    if first is None:
        return False
    until = min(until, beginning_of_day(first) + timedelta(days=1))
    if beyond := rest.values_list("at", flat=True)[BATCH : BATCH + 1].first():
        until = min(until, max(beyond, first + timedelta(microseconds=1)))
    _append(Kind.EVENTS, until, *_content(rest.filter(at__lt=until)))
    return True


def _wait_for_others() -> None:
    """The first link is the lock of whoever adds one. While there is none, the loser's insert is refused."""
    TrailSeal.objects.select_for_update(no_key=True).first()


def _append(kind: Kind, until: datetime, count: int, content: str) -> None:
    last = TrailSeal.objects.last()
    link = TrailSeal(
        number=last.number + 1 if last else 1,
        kind=kind,
        until=until,
        count=count,
        content=content,
        sealed_at=timezone.now(),
    )
    link.digest = _digest(link, last.digest if last else "")
    link.seal = _keyed(link.digest, keys()[0])
    link.save(force_insert=True)


def _batches() -> QuerySet[TrailSeal]:
    return TrailSeal.objects.filter(kind=Kind.EVENTS)


def _content(events: QuerySet[AccessEvent]) -> tuple[int, str]:
    """How many they are, and a hash of all that is in them, in their order."""
    digest, count = hashlib.sha256(), 0
    rows = events.order_by("at", "pk").values_list(
        "pk", "user_id", "action", "content_type_id", "object_id", "request_id", "at"
    )
    for *columns, at in rows.iterator():
        digest.update(_line(*columns, _told(at)))
        count += 1
    return count, digest.hexdigest()


def _digest(link: TrailSeal, before: str) -> str:
    made_of = (before, link.number, link.kind, _told(link.until), link.count, link.content, _told(link.sealed_at))
    return hashlib.sha256(_line(*made_of)).hexdigest()


def _line(*columns: object) -> bytes:
    return f"{json.dumps(columns)}\n".encode()


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _is_keyed(link: TrailSeal) -> bool:
    return any(constant_time_compare(link.seal, _keyed(link.digest, key)) for key in keys())


def _keyed(digest: str, key: Key) -> str:
    return f"{key.name}{mark(digest, key.for_trail, 'access trail')}"


# -- Is it whole? -----------------------------------------------------------------------------------------------------


def head() -> TrailSeal | None:
    """The link that proves all before it."""
    return TrailSeal.objects.last()


def seal_anew() -> None:
    """Put the first key's hash in the place of an older one's, where that holds: what does not is told by `breaks`."""
    newest = keys()[0]
    for link in TrailSeal.objects.exclude(seal__startswith=newest.name):
        if _is_keyed(link):
            TrailSeal.objects.filter(pk=link.pk).update(seal=_keyed(link.digest, newest))


def as_printed(digest: str) -> str:
    """Half of it, in groups of four: as much as anybody types from paper, and enough to find no other with it."""
    return " ".join(digest[start : start + 4] for start in range(0, 32, 4))


def linked(printed: str) -> TrailSeal | None:
    """The link whose head somebody has on paper; None where the chain has none such. Raises ValueError."""
    digits = "".join(printed.split()).lower()
    if len(digits) < SHORTEST_HEAD or set(digits) - set("0123456789abcdef"):
        raise ValueError(printed)
    return TrailSeal.objects.filter(digest__startswith=digits).first()


class BrokenTrailError(Exception):
    """What is told of the first batch that does not hold."""


def check() -> None:
    """Every night. Raises BrokenTrailError, so that the run fails, which the first page and the day's mail tell."""
    if first := next(breaks(), None):
        raise BrokenTrailError(first)


def breaks() -> Iterator[str]:
    """Yield a sentence for each link that does not hold, the first one first: nothing for a trail that is whole."""
    links = list(TrailSeal.objects.all())
    purged = max((link.until for link in links if link.kind == Kind.PURGE), default=None)
    since = before = None
    for link in links:
        if why := _unlinked(link, before) or _unlike(link, since, purged):
            batch = _("Batch %(number)d, up to %(until)s") % {"number": link.number, "until": _when(link.until)}
            yield told_of(batch, why)
        since, before = link.until if link.kind == Kind.EVENTS else since, link
    if purged and (left := AccessEvent.objects.filter(at__lt=purged).count()):
        yield _(
            "%(n)d events are from before %(until)s, which `purge` had taken out. Run it; where some come back, "
            "somebody writes them."
        ) % {"n": left, "until": _when(purged)}
    waiting = AccessEvent.objects.filter(
        at__lt=timezone.now() - WAITS_TOO_LONG, **({"at__gte": since} if since else {})
    )
    if first := waiting.order_by("at").values_list("at", flat=True).first():
        yield _("Nothing has been sealed since %(when)s: does the worker run?") % {"when": _when(first)}


def _unlinked(link: TrailSeal, before: TrailSeal | None) -> str:
    """Why it is no link of the chain; nothing where it is."""
    if link.number != (before.number + 1 if before else 1):
        return _("What was sealed before it is gone.")
    if link.digest != _digest(link, before.digest if before else ""):
        return _("It, or what was sealed before it, was changed.")
    if not _is_keyed(link):
        return _("No key of FIELD_KEYS has sealed it: somebody made the chain anew, or the key is gone.")
    return ""


def _unlike(link: TrailSeal, since: datetime | None, purged: datetime | None) -> str:
    """Why the events are not what was sealed; nothing where they are, or went by the rule."""
    if link.kind == Kind.PURGE:
        is_by_the_rule = link.until <= link.sealed_at - timedelta(days=int(link.content))
        return "" if is_by_the_rule else _("Events were purged before their time.")
    if purged and link.until <= purged:
        return ""
    events = AccessEvent.objects.filter(at__lt=link.until, **({"at__gte": since} if since else {}))
    count, content = _content(events)
    if count != link.count:
        return _("%(n)d events were sealed, and %(now)d are there.") % {"n": link.count, "now": count}
    return "" if content == link.content else _("An event was changed.")


def _when(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")
