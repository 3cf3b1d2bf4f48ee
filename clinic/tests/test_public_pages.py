"""The booking pages, as a patient walks through them."""

import datetime
import html
import logging
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.jobs import mail
from backoffice.web.logs import JsonFormatter
from clinic import booking
from clinic.models import (
    Appointment,
    ClinicSession,
    Closure,
    LikertQuestion,
    NumericQuestion,
    OpeningHours,
    Patient,
)
from clinic.public.draft import KEY
from clinic.tests.booking_pages import CHOOSE, DETAILS, DONE, SURVEY, text, walk

pytestmark = pytest.mark.django_db


def test_the_front_page_leads_to_booking(client):
    assert client.get("/").url == CHOOSE


def test_a_patient_books_in_three_steps(client, slot, person, answers, questions):
    page = walk(client, slot, person, answers)
    assert page.redirect_chain[-1][0] == DONE
    visit = Appointment.objects.get()
    assert 'data-queue-number="1"' in text(page)
    assert reverse("clinic:booking", args=[visit.reference]) in text(page)
    patient = visit.patient
    assert (patient.full_name, patient.national_id, patient.phone) == ("Lin Mei-ling", "A123456789", "0912 345 678")
    assert (visit.source, visit.identity_conflict) == (Appointment.Source.PUBLIC, False)
    assert [symptom.name for symptom in visit.symptoms.all()] == ["Cough"]
    assert visit.likert_answers.get().score == 6
    assert visit.numeric_answers.get().value == 4.5
    assert visit.history.latest().history_user is None


def test_nothing_is_in_the_database_before_the_last_step(client, slot, person, questions):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    client.get(SURVEY)
    assert not Patient.objects.exists()
    assert not ClinicSession.objects.exists()
    assert not Appointment.objects.exists()


def test_a_page_that_is_only_looked_at_writes_nothing(client, slot, person, questions):
    client.post("/book/", {"session": slot})
    client.post("/book/details/", person)
    with CaptureQueriesContext(connection) as asked:
        client.get("/book/survey/")
    assert [query["sql"] for query in asked if not query["sql"].startswith("SELECT")] == []
    assert sum('FROM "clinic_symptom"' in query["sql"] for query in asked) <= 1  # details are looked over at each step


def test_what_was_typed_is_gone_from_the_session_afterwards(client, slot, person, answers):
    walk(client, slot, person, answers)
    assert client.session[KEY] == {"booked": Appointment.objects.get().reference}


def test_going_back_keeps_what_was_typed_even_where_it_is_wrong(client, slot, person):
    client.post(CHOOSE, {"session": slot})
    assert client.post(DETAILS, person | {"national_id": "half", "back": "1"}).url == CHOOSE
    assert re.search(rf'value="{slot}"[^>]*checked', text(client.get(CHOOSE)))
    page = text(client.get(DETAILS))
    assert 'value="Lin  Mei-ling"' in client.get(DETAILS).content.decode()
    assert "half" not in page  # the number is in no page, right or wrong
    assert "errorlist" not in page


def test_a_mistake_is_told_at_its_field_which_gets_the_cursor_and_survives_a_reload(client, slot, person):
    client.post(CHOOSE, {"session": slot})
    page = text(client.post(DETAILS, person | {"national_id": "A123456788"}, follow=True))
    field = re.search(r"<input[^>]*name=\"national_id\"[^>]*>", page)[0]
    assert "autofocus" in field
    assert "id_national_id_error" in field
    assert "does not add up" in page
    again = text(client.get(DETAILS))
    assert "does not add up" in again
    assert 'value="0912 345 678"' in again or 'value="０９１２ 345 678"' in again
    assert "A123456788" not in page + again


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("date_of_birth", "2999-01-01", "still to come"),
        ("date_of_birth", "1700-01-01", "check the year"),
        ("national_id", "Z99", "one letter and nine digits"),
        ("phone", "call me", "phone number"),
        ("full_name", " ", "name"),
        ("sex", "yes", "Select a valid choice"),
    ],
)
def test_it_says_what_is_wrong_with_a_detail(client, slot, person, field, value, says):
    client.post(CHOOSE, {"session": slot})
    answer = client.post(DETAILS, person | {field: value})
    assert (answer.status_code, answer.url) == (303, DETAILS)  # "back" and "reload" ask to send nothing again
    page = client.get(DETAILS)
    assert says in " ".join(page.context["form"].errors[field])


