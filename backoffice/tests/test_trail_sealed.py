"""The access trail's chain: what was sealed is found out when it is changed, and a purge is told from a cut."""

import datetime
import random

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backoffice import upkeep
from backoffice.access import trail
from backoffice.jobs import summary
from backoffice.models import AccessEvent, TrailSeal

pytestmark = pytest.mark.django_db

A_DAY = datetime.timedelta(days=1)
EVENTS = QuerySet(AccessEvent)  # past the manager, which refuses
TAMPERINGS = 100


def event(person, at: datetime.datetime, key: int = 1) -> AccessEvent:
    kind = ContentType.objects.get_for_model(Group)
    made = AccessEvent.objects.create(user=person, action="view", content_type=kind, object_id=key, request_id="r")
    EVENTS.filter(pk=made.pk).update(at=at)
    return made


@pytest.fixture
def sealed(administrator, monkeypatch):
    """Forty events of three days, in batches of five at most."""
    monkeypatch.setattr(trail, "BATCH", 5)
    now = timezone.now()
    for number in range(40):
        event(administrator, now - (41 - number) * A_DAY / 13, key=number)
    trail.seal(trail.settled_until())
    return administrator


def test_what_nobody_has_touched_is_whole(sealed):
    assert list(trail.breaks()) == []
    assert sum(TrailSeal.objects.values_list("count", flat=True)) == 40
    assert max(TrailSeal.objects.values_list("count", flat=True)) == 5


def insert(person, rows: list, chance: random.Random) -> None:
    between = rows[0].at + (rows[-1].at - rows[0].at) * chance.random()
    event(person, between)


def delete(person, rows: list, chance: random.Random) -> None:
    EVENTS.filter(pk=chance.choice(rows).pk)._raw_delete(connection.alias)


def reorder(person, rows: list, chance: random.Random) -> None:
    one, other = chance.sample(rows, 2)
    EVENTS.filter(pk=one.pk).update(at=other.at)
    EVENTS.filter(pk=other.pk).update(at=one.at)


def edit(person, rows: list, chance: random.Random) -> None:
    values = {"object_id": 99, "action": "reveal", "request_id": "another", "user": None}
    values["at"] = F("at") + datetime.timedelta(microseconds=1)
    name = chance.choice(sorted(values))
    EVENTS.filter(pk=chance.choice(rows).pk).update(**{name: values[name]})


def test_a_hundred_of_a_hundred_tamperings_are_found(sealed):
    chance = random.Random(20)
    rows = list(AccessEvent.objects.order_by("at"))
    found = 0
    for number in range(TAMPERINGS):
        with transaction.atomic():
            [insert, delete, reorder, edit][number % 4](sealed, rows, chance)
            found += bool(next(trail.breaks(), None))
            transaction.set_rollback(True)
    assert found == TAMPERINGS
    assert list(trail.breaks()) == []


def made_anew(person, rows):
    """By somebody who knows the code and has the database, and no key."""
    EVENTS.filter(pk=rows[0].pk).update(object_id=99)
    TrailSeal.objects.all().delete()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(trail, "keys", lambda: [trail.Key.derived_from("a key that they have thought of themselves")])
        trail.seal(trail.settled_until())


def cut_out(person, rows):
    """Events, with the link that sealed them."""
    second = TrailSeal.objects.get(number=2)
    since = TrailSeal.objects.get(number=1).until
    EVENTS.filter(at__gte=since, at__lt=second.until)._raw_delete(connection.alias)
    second.delete()


def called_a_purge(person, rows):
    EVENTS.filter(at__lt=TrailSeal.objects.get(number=2).until)._raw_delete(connection.alias)
    with transaction.atomic():
        trail._append(TrailSeal.Kind.PURGE, TrailSeal.objects.get(number=2).until, 10, "730")


def changed_in_a_link(person, rows):
    delete(person, rows[:1], random.Random())
    TrailSeal.objects.filter(number=1).update(count=F("count") - 1)


@pytest.mark.parametrize("tamper", [made_anew, cut_out, called_a_purge, changed_in_a_link])
def test_nor_does_who_changes_the_chain_too_get_away_with_it(sealed, tamper):
    tamper(sealed, list(AccessEvent.objects.order_by("at")))
    assert next(trail.breaks(), None)
    with pytest.raises(trail.BrokenTrailError):
        trail.check()


