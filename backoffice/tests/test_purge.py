"""What has had its time goes, and nothing else."""

import datetime
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_q.models import Schedule
from model_bakery import baker

from backoffice.jobs import registry
from backoffice.models import AccessEvent, FailedSignIn, Mail, SignIn
from backoffice.models.access_events import AppendOnlyError

pytestmark = pytest.mark.django_db


def ago(days: float) -> datetime.datetime:
    return timezone.now() - datetime.timedelta(days=days)


def event(person, days: float) -> AccessEvent:
    made = baker.make(AccessEvent, user=person, content_type=ContentType.objects.get_for_model(Group))
    QuerySet(AccessEvent).filter(pk=made.pk).update(at=ago(days))  # past the manager, which refuses
    return made


@pytest.fixture
def old_and_new(administrator):
    """Of each kind one row that has had its time, and one that has not."""
    kept, gone = [], []
    for rows, days in [(gone, 731), (kept, 729)]:
        rows += [event(administrator, days), baker.make(SignIn, attempt_time=ago(days))]
    for rows, days in [(gone, 31), (kept, 29)]:
        rows += [baker.make(FailedSignIn, attempt_time=ago(days)), baker.make(Mail, sent_at=ago(days))]
    kept.append(baker.make(Mail, sent_at=None))
    gone.append(Session.objects.create(session_key="old", expire_date=ago(1)))
    kept.append(Session.objects.create(session_key="new", expire_date=ago(-1)))
    for rows, days, confirmed in [(gone, 2, False), (kept, 0, False), (kept, 2, True)]:
        phone = baker.make(TOTPDevice, user=administrator, confirmed=confirmed)
        TOTPDevice.objects.filter(pk=phone.pk).update(created_at=ago(days))
        rows.append(phone)
    return kept, gone


def is_there(row) -> bool:
    return type(row)._base_manager.filter(pk=row.pk).exists()


def purge(*arguments: str) -> str:
    said = StringIO()
    call_command("purge", *arguments, stdout=said)
    return said.getvalue()


def test_what_has_had_its_time_goes_and_the_rest_stays(old_and_new):
    kept, gone = old_and_new
    said = purge()
    assert [row for row in gone if is_there(row)] == []
    assert [row for row in kept if not is_there(row)] == []
    assert "access events beyond ACCESS_TRAIL_RETENTION_DAYS: 1 taken out" in said


def test_a_dry_run_says_the_same_numbers_and_takes_nothing(old_and_new):
    kept, gone = old_and_new
    said = purge("--dry-run")
    assert [row for row in kept + gone if not is_there(row)] == []
    assert purge().replace("taken out", "to take out") == said


def test_more_than_a_batch_goes_as_well(administrator, monkeypatch):
    monkeypatch.setattr("backoffice.models.access_events.BATCH", 3)
    monkeypatch.setattr(registry, "BATCH", 3)
    for _number in range(7):
        event(administrator, 800)
        baker.make(Mail, sent_at=ago(40))
    assert registry.purge_all()["mails sent more than 30 days ago"] == 7
    assert not AccessEvent.objects.exists()


def test_it_runs_every_night():
    schedule = Schedule.objects.get(func="backoffice.jobs.registry.purge_all")
    assert schedule.schedule_type == Schedule.DAILY


def test_the_trail_is_only_ever_added_to(administrator):
    one = event(administrator, 0)
    for change in (
        one.save,
        one.delete,
        AccessEvent.objects.all().delete,
        lambda: AccessEvent.objects.update(action="view"),
        lambda: AccessEvent.objects.bulk_update([one], ["action"]),
        lambda: AccessEvent.objects.bulk_create(
            [one], update_conflicts=True, unique_fields=["id"], update_fields=["action"]
        ),
        administrator.access_events.all().delete,
    ):
        with pytest.raises(AppendOnlyError), transaction.atomic():
            change()
    assert AccessEvent.objects.count() == 1
