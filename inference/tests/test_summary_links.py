"""Each number of the day's summary leads to exactly what was counted."""

import datetime

import pytest
from django.utils import timezone
from django_q.models import Task
from model_bakery import baker

from backoffice.jobs import summary
from backoffice.models import FailedSignIn
from clinic.models import Appointment, ClinicSession
from inference.models import FollowUp, Prediction
from inference.tests.test_follow_ups import a_film

pytestmark = pytest.mark.django_db

A_DAY = datetime.timedelta(days=1)
STATES = ["done", "no_show", "cancelled", "booked", "called"]


@pytest.fixture
def three_days(clinician) -> None:
    """Of everything so many, one more each day: what is counted is that of the day in the middle."""
    for number, ago in enumerate((2, 1, 0), start=1):
        for _one in range(number):
            everything_at(timezone.now() - ago * A_DAY, clinician)


def everything_at(at: datetime.datetime, clinician) -> None:
    held = {"date": timezone.localdate(at), "period": "morning"}
    session = ClinicSession.objects.filter(**held).first() or baker.make(ClinicSession, **held)
    for status in STATES:
        visit = baker.make(Appointment, session=session, status=status, claimed={})
        Appointment.objects.filter(pk=visit.pk).update(created_at=at)
    signed = {"is_validated": True, "final_diagnosis": "Normal", "reviewed_by": clinician, "reviewed_at": at}
    for values in ({"status": "completed"}, {"status": "failed"}, {"status": "completed"} | signed):
        answer = baker.make(Prediction, xray=a_film(), review_reasons=[], finished_at=at, **values)
        Prediction.objects.filter(pk=answer.pk).update(created_at=at)
    for ending in ({}, {"closed_at": at, "ending": "done"}):
        due_on = timezone.localdate() + 30 * A_DAY
        asked = baker.make(FollowUp, prediction=answer, kind="call", due_on=due_on, signed_at=at, **ending)
        FollowUp.objects.filter(pk=asked.pk).update(created_at=at)
    key = f"{at.isoformat()} {Task.objects.count()}"
    baker.make(Task, id=key[-32:], func="a.task", success=False, stopped=at, started=at, args=None, kwargs=None)
    tried = baker.make(FailedSignIn, username="somebody")
    FailedSignIn.objects.filter(pk=tried.pk).update(attempt_time=at)


def test_each_number_leads_to_exactly_what_was_counted(client, administrator, three_days):
    client.force_login(administrator)
    found = [figure for section in summary.of(timezone.localdate() - A_DAY) for figure in section.figures]
    listed = {}
    for figure in found:
        if isinstance(figure.value, int) and figure.link:
            page = client.get(figure.link).context
            listed[str(figure.name)] = page["cl"].result_count if "cl" in page else len(page["rows"])
    assert listed == {str(one.name): one.value for one in found if str(one.name) in listed}
    assert listed["booked on this day"] == 2 * len(STATES)
    assert (listed["left open"], listed["answered"], listed["failed"], listed["signed"]) == (4, 4, 2, 2)
    assert (listed["follow-ups asked for"], listed["follow-ups closed"]) == (4, 2)
    assert (listed["tasks that broke"], listed["failed sign-ins"]) == (2, 2)


def test_no_list_answers_days_of_a_moment_that_it_does_not_have(client, administrator):
    client.force_login(administrator)
    answer = client.get("/admin/inference/prediction/?first=2026-01-01&by=birthday")
    assert answer["Location"].endswith("?e=1")
