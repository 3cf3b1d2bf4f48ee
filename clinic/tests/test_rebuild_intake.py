import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from clinic.intake import sync
from clinic.models import Appointment, IntakeRecord
from clinic.tests.clinics import a_clinic

pytestmark = pytest.mark.django_db


@pytest.fixture
def visits(django_capture_on_commit_callbacks) -> list[Appointment]:
    with django_capture_on_commit_callbacks(execute=True):
        return a_clinic(visits=5)


def rebuild_intake(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rebuild_intake", *arguments, stdout=out)
    return out.getvalue()


def spoil(visits: list[Appointment]) -> None:
    """Behind everybody's back: one record wrong, one missing, and one of an appointment that is hidden."""
    IntakeRecord.objects.filter(appointment=visits[0]).update(age=3, symptoms="nonsense")
    IntakeRecord.objects.filter(appointment=visits[1]).delete()
    Appointment.objects.filter(pk=visits[2].pk).update(hidden_at=visits[2].created_at)


def test_it_finds_nothing_where_all_is_in_step(visits):
    assert "as a rebuild would write it" in rebuild_intake("--check")


def test_it_says_what_differs_names_nobody_and_changes_nothing(visits):
    spoil(visits)
    before = list(IntakeRecord.objects.order_by("pk").values())
    out = io.StringIO()
    with pytest.raises(CommandError, match="3 records differ") as refusal:
        call_command("rebuild_intake", "--check", stdout=out)
    assert refusal.value.returncode == 1
    assert f"appointment {visits[0].pk}: age, symptoms" in out.getvalue()
    assert f"appointment {visits[1].pk}: has no record" in out.getvalue()
    assert f"appointment {visits[2].pk}: should have no record" in out.getvalue()
    assert visits[0].patient.full_name not in out.getvalue()
    assert list(IntakeRecord.objects.order_by("pk").values()) == before


def test_it_rebuilds_everything(visits, monkeypatch):
    spoil(visits)
    monkeypatch.setattr(sync, "BATCH", 2)
    assert rebuild_intake().startswith("4 records written for 5 appointments")
    assert "as a rebuild would write it" in rebuild_intake("--check")


def test_it_takes_as_many_queries_for_each_batch_whatever_is_in_it(visits, monkeypatch):
    def queries(batch: int) -> int:
        monkeypatch.setattr(sync, "BATCH", batch)
        with CaptureQueriesContext(connection) as captured:
            rebuild_intake("--check")
        return len(captured)

    assert queries(5) == queries(50)


def test_what_was_left_out_is_caught_up_and_nothing_else_is_written(visits):
    IntakeRecord.objects.filter(appointment=visits[1]).delete()
    visits[0].save()  # and what should be done when that is committed is not
    Appointment.objects.filter(pk=visits[2].pk).update(hidden_at=visits[2].created_at)
    assert sync.catch_up() == 2
    assert IntakeRecord.objects.filter(appointment=visits[1]).exists()
    assert sync.catch_up() == 0
