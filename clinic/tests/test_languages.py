"""Both languages are whole on the patients' pages too, and what a page fetches later speaks as the page does."""

from contextlib import suppress
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from backoffice.tests.languages import CHINESE, ENGLISH, blanks_after_signs, said
from clinic import booking
from clinic.booking import calling
from clinic.models import Appointment
from clinic.tests.booking_pages import CHOOSE, DETAILS, DONE, SURVEY, walk
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

NAMES = {"Riverside Clinic", "Collimator", "Lin Mei-ling", "Cough", "a day", "cookie"}
LANGUAGES = pytest.mark.parametrize(
    ("browser", "language", "others"),
    [("zh-TW,zh;q=0.9,en;q=0.8", "zh-hant", ENGLISH), ("en-GB,en;q=0.9", "en", CHINESE)],
    ids=["Chinese", "English"],
)


@pytest.fixture
def pages(person, answers, slot, hours, questions):
    """Every page that a patient meets, refusals too, as a browser with this language shows them."""

    def met(browser: str):
        client = Client(headers={"Accept-Language": browser})
        yield client.get(CHOOSE)
        yield client.post(CHOOSE, {"session": ""}, follow=True)
        yield client.get(SURVEY, follow=True)  # too early
        client.post(CHOOSE, {"session": slot})
        yield client.get(DETAILS)
        yield client.post(DETAILS, {}, follow=True)
        yield client.post(
            DETAILS, person | {"national_id": "A123456780", "phone": "1", "date_of_birth": "05/06/1980"}, follow=True
        )
        client.post(DETAILS, person)
        yield client.get(SURVEY)
        yield client.post(SURVEY, {}, follow=True)
        yield walk(client, slot, person, answers)
        yield client.get(DONE)
        booked = Appointment.objects.latest("pk")
        own = reverse("clinic:booking", args=[booked.reference])
        yield client.get(own)
        yield client.get(f"{own}move/")
        yield client.post(f"{own}move/", {"session": ""}, follow=True)
        yield client.get(f"{own}cancel/")
        yield client.post(f"{own}cancel/", follow=True)
        yield client.get("/bookings/nowhere/")
        yield client.get("/nowhere/")
        yield client.get("/now/")
        yield Client(enforce_csrf_checks=True, headers={"Accept-Language": browser}).post(CHOOSE, {"session": slot})
        yield client.get("/admin/login/")
        yield client.post("/admin/login/", {"username": "nobody", "password": "wrong"})

    return met


@LANGUAGES
def test_every_page_for_patients_speaks_the_browsers_language(pages, questions, browser, language, others):
    for question in questions:
        question.text = question.unit = "?"
        question.min_label = question.max_label = "–"
        question.save()
    for page in pages(browser):
        assert page["Content-Language"] == language
        assert f'<html lang="{language}"' in page.text
        assert said(page.text, others, NAMES) == set(), page.request["PATH_INFO"]
        assert blanks_after_signs(page.text) == set(), page.request["PATH_INFO"]


@LANGUAGES
def test_what_a_page_fetches_later_speaks_as_the_page_does(client, front_desk, browser, language, others):
    """Even where somebody else has just fetched the same in the other language."""
    session = session_today(date=timezone.localdate())
    called, waiting = visit(session), visit(session)
    calling.check_in(called, by=None)
    calling.check_in(waiting, by=None)
    calling.call_next(session, by=None)
    desk = reverse("admin:clinic_clinicsession_desk", args=[session.pk])
    first_page = reverse("admin:live_block", args=["today"])
    for spoken in ("en", "zh-hant", language):
        front_desk.language = spoken
        front_desk.save()
        client.force_login(front_desk)
        at_work = [client.get(address, headers={"HX-Request": "true"}) for address in (desk, first_page)]
        public = [
            Client().get(address, headers={"HX-Request": "true", "Accept-Language": spoken})
            for address in ("/now/", reverse("clinic:booking", args=[waiting.reference]), CHOOSE)
        ]
    patients = {word for one in (called, waiting) for word in one.patient.full_name.split()}
    for fragment in (*at_work, *public):
        assert fragment["Content-Language"] == language
        assert said(fragment.text, others, NAMES | patients) == set()


@pytest.mark.parametrize(
    "command",
    [["purge", "--dry-run"], ["purge"], ["check_integrity"], ["rebuild_intake"], ["rebuild_intake", "--check"]],
)
@pytest.mark.parametrize(("language", "others"), [("zh-hant", ENGLISH), ("en", CHINESE)], ids=["Chinese", "English"])
def test_what_a_command_prints_speaks_one_language(command, language, others):
    visit(session_today())
    out = StringIO()
    with translation.override(language), suppress(CommandError):
        call_command(*command, stdout=out)
    assert out.getvalue()
    assert set(others.findall(out.getvalue())) - {"manage", "rebuild"} == set()


@LANGUAGES
def test_what_the_software_gives_as_a_reason_is_told_in_the_readers_language(
    client, front_desk, session, browser, language, others
):
    booked = visit(session)
    for spoken, act in (("en", booking.cancel), ("zh-hant", booking.reinstate)):
        with translation.override(spoken):
            act(booked, by=front_desk)
    front_desk.language = language
    front_desk.save()
    client.force_login(front_desk)
    page = client.get(reverse("admin:clinic_appointment_history", args=[booked.pk]))
    told = {"zh-hant": ["已取消", "已撤回取消"], "en": ["Cancelled", "Cancellation taken back"]}[language]
    assert [reason for reason in told if f'<p class="history-reason">{reason}</p>' not in page.text] == []
