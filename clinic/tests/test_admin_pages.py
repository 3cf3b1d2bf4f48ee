"""Every clinic page of the admin, as each role sees it."""

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from clinic.models import ClinicSession, IntakeRecord
from clinic.tests.clinics import a_clinic, visit

pytestmark = pytest.mark.django_db

MODELS = [
    "appointment",
    "clinicsession",
    "closure",
    "intakerecord",
    "likertquestion",
    "numericquestion",
    "openinghours",
    "patient",
    "symptom",
]
CLOSED_TO_CLINICIANS = {"closure", "openinghours"}
ADDED_AT_THE_DESK = {"appointment", "patient"}
CHANGED_AT_THE_DESK = ADDED_AT_THE_DESK | {"clinicsession"}


@pytest.fixture
def clinic(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        return a_clinic()


def pages_of(name: str) -> list[str]:
    pk = apps.get_model("clinic", name)._default_manager.values_list("pk", flat=True)[0]
    return [reverse(f"admin:clinic_{name}_changelist"), reverse(f"admin:clinic_{name}_change", args=[pk])]


@pytest.mark.parametrize("name", MODELS)
def test_an_administrator_opens_every_list_and_record(client, administrator, clinic, name):
    client.force_login(administrator)
    for page in pages_of(name):
        assert client.get(page, follow=True).status_code == 200


@pytest.mark.parametrize("name", MODELS)
def test_the_front_desk_sees_the_clinic_and_changes_what_is_its_own(client, front_desk, clinic, name):
    client.force_login(front_desk)
    for page in pages_of(name):
        assert client.get(page, follow=True).status_code == 200
    assert (client.post(pages_of(name)[1], {}).status_code == 200) is (name in CHANGED_AT_THE_DESK)
    may_add = client.get(reverse(f"admin:clinic_{name}_add")).status_code == 200
    assert may_add is (name in ADDED_AT_THE_DESK)


@pytest.mark.parametrize("name", MODELS)
def test_clinicians_see_no_hours_and_add_nothing_here(client, clinician, clinic, name):
    client.force_login(clinician)
    expected = 403 if name in CLOSED_TO_CLINICIANS else 200
    for page in pages_of(name):
        assert client.get(page, follow=True).status_code == expected
    assert client.get(reverse(f"admin:clinic_{name}_add")).status_code == 403


@pytest.mark.parametrize("name", MODELS)
def test_nobody_deletes(client, administrator, clinic, name):
    client.force_login(administrator)
    delete = reverse(f"admin:clinic_{name}_delete", args=[pages_of(name)[1].split("/")[-3]])
    assert client.post(delete, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", ["appointment", "patient", "clinicsession", "intakerecord"])
def test_a_longer_list_takes_no_more_queries(client, administrator, clinic, name, django_capture_on_commit_callbacks):
    client.force_login(administrator)
    page = reverse(f"admin:clinic_{name}_changelist")
    session = ClinicSession.objects.get()

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page, follow=True).status_code == 200
        return len(captured)

    queries()  # content types and the session are read once
    short = queries()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(7):
            visit(session)
    assert IntakeRecord.objects.count() == 8
    assert queries() == short


def test_a_record_with_more_on_it_takes_no_more_queries(client, administrator, clinic):
    client.force_login(administrator)
    patient = clinic[0].patient
    page = reverse("admin:clinic_patient_change", args=[patient.pk])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(page, follow=True).status_code == 200
        return len(captured)

    queries()
    short = queries()
    for day in range(1, 6):
        session = ClinicSession.objects.get(pk=clinic[0].session_id)
        session.pk, session.date = None, session.date.replace(year=2030 + day)
        session.booked = session.last_number = 0
        session._state.adding = True
        session.save()
        visit_of = visit(session)
        visit_of.patient = patient
        visit_of.save()
    assert queries() == short