@pytest.mark.parametrize("value", ["61", "-1", "many", "NaN", "1e400", ""])
def test_a_number_out_of_bounds_or_none_is_refused(client, slot, person, answers, questions, value):
    name = f"chabit_{questions[1].pk}"
    page = walk(client, slot, person, answers | {name: value})
    assert name in page.context["form"].errors
    assert not Appointment.objects.exists()


@pytest.mark.parametrize("value", ["12 a day", "12A day", "１２　支"])
def test_an_answer_may_repeat_the_questions_unit(client, slot, person, answers, questions, value):
    NumericQuestion.objects.update(unit_other="支")
    walk(client, slot, person, answers | {f"chabit_{questions[1].pk}": value})
    assert Appointment.objects.get().numeric_answers.get().value == 12


def test_a_question_taken_out_meanwhile_is_not_asked_again(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    LikertQuestion.objects.update(is_active=False)
    client.post(SURVEY, answers)
    assert not Appointment.objects.get().likert_answers.exists()


def test_a_clinic_without_questions_only_asks_to_confirm(client, slot, person):
    page = walk(client, slot, person, {})
    assert "You are booked" in text(page)


@pytest.mark.parametrize(
    "kept",
    [
        None,
        "nonsense",
        {"slot": "yesterday"},
        {"slot": "2026-11-23/midnight"},
        {"slot": "2026-11-23/morning", "details": "none"},
        {"slot": "2026-11-23/morning", "started_at": "now"},
        {"slot": "2026-11-23/morning", "started_at": 0},
        {"slot": "2026-11-23/morning", "admin": True},
    ],
)
@pytest.mark.parametrize("step", [DETAILS, SURVEY])
def test_an_expired_or_tampered_session_leads_back_kindly(client, hours, kept, step):
    session = client.session
    session[KEY] = kept
    session.save()
    page = client.get(step, follow=True)
    assert page.redirect_chain[-1][0] == CHOOSE
    assert "Please choose a time first" in text(page)


def test_skipping_a_step_leads_back_to_it(client, slot):
    client.post(CHOOSE, {"session": slot})
    assert client.get(SURVEY).url == DETAILS


@pytest.mark.parametrize("slot", ["", "1999-01-01/morning", "x", "2026-11-23/night", "' OR 1=1"])
def test_a_time_that_is_not_offered_is_refused(client, hours, slot):
    page = client.post(CHOOSE, {"session": slot}, follow=True)
    assert page.redirect_chain == [(CHOOSE, 303)]
    assert "Choose a time first." in text(page) or "cannot be booked any more" in text(page)


def test_the_same_form_sent_twice_gives_the_same_confirmation(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    before = client.session[KEY]
    first = client.post(SURVEY, answers, follow=True)
    again = client.post(SURVEY, answers, follow=True)
    # And as it is when both were sent before either was answered:
    session = client.session
    session[KEY] = before
    session.save()
    at_once = client.post(SURVEY, answers, follow=True)
    for page in (first, again, at_once):
        assert page.redirect_chain[-1][0] == DONE
        assert 'data-queue-number="1"' in text(page)
    assert Appointment.objects.count() == 1


def test_somebody_else_with_the_same_card_at_the_same_time_is_told_kindly(client, slot, person, answers):
    walk(client, slot, person, answers)
    page = walk(client, slot, person | {"full_name": "Somebody Else"}, answers)
    assert "already a booking" in text(page)
    assert Appointment.objects.count() == 1


def test_a_time_that_filled_meanwhile_offers_the_nearest_and_keeps_what_was_typed(
    client, slot, person, answers, session, tomorrow
):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    for _place in range(3):
        booking.book(session, baker.make(Patient), by=None)
    page = client.post(SURVEY, answers, follow=True)
    assert "This time is full" in text(page)
    assert page.context["nearest"][0].session.slug == f"{tomorrow}/afternoon"
    assert client.post(CHOOSE, {"session": f"{tomorrow}/afternoon"}).url == SURVEY
    scale = next(name for name in answers if name.startswith("habit_"))
    assert re.search(rf'name="{scale}" value="6"[^>]*checked', text(client.get(SURVEY)))
    assert "You are booked" in text(client.post(SURVEY, answers, follow=True))


def test_people_without_a_number_book_and_come_back_as_themselves(client, slot, person, answers, tomorrow):
    without = person | {"national_id": ""}
    walk(client, slot, without, answers)
    client.get(CHOOSE)
    walk(client, f"{tomorrow}/afternoon", without | {"phone": "0912345678"}, answers)
    assert Patient.objects.get().appointments.count() == 2
    client.get(CHOOSE)
    walk(client, slot, without | {"full_name": "Somebody Else"}, answers)
    assert Patient.objects.count() == 2


def test_a_closed_period_says_why(client, hours, tomorrow):
    baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow, reason="public holiday")
    assert "Closed · public holiday" in text(client.get(CHOOSE))


def test_it_says_until_when_the_clinic_is_open(client, db):
    baker.make(
        OpeningHours,
        weekday=timezone.localdate().weekday(),
        period="morning",
        opens_at=datetime.time(0),
        closes_at=datetime.time(23, 59, 59),
        capacity=5,
    )
    assert "Open now until 23:59" in text(client.get(CHOOSE))


def test_pages_ask_nothing_of_another_host_and_run_no_inline_script(client, slot, person, answers):
    walk(client, slot, person, answers)
    for address in (CHOOSE, DONE, "/now/"):
        page = client.get(address)
        assert "script-src 'self'" in page["Content-Security-Policy"]
        markup = text(page)
        assert not re.search(r"(src|href)=\"(https?:)?//", markup)
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", markup)


# -- Places left, live ------------------------------------------------------------------------------------------------

HTMX = {"HX-Request": "true"}


def polled(page) -> str:
    return html.unescape(re.search(r'hx-get="([^"]+)"', page.content.decode())[1])


def test_places_left_are_sent_when_they_change_and_the_choice_stays(client, slot, session):
    address = polled(client.get(CHOOSE))
    assert client.get(address, headers=HTMX).status_code == 204
    booking.book(session, baker.make(Patient), by=None)
    news = client.get(address, {"session": slot}, headers=HTMX)
    assert "2 left" in text(news)
    assert "<html" not in text(news)
    assert re.search(rf'value="{slot}"[^>]*checked', text(news))


def test_a_choice_that_others_took_is_told(client, slot, session):
    address = polled(client.get(CHOOSE))
    for _place in range(3):
        booking.book(session, baker.make(Patient), by=None)
    assert "taken by now" in text(client.get(address, {"session": slot}, headers=HTMX))


# -- Nothing of the patient in addresses or logs ----------------------------------------------------------------------


def test_no_address_and_no_log_line_holds_anything_of_the_patient(
    client, slot, person, answers, caplog, monkeypatch, django_capture_on_commit_callbacks
):
    details = person | {"national_id": "A123456789", "email": "lin@example.org"}
    for logger in ("django", "django-q"):
        monkeypatch.setattr(logging.getLogger(logger), "propagate", True)
    caplog.set_level(logging.DEBUG)
    with django_capture_on_commit_callbacks(execute=True):
        walk(client, slot, details | {"national_id": "A123456788"}, answers)  # a mistake on the way
        page = walk(client, slot, details, answers)
    visit = Appointment.objects.get()
    pages = [client.get(reverse(f"clinic:{name}", args=[visit.reference])) for name in ("booking", "move", "calendar")]
    client.post(reverse("clinic:cancel", args=[visit.reference]))
    mail.send_due()
    addresses = [address for address, _status in page.redirect_chain]
    addresses += re.findall(r'(?:href|action|hx-get|src)="([^"]*)"', "".join(map(text, [page, *pages])))
    told = "\n".join([caplog.text, *(JsonFormatter().format(record) for record in caplog.records), *addresses])
    assert "Enqueued" in told
    for secret in ("Mei-ling", "A123456788", "A123456789", "1984", "0912", "lin@example.org", "Cough"):
        assert secret not in told
