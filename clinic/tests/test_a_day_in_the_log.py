"""A day with everything that goes wrong in it, and a log in which nobody finds a patient or a booking's key."""

import json
import logging
import re

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError
from django.test import Client

from backoffice.jobs import mail
from backoffice.models import Mail
from backoffice.web.logs import JsonFormatter
from clinic.models import Appointment, Patient
from clinic.tests.booking_pages import CHOOSE, DETAILS, SURVEY, walk

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(monkeypatch) -> list[str]:
    """The lines, as they would be written: of every logger that the settings name, and of all others."""
    lines = []
    handler = logging.Handler()
    handler.setFormatter(JsonFormatter())
    handler.emit = lambda record: lines.append(handler.format(record))
    for name in (None, "django", "django.security", "collimator.security", "django-q", "axes"):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "level", logging.INFO)
        monkeypatch.setattr(logger, "handlers", [*logger.handlers, handler])
    return lines


def breaks(*_args, **_kwargs):
    visit = Appointment.objects.first()
    raise RuntimeError(f"{visit.patient} {visit.patient.national_id} {visit.reference}")


def quotes(*_args, **_kwargs):
    raise IntegrityError(
        'duplicate key value violates unique constraint "one_visible_patient_per_national_id"\n'
        "DETAIL:  Key (national_id)=(B123456780) already exists."
    )


def test_a_day_with_everything_that_goes_wrong_names_nobody(
    log, client, slot, person, answers, administrator, monkeypatch, settings, django_capture_on_commit_callbacks
):
    client.raise_request_exception = False
    settings.EMAIL_BACKEND = "backoffice.tests.test_mail.Away"
    with django_capture_on_commit_callbacks(execute=True):
        walk(client, slot, person | {"email": "lin@example.org"}, answers)
    visit = Appointment.objects.get()
    own = f"/bookings/{visit.reference}/"
    mail.send_due()
    # 403, 404, 405, 413 and 400, each at an address that is a key.
    stale = Client(enforce_csrf_checks=True)
    assert stale.post(f"{own}cancel/").status_code == 403
    assert client.get(f"/bookings/{visit.reference[:-1]}/").status_code == 404
    assert client.get(f"{own}nowhere/").status_code == 404
    assert client.post(own).status_code == 405
    assert client.post(f"{own}move/", {"session": "x" * 100_000}).status_code == 413
    assert client.post(f"{own}move/", {"session": "\0"}).status_code == 400
    # 500, by an error that names the patient.
    for place, address in (
        ("clinic.public.private_page.turn", own),
        ("clinic.public.private_page.booking.public_may_change", f"{own}move/"),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(place, breaks)
            assert client.get(address).status_code == 500
    with monkeypatch.context() as broken:
        broken.setattr("clinic.public.views.booking.book_publicly", breaks)
        client.get(CHOOSE)
        client.post(CHOOSE, {"session": slot})
        client.post(DETAILS, person | {"national_id": "B123456780", "full_name": "Chen Wei-Ting"})
        assert client.post(SURVEY, answers).status_code == 500
    # A file that the database refuses, and a page of a record that breaks.
    client.force_login(administrator)
    table = "full_name,date_of_birth,sex,national_id\nChen Wei-Ting,1990-01-01,male,B123456780\n"
    with monkeypatch.context() as broken:
        broken.setattr("backoffice.exchange.base_resource.ExchangeResource.before_writing", quotes, raising=False)
        broken.setattr("clinic.admin.patients.PatientAdmin.get_queryset", breaks)
        client.post("/admin/clinic/patient/import/", {"file": ContentFile(table.encode(), name="Chen Wei-Ting.csv")})
        assert client.get(f"/admin/clinic/patient/{visit.patient_id}/change/").status_code == 500
    assert Patient.objects.count() == 1
    lines = [json.loads(line) for line in log]
    assert [line for line in lines if line["message"] == f"booking {visit.pk} was made by the patient"]
    assert re.fullmatch(r"[0-9a-f]{32}", Mail.objects.get().request_id)
    assert [line["message"] for line in lines if line["logger"] == "backoffice.imports.uploads"]
    said = "\n".join(log)
    assert said.count('"level": "ERROR"') == 4
    assert all(json.loads(line)["request_id"] for line in log)
    for secret in (visit.reference, visit.reference[:-1], "A123456789", "B123456780", "Mei-ling", "Wei-Ting", "lin@"):
        assert secret not in said
    assert "0912" not in said
