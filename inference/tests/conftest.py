import functools
import logging
from io import BytesIO

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.template import Template
from django.utils import timezone
from django.utils.translation import get_language
from django_q.models import Schedule, Task
from model_bakery import baker
from PIL import Image

from backoffice.access import roles
from backoffice.jobs.summary import of as summary_of
from backoffice.jobs.summary import to_keep
from backoffice.models import AccessEvent, Backup, DailySummary, FailedSignIn, Mail, Role, SignIn, TableImport
from backoffice.web import errors
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
from imaging import phantom
from imaging.storing import receive
from imaging.tests.pictures import png
from inference.models import (
    Calibration,
    DiagnosticModel,
    FollowUp,
    Hold,
    ModelResult,
    Prediction,
    ReferenceStandard,
    Report,
)
from inference.tests import access_matrix as matrix
from inference.tests.tiny import register_tiny_models


def film(seed: int = 0, edge: int = 96) -> ContentFile:
    """A small chest, another one for each seed."""
    return ContentFile(drawn(seed, edge), name=f"film-{seed}.png")


@functools.cache
def drawn(seed: int, edge: int) -> bytes:
    target = BytesIO()
    Image.fromarray(phantom.render("Normal", seed, edge)).save(target, "PNG")
    return target.getvalue()


@pytest.fixture(autouse=True)
def _no_tuning(settings):
    settings.INFERENCE_TUNING = False


@pytest.fixture
def make_xray(transactional_db):
    """Make X-rays as an upload does. The upload owns its transaction, so the test must not stand in one."""
    patient = baker.make(Patient, full_name="Chen Wei-Ting")

    def make(seed: int = 0):
        return receive(film(seed), patient).xray

    return make


@pytest.fixture
def tiny_models(transactional_db, tmp_path):
    return register_tiny_models(tmp_path / "made")


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A tiny network's file."""
    from inference.tests import registering, tiny_networks  # torch

    return tiny_networks.spec(tmp_path_factory.mktemp("weights"), registering.FAMILY).weights


@pytest.fixture
def at_work(installation, networks):
    """An installation whose commands and workers find torch loaded."""
    installation.networks = networks
    return installation


@pytest.fixture
def doctor(client, clinician):
    """The client of a clinician who is signed in."""
    client.force_login(clinician)
    return client


@pytest.fixture
def colleague(django_user_model):
    person = django_user_model.objects.create_user("colleague", first_name="Kai", last_name="Wang", is_staff=True)
    person.groups.add(Group.objects.get(name=roles.CLINICIANS))
    return person


@pytest.fixture
def answer(clinician):
    """A signed one, of which a report can be written."""
    from inference.tests.reporting import signed_answer  # pypdf

    return signed_answer(clinician)


@pytest.fixture
def on_a_walk(monkeypatch):
    """For walks over every address. Each is refused or not by itself, but the page that says so is the same for
    hundreds of them: it is drawn once for each person, and no line with a traceback is logged about each. Nor is kept,
    as tests otherwise do, what each piece of a page was drawn from."""
    draw, drawn = errors._in_the_frame, {}

    def once(request, status, title, why):
        page = (request.user.pk, get_language(), status, title, why)
        if page not in drawn:
            drawn[page] = draw(request, status, title, why).content
        return HttpResponse(drawn[page], status=status)

    monkeypatch.setattr(errors, "_in_the_frame", once)
    monkeypatch.setattr(Template, "_render", lambda template, context: template.nodelist.render(context))
    requests = logging.getLogger("django.request")
    known = requests.level
    requests.setLevel(logging.ERROR)
    yield
    requests.setLevel(known)


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
        *opinions(xray, clinician),
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


def opinions(xray, clinician) -> list:
    prediction = baker.make(Prediction, xray=xray, status=Prediction.Status.COMPLETED, diagnosis="Normal")
    model = baker.make(DiagnosticModel, labels=["Normal"], metrics={}, options={})
    result = baker.make(
        ModelResult,
        prediction=prediction,
        model=model,
        heatmap=heat_map(),
        probabilities={"Normal": 1.0},
        diagnosis="Normal",
    )
    figures = {"models": [], "before": {}, "after": {}, "counts": {}, "covered": {}, "mean_size": 1, "missing": {}}
    calibration = baker.make(Calibration, figures=figures, coverage=0.9)
    report = baker.make(Report, prediction=prediction, body="clear")
    follow_up = baker.make(
        FollowUp, prediction=prediction, kind="film", due_on=timezone.localdate(), asked_by=clinician
    )
    hold = baker.make(Hold, report=report)
    stated = {"known_on": timezone.localdate(), "stated_by": clinician}
    known = baker.make(ReferenceStandard, xray=xray, diagnosis="Normal", **stated)
    return [prediction, model, result, calibration, known, report, follow_up, hold]


def heat_map() -> bytes:
    heat = BytesIO()
    Image.new("L", (7, 7), 200).save(heat, "PNG")
    return heat.getvalue()


def backoffice_rows(people: dict, patient) -> list:
    of_patients = ContentType.objects.get_for_model(Patient)
    person = baker.make("backoffice.User", is_staff=True)
    return [
        person,
        Role.objects.first(),
        baker.make(AccessEvent, user=person, content_type=of_patients, object_id=patient.pk),
        *(baker.make(model, username=person.username) for model in (SignIn, FailedSignIn)),
        baker.make(Mail),
        baker.make(Backup, name="collimator-1.age", made_at=timezone.now(), findings=[]),
        baker.make(DailySummary, day=timezone.localdate(), sections=to_keep(summary_of(timezone.localdate()))),
        Schedule.objects.first(),
        *(task(name, success=name == "success") for name in ("success", "failure")),
    ]


def task(name: str, *, success: bool):
    """django-q2 shows one table as two models."""
    made = baker.make(Task, id=name, func="a.task", args=None, kwargs=None, success=success, result="", hook=None)
    proxy = {model._meta.model_name: model for model in admin.site._registry}[name]
    return proxy.objects.get(pk=made.pk)
