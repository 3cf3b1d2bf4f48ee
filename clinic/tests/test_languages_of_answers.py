"""What is no ordinary page speaks its reader's language too: refusals, errors, JSON, calendar files, mails."""

import json
import re

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from django.utils import translation
from model_bakery import baker

from backoffice.models import Mail
from backoffice.tests.languages import CHINESE, ENGLISH, blanks_after_signs, said
from clinic import mails
from clinic.models import Patient
from clinic.tests.booking_pages import CHOOSE
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

NAMES = {"Collimator", "Riverside Clinic", "cookie", "frontdesk", "administrators", "clinicians"}
LANGUAGES = pytest.mark.parametrize(
    ("language", "others"), [("zh-hant", ENGLISH), ("en", CHINESE)], ids=["Chinese", "English"]
)
PATIENTS = "/admin/clinic/patient/"


@pytest.fixture
def reader(front_desk):
    """A browser in this language, of somebody who works here or of a visitor."""

    def of(language: str, *, at_work: bool = False, **kwargs):
        client = Client(raise_request_exception=False, headers={"Accept-Language": language}, **kwargs)
        if at_work:
            front_desk.language = language
            front_desk.save()
            client.force_login(front_desk)
            client.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"
        return client

    return of


def refusals(reader, language, monkeypatch, settings):
    """(status, answer) of what goes wrong, for a visitor and for who works here."""
    public, at_work = reader(language), reader(language, at_work=True)
    yield 404, public.get("/nowhere/")
    yield 404, at_work.get("/admin/nowhere/")
    yield 403, at_work.get("/admin/clinic/openinghours/add/")
    yield 403, reader(language, enforce_csrf_checks=True).post(CHOOSE, {})
    yield 403, reader(language, at_work=True, enforce_csrf_checks=True).post(f"{PATIENTS}add/", {})
    yield 400, public.get("/now/", headers={"Host": "elsewhere.example"})
    yield 413, public.post(CHOOSE, {"session": "x" * 3_000_000})
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    yield 400, public.post(CHOOSE, {"a": 1, "b": 2, "c": 3})
    yield 400, at_work.post(f"{PATIENTS}add/", {"a": 1, "b": 2, "c": 3})
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
    for status, error in (
        (500, RuntimeError("x")),
        (503, OperationalError("database is locked")),
        (400, SuspiciousOperation("x")),
    ):

        def breaks(*args, _error=error, **kwargs):
            raise _error

        with monkeypatch.context() as broken:
            broken.setattr("clinic.public.views.offered_days", breaks)
            broken.setattr("clinic.admin.patients.PatientAdmin.get_queryset", breaks)
            yield status, public.get(CHOOSE)
            yield status, at_work.get(PATIENTS)
    for _try in range(6):
        answer = public.post("/admin/login/", {"username": "nobody", "password": "wrong"})
    yield 429, answer


@LANGUAGES
def test_whatever_goes_wrong_is_told_in_the_readers_language(reader, monkeypatch, settings, language, others):
    for status, answer in refusals(reader, language, monkeypatch, settings):
        where = answer.request["PATH_INFO"]
        assert answer.status_code == status, where
        assert re.search(rf'<html lang="{language}"', answer.text), (status, where)
        assert said(answer.text, others, NAMES) == set(), (status, where)
        assert blanks_after_signs(answer.text) == set(), (status, where)


@LANGUAGES
def test_a_record_that_was_hidden_meanwhile_says_so_in_the_readers_language(reader, administrator, language, others):
    patient = baker.make(Patient, full_name="7", national_id="")
    client = reader(language, at_work=True)
    sent = {"full_name": "8", "date_of_birth": "1980-01-01", "sex": "male"}
    Patient.objects.filter(pk=patient.pk).hide(by=administrator, reason="9")
    answer = client.post(reverse("admin:clinic_patient_change", args=[patient.pk]), sent)
    assert answer.status_code in (403, 409)
    assert said(answer.text, others, NAMES) == set()


@LANGUAGES
def test_what_a_script_is_answered_is_in_the_readers_language(clinician, language, others):
    clinician.language = language
    clinician.save()
    client = Client()
    client.force_login(clinician)
    answer = client.post(reverse("admin:imaging_xrayimage_take"), {"patient": "0"})
    assert answer.status_code == 422
    assert set(others.findall(" ".join(json.loads(answer.text)["problems"]))) == set()


@LANGUAGES
def test_a_calendar_file_is_in_the_readers_language(reader, language, others):
    booked = visit(session_today())
    entry = reader(language).get(reverse("clinic:calendar", args=[booked.reference])).content.decode()
    [summary] = re.findall(r"^SUMMARY:(.*)$", entry.replace("\r\n ", ""), re.MULTILINE)
    assert set(others.findall(summary.replace("Riverside Clinic", ""))) == set()


@LANGUAGES
@pytest.mark.parametrize("kind", ["booked", "moved", "cancelled", "hours", "reminder"])
def test_a_mail_is_in_the_language_of_the_booking_whoever_causes_it(kind, language, others):
    booked = visit(session_today(), language=language)
    booked.patient.email = "lin@example.org"
    booked.patient.save()
    with translation.override("en" if language == "zh-hant" else "zh-hant"):
        mails.write(kind, booked)
    mail = Mail.objects.latest("pk")
    text = re.sub(r"https?://\S+", "", f"{mail.subject}\n{mail.body}".replace("Riverside Clinic", ""))
    assert text.strip()
    assert set(others.findall(text)) == set()
    assert re.search(r"[，。：；！？、] +[\u3400-\u9fff]", text) is None
