"""One screen and several people, one person and several windows: each books what they see, and nobody finds another."""

import base64
import datetime
import re

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from model_bakery import baker

from backoffice.access.session_expiry import forget_expired
from clinic.models import Appointment, LikertQuestion, Symptom
from clinic.public.draft import KEY, LIFETIME, PAUSE
from clinic.public.halves import COOKIE
from clinic.tests.booking_pages import CHOOSE, DETAILS, DONE, SURVEY, text, walk

pytestmark = pytest.mark.django_db


def hidden(page) -> dict:
    """What a page's own form carries beside what is typed."""
    return dict(re.findall(r'<input type="hidden" name="(slot|who)" value="([^"]*)"', page.content.decode()))


def test_the_number_is_in_no_page_and_an_empty_field_keeps_it(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person | {"national_id": "b123 456 780"})
    pages = [client.get(url).content.decode() for url in (DETAILS, SURVEY, CHOOSE)]
    assert "B123456780" not in "".join(pages)
    assert "b123 456 780" not in "".join(pages)
    assert "•••••••780" in pages[0]
    client.post(DETAILS, person | {"national_id": ""})
    client.post(SURVEY, answers)
    assert Appointment.objects.get().patient.national_id == "B123456780"


def everything_kept() -> str:
    """All that the database holds, decoded where it is a session's."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        rows = [cursor.execute(f'SELECT * FROM "{table}"').fetchall() for table in tables]  # noqa: S608  (our own)
    return str(rows) + str([row.get_decoded() for row in Session.objects.all()])


def test_before_it_is_booked_the_number_lies_nowhere(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    for number in ("A123456788", "A123456789"):  # wrong, and right
        client.post(DETAILS, person | {"national_id": number})
        client.get(SURVEY)
        assert number not in everything_kept()
        half = client.cookies[COOKIE]
        assert number.encode() not in base64.urlsafe_b64decode(half.value)
        assert half["httponly"]
        assert (half["max-age"], half["path"], half["samesite"]) == (3600, "/book/", "Lax")
    client.post(SURVEY, answers)
    assert Appointment.objects.get().patient.national_id == "A123456789"


@pytest.mark.parametrize("half", [None, "", "é", "AAAA", "=", "A" * 5000])
def test_a_number_whose_half_the_browser_lost_is_asked_for_and_never_left_out(client, slot, person, answers, half):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    del client.cookies[COOKIE]
    if half is not None:
        client.cookies[COOKIE] = half
    page = client.post(SURVEY, answers, follow=True)
    assert "did not keep the number" in text(page)
    assert not Appointment.objects.exists()
    client.post(DETAILS, person)
    client.post(SURVEY, answers)
    assert Appointment.objects.get().patient.national_id == "A123456789"


def test_what_is_typed_is_bounded_before_it_is_stored_and_stays_wrong(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    long = dict.fromkeys(person, "x" * 4000) | {"symptoms": ["9" * 100] * 60, "website": "", "more": "y" * 9999}
    page = client.post(DETAILS, long, follow=True)
    assert {"full_name", "phone", "email", "sex", "date_of_birth"} <= page.context["form"].errors.keys()
    client.post(DETAILS, person)
    client.post(SURVEY, dict.fromkeys(answers, "7" * 4000))
    assert len(Session.objects.get().session_data) < 10_000


def test_a_visitors_draft_is_gone_after_an_hour_and_who_signs_in_keeps_their_own_time(
    client, slot, person, front_desk, settings
):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    kept = Session.objects.get()
    assert kept.expire_date <= timezone.now() + LIFETIME
    Session.objects.update(expire_date=timezone.now() - datetime.timedelta(seconds=1))
    forget_expired()
    assert not Session.objects.exists()
    client.post(CHOOSE, {"session": slot})
    front_desk.set_password("words that nobody guesses")
    front_desk.save()
    client.post("/admin/login/", {"username": front_desk.username, "password": "words that nobody guesses"})
    assert client.session.get_expiry_age() > 11 * 3600


def test_a_wrong_number_is_not_left_out_by_leaving_its_field_empty(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person | {"national_id": "A123456788"})
    assert client.post(DETAILS, person | {"national_id": ""}).url == DETAILS
    assert client.post(SURVEY, answers).url == DETAILS
    assert not Appointment.objects.exists()


def test_start_over_forgets_everything(client, slot, person):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    assert "Start over" in text(client.get(SURVEY))
    client.post(CHOOSE, {"over": "1"})
    assert KEY not in client.session
    assert client.get(DETAILS).url == CHOOSE


def test_whoever_comes_by_the_front_door_after_a_pause_finds_nothing_of_the_last_visitor(client, slot, person):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    client.get(CHOOSE)
    assert client.session[KEY]["details"]  # a look back at the times is no pause
    session = client.session
    session[KEY] = {**session[KEY], "touched_at": session[KEY]["touched_at"] - PAUSE.total_seconds() - 1}
    session.save()
    client.get(CHOOSE)
    client.post(CHOOSE, {"session": slot})
    assert "Mei-ling" not in text(client.get(DETAILS))


def test_after_a_booking_the_front_door_forgets_the_way_to_it(client, slot, person, answers):
    walk(client, slot, person, answers)
    client.get(CHOOSE)
    assert client.get(DONE).url == CHOOSE


def test_each_window_books_the_time_that_it_shows(client, slot, person, answers, tomorrow):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    first = client.get(SURVEY)
    client.post(CHOOSE, {"session": f"{tomorrow}/afternoon"})  # in another window
    client.post(SURVEY, answers | hidden(first))
    assert Appointment.objects.get().session.slug == slot


def test_a_window_whose_person_was_replaced_in_another_asks_before_it_books(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    first = client.get(SURVEY)
    client.post(DETAILS, person | {"full_name": "Somebody Else", "national_id": "B123456780"})
    page = client.post(SURVEY, answers | hidden(first), follow=True)
    assert "changed in another window" in text(page)
    assert not Appointment.objects.exists()


def test_a_time_that_somebody_made_up_is_not_booked(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    client.post(SURVEY, answers | {"slot": "2099-01-01/morning"})
    assert Appointment.objects.get().session.slug == slot


def test_a_symptom_taken_out_meanwhile_keeps_everything_else(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    Symptom.objects.update(is_active=False)
    client.post(SURVEY, answers)
    visit = Appointment.objects.get()
    assert (visit.patient.full_name, list(visit.symptoms.all())) == ("Lin Mei-ling", [])


def test_a_question_added_meanwhile_is_asked_and_the_answers_are_kept(client, slot, person, answers):
    client.post(CHOOSE, {"session": slot})
    client.post(DETAILS, person)
    added = baker.make(LikertQuestion, is_required=True)
    page = client.post(SURVEY, answers, follow=True)
    assert list(page.context["form"].errors) == [f"habit_{added.pk}"]
    scale = next(name for name in answers if name.startswith("habit_"))
    assert re.search(rf'name="{scale}" value="6"[^>]*checked', text(page))