def test_it_says_which_batch_is_the_first_with_its_time(sealed, capsys):
    third = TrailSeal.objects.get(number=3)
    EVENTS.filter(at__lt=third.until, at__gte=TrailSeal.objects.get(number=2).until).update(object_id=99)
    with pytest.raises(SystemExit):
        call_command("check_trail")
    said = capsys.readouterr().out
    assert said.startswith("Batch 3, up to ")
    assert "An event was changed" in said
    assert len(said.splitlines()) == 1
    assert list(upkeep.trail_is_whole()) == [said.strip()]


def test_a_purge_takes_whole_days_and_leaves_a_chain_that_holds(sealed):
    assert trail.purge(before=timezone.now() - 730 * A_DAY) == 0
    for made in EVENTS.all():
        EVENTS.filter(pk=made.pk).update(at=made.at - 730 * A_DAY)
    TrailSeal.objects.all().delete()
    trail.seal(trail.settled_until())
    head = TrailSeal.objects.get(number=2).digest
    gone = trail.purge(before=EVENTS.latest("at").at)  # in the middle of a day, whatever hour it is now
    assert 20 < gone < 40
    assert AccessEvent.objects.count() == 40 - gone
    assert list(trail.breaks()) == []
    assert trail.linked(trail.as_printed(head)).number == 2
    delete(sealed, list(AccessEvent.objects.all()), random.Random(1))
    assert next(trail.breaks(), None)


def test_a_head_on_paper_proves_what_was_cut_off_the_end(sealed, capsys):
    printed = trail.as_printed(trail.head().digest)
    call_command("check_trail", printed)
    assert "is batch" in capsys.readouterr().out
    kept = TrailSeal.objects.get(number=6)
    EVENTS.filter(at__gte=kept.until)._raw_delete(connection.alias)
    TrailSeal.objects.filter(number__gt=6).delete()
    call_command("check_trail")  # nothing here tells
    with pytest.raises(SystemExit):
        call_command("check_trail", printed)
    assert "stands in the chain no more" in capsys.readouterr().out
    with pytest.raises(CommandError, match="is no head"):
        call_command("check_trail", "what I remember of it")


def test_the_head_goes_out_with_the_daily_mail(sealed):
    figures = [figure for section in summary.of(timezone.localdate()) for figure in section.figures]
    assert trail.as_printed(trail.head().digest) in [figure.value for figure in figures]


def test_it_is_sealed_once_an_hour_and_not_before_it_has_settled(administrator):
    event(administrator, timezone.now() - 2 * trail.SETTLED)
    new = event(administrator, timezone.now())
    assert (trail.seal_hourly(), trail.seal_hourly()) == (1, 0)
    event(administrator, timezone.now() - 3 * trail.SETTLED / 2)
    assert list(trail.breaks())  # came into a time that was sealed
    assert not AccessEvent.objects.filter(at__lt=trail.head().until, pk=new.pk).exists()


def test_nothing_of_it_is_computed_in_a_request(client, administrator):
    client.force_login(administrator)
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/admin/backoffice/user/{administrator.pk}/change/")
    assert AccessEvent.objects.exists()
    assert [query for query in asked if "trailseal" in query["sql"]] == []


OUT_OF_ORDER = """
import threading
from datetime import timedelta
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone
from backoffice.access import trail
from backoffice.models import AccessEvent

trail.SETTLED = timedelta(0)
kind = ContentType.objects.get_for_model(AccessEvent)
is_in, goes_on = threading.Event(), threading.Event()

def note(key):
    AccessEvent.objects.create(action="view", content_type=kind, object_id=key, request_id="r")

def slowly():
    with transaction.atomic():
        note(1)
        is_in.set()
        goes_on.wait(60)
    connection.close()

slow = threading.Thread(target=slowly)
slow.start()
is_in.wait(60)
note(2)
early = trail.seal(trail.settled_until())
goes_on.set()
slow.join()
late = trail.seal(trail.settled_until())
print(early, late, trail.head().count, list(trail.breaks()))
"""


@pytest.mark.slow
@pytest.mark.parametrize("installation", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_what_is_committed_late_with_a_lower_id_is_sealed_in_its_place(installation):
    assert installation.python(OUT_OF_ORDER).strip() == "0 1 2 []"
