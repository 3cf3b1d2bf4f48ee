"""Every address of the admin, by GET and POST, and every action, as each role meets it: against access_matrix.txt."""

import io
import os

import pytest
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_q.models import Schedule, Task
from model_bakery import baker
from PIL import Image

from backoffice.models import AccessEvent, FailedSignIn, Mail, Role, SignIn, TableImport
from clinic.models import (
    Closure,
    IntakeRecord,
    LikertQuestion,
    NumericQuestion,
    OpeningHours,
    Patient,
    Symptom,
)
from clinic.patients import merging
from clinic.tests.clinics import a_clinic
from imaging.storing import receive
from imaging.tests.pictures import png
from inference.models import DiagnosticModel, ModelResult, Prediction, Report
from inference.tests import access_matrix as matrix

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

WRITE = "WRITE_ACCESS_MATRIX" in os.environ
OPEN_TO_ALL = {"login/", "logout/"}
ON_THE_WAY_IN = {"second-factor/ask/", "second-factor/set-up/"}


@pytest.fixture
def people(administrator, front_desk, clinician, django_user_model):
    idle = django_user_model.objects.create_user("idle", is_staff=True)
    return dict(zip(matrix.COLUMNS, [administrator, front_desk, clinician, idle], strict=True))


@pytest.fixture
def rows(people, clinician, django_capture_on_commit_callbacks) -> dict[str, object]:
    """One row of everything, by its model's label."""
    with django_capture_on_commit_callbacks(execute=True):
        [visit] = a_clinic()
    patient = visit.patient
    kept, merged = baker.make(Patient, national_id="", _quantity=2)
    xray = receive(ContentFile(png(), name="film.png"), patient, by=clinician).xray
    made = [
        visit,
        visit.session,
        patient,
        xray,
        merging.merge(kept, merged, choices=[], by=clinician, reason="twice"),
        *(model.objects.first() for model in (OpeningHours, Closure, Symptom, LikertQuestion, NumericQuestion)),
        IntakeRecord.objects.get(),
        *opinions(xray),
        *backoffice_rows(people, patient),
    ]
    imports = {
        f"import into {model._meta.label_lower}": baker.make(
            TableImport,
            content_type=ContentType.objects.get_for_model(model),
            uploaded_by=people["Administrators"],
            status=TableImport.Status.FAILED,
        )
        for model in admin.site._registry
    }
    return imports | {row._meta.label_lower: row for row in [*made, *imports.values()]}


def opinions(xray) -> list:
    prediction = baker.make(Prediction, xray=xray, status=Prediction.Status.COMPLETED, diagnosis="Normal")
    model = baker.make(DiagnosticModel, labels=["Normal"], metrics={}, options={})
    heat = io.BytesIO()
    Image.new("L", (7, 7)).save(heat, "PNG")
    result = baker.make(
        ModelResult,
        prediction=prediction,
        model=model,
        heatmap=heat.getvalue(),
        probabilities=[1.0],
        diagnosis="Normal",
    )
    return [prediction, model, result, baker.make(Report, prediction=prediction, body="clear")]


def backoffice_rows(people: dict, patient) -> list:
    of_patients = ContentType.objects.get_for_model(Patient)
    person = baker.make("backoffice.User", is_staff=True)
    return [
        person,
        Role.objects.first(),
        baker.make(AccessEvent, user=person, content_type=of_patients, object_id=patient.pk),
        *(baker.make(model, username=person.username) for model in (SignIn, FailedSignIn)),
        baker.make(Mail),
        Schedule.objects.first(),
        *(task(name, success=name == "success") for name in ("success", "failure")),
    ]


def task(name: str, *, success: bool):
    """django-q2 shows one table as two models."""
    made = baker.make(Task, id=name, func="a.task", args=None, kwargs=None, success=success, result="", hook=None)
    proxy = {model._meta.model_name: model for model in admin.site._registry}[name]
    return proxy.objects.get(pk=made.pk)


@pytest.mark.parametrize("column", matrix.COLUMNS)
def test_each_role_reaches_what_the_matrix_says_and_nothing_else(column, people, rows):
    visit = matrix.Visit(people[column])
    found = dict(matrix.row_of(visit, path, rows) for path in matrix.addresses())
    found |= dict(matrix.action_rows(visit, rows))
    expected = matrix.read()
    if WRITE:
        table = {row: expected.get(row, {}) | {column: cell} for row, cell in found.items()}
        matrix.FILE.write_text(matrix.written(table))
        expected = matrix.read()
    wrong = {
        row: (cell, expected.get(row, {}).get(column, "not in the matrix"))
        for row, cell in found.items()
        if expected.get(row, {}).get(column) != cell
    }
    assert wrong == {}, "{row: (what happens, what the matrix says)}; access_matrix.py tells how to write it anew"
    assert set(expected) - set(found) == set(), "rows of the matrix that are no address any more"


@pytest.fixture(params=["nobody", "a patient", "owes a code"])
def stranger(request, people, django_user_model):
    if request.param == "nobody":
        return None
    if request.param == "a patient":
        return django_user_model.objects.create_user("patient")
    baker.make(TOTPDevice, user=people["Administrators"], confirmed=True)
    return people["Administrators"]


def test_everybody_else_is_led_to_sign_in_from_everywhere(stranger, rows):
    visit = matrix.Visit(stranger)
    open_to_them = OPEN_TO_ALL | (ON_THE_WAY_IN if stranger and stranger.is_staff else set())
    reached = []
    for path in matrix.addresses():
        for method in ("GET", "POST"):
            response, changed = visit.ask(method, matrix.filled_in(path, rows))
            # Signing out is noted with the sign-in.
            assert not changed or path == "admin/logout/", f"{method} {path} changes something"
            if not matrix.leads_to_sign_in(response) and matrix.readable(path) not in open_to_them:
                reached.append((method, path, response.status_code))
    assert reached == []
