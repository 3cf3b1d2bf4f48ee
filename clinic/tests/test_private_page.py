"""A patient's own booking behind its link."""

import datetime
import html
import re

import icalendar
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, ClinicSession, OpeningHours, Patient
from clinic.tests.clinics import session_today

pytestmark = pytest.mark.django_db
Status = Appointment.Status


@pytest.fixture
def visit(session):
    return booking.book(session, baker.make(Patient, full_name="Lin Mei-ling", national_id="A123456789"), by=None)


def at(visit, page: str = "booking") -> str:
    return reverse(f"clinic:{page}", args=[visit.reference])


def test_it_shows_the_number_and_nothing_of_the_person(client, visit):
    page = client.get(at(visit))
    assert b'data-queue-number="1"' in page.content
    assert b"Lin" not in page.content
    assert b"A123456789" not in page.content


@pytest.mark.parametrize("page", ["booking", "move", "cancel", "calendar"])
def test_an_unknown_and_a_hidden_booking_answer_alike(client, visit, front_desk, page):
    unknown = client.get(reverse(f"clinic:{page}", args=["0" * 32]))
    Appointment.objects.all().hide(by=front_desk)
    hidden = client.get(at(visit, page))
    assert (unknown.status_code, hidden.status_code) == (404, 404)
    # But for the form that chooses the language: a token that is new each time, and the address that was asked for.
    told = [re.sub(r'value="[^"]*"', "", answer.text) for answer in (unknown, hidden)]
    assert told[0] == told[1]


@pytest.mark.parametrize("page", ["booking", "move", "cancel", "calendar"])
def test_it_is_kept_by_no_cache_and_told_to_no_other_site(client, visit, page):
    answer = client.get(at(visit, page))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Robots-Tag"] == "noindex"


def test_cancelling_asks_first(client, visit):
    assert b"Cancel this booking?" in client.get(at(visit, "cancel")).content
    visit.refresh_from_db()
    assert visit.status == Status.BOOKED
    page = client.post(at(visit, "cancel"), follow=True)
    visit.refresh_from_db()
    assert visit.status == Status.CANCELLED
    assert visit.session.booked == 0
    assert b"This booking is cancelled" in page.content
    assert b"data-queue-number" not in page.content


def test_cancelling_needs_the_pages_own_token(visit):
    assert Client(enforce_csrf_checks=True).post(at(visit, "cancel")).status_code == 403


def test_moving_gives_a_new_number(client, visit, afternoon):
    booking.book(afternoon, baker.make(Patient), by=None)
    page = client.post(at(visit, "move"), {"session": afternoon.slug}, follow=True)
    visit.refresh_from_db()
    assert (visit.session, visit.queue_number) == (afternoon, 2)
    assert b"Your new number is 2" in page.content


def test_its_own_time_is_not_offered_for_moving(client, visit):
    assert visit.session.slug.encode() not in client.get(at(visit, "move")).content
    answer = client.post(at(visit, "move"), {"session": visit.session.slug})
    assert answer.context["form"].errors


def test_moving_to_a_time_that_filled_meanwhile_is_told_kindly(client, visit, afternoon, monkeypatch):
    page = client.get(at(visit, "move"))
    monkeypatch.setattr("clinic.public.private_page.offered_days", lambda **_options: page.context["days"])
    for _place in range(3):
        booking.book(afternoon, baker.make(Patient), by=None)
    page = client.post(at(visit, "move"), {"session": afternoon.slug}, follow=True)
    assert b"This time is full" in page.content
    visit.refresh_from_db()
    assert visit.session != afternoon


@pytest.mark.parametrize("status", [Status.CHECKED_IN, Status.DONE, Status.CANCELLED])
@pytest.mark.parametrize("page", ["move", "cancel"])
def test_what_cannot_be_changed_any_more_is_not_offered(client, visit, page, status):
    Appointment.objects.update(status=status)
    assert client.get(at(visit, page)).url == at(visit)
    client.post(at(visit, page), {"session": visit.session.slug})
    visit.refresh_from_db()
    assert visit.status == status
    assert at(visit, page).encode() not in client.get(at(visit)).content


def test_a_visit_in_the_past_cannot_be_cancelled(client, visit):
    ClinicSession.objects.update(date=datetime.date(2020, 1, 6))
    page = client.post(at(visit, "cancel"), follow=True)
    assert b"is over" in page.content
    visit.refresh_from_db()
    assert visit.status == Status.BOOKED


def test_the_calendar_has_the_time_and_nothing_else(client, visit):
    answer = client.get(at(visit, "calendar"))
    assert answer["Content-Type"].startswith("text/calendar")
    [event] = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    starts = timezone.localtime(event.start)
    assert (starts.date(), starts.time()) == (visit.session.date, datetime.time(9))
    assert "number 1" in event["summary"]
    for private in ("Lin", "A123456789", visit.reference):
        assert private not in answer.content.decode()


def test_a_moved_booking_is_the_same_calendar_entry(client, visit, afternoon):
    def uid():
        return icalendar.Calendar.from_ical(client.get(at(visit, "calendar")).content).walk("VEVENT")[0]["uid"]

    before = uid()
    booking.move(visit, afternoon, by=None)
    assert uid() == before


def entry(client, visit) -> tuple[str, int, str, datetime.datetime]:
    """Method, sequence, status and start of what a calendar is given."""
    calendar = icalendar.Calendar.from_ical(client.get(at(visit, "calendar")).content)
    [event] = calendar.walk("VEVENT")
    return str(calendar["method"]), int(event["sequence"]), str(event["status"]), event.start


def test_a_calendar_learns_of_each_change_and_takes_out_what_is_cancelled(client, visit, afternoon):
    booked = entry(client, visit)
    booking.move(visit, afternoon, by=None)
    moved = entry(client, visit)
    booking.cancel(visit, by=None)
    cancelled = entry(client, visit)
    assert [what[0] for what in (booked, moved, cancelled)] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert booked[1] < moved[1] < cancelled[1]
    assert cancelled[2] == "CANCELLED"
    assert at(visit, "calendar") in client.get(at(visit)).content.decode()


def test_a_calendar_learns_of_new_hours_also_after_a_move_back(client, visit, session, afternoon):
    def sets_hours(hour: int) -> None:
        OpeningHours.objects.filter(period=session.period).update(opens_at=datetime.time(hour))
        booking.settle({visit.pk: booking.KEEP}, by=None)

    booked = entry(client, visit)
    sets_hours(10)
    later = entry(client, visit)
    booking.move(visit, afternoon, by=None)
    moved = entry(client, visit)
    booking.move(visit, session, by=None)
    back = entry(client, visit)
    assert booked[3] < later[3] == back[3] < moved[3]
    assert booked[1] < later[1] < moved[1] < back[1]


# -- On the day -------------------------------------------------------------------------------------------------------

HTMX = {"HX-Request": "true"}


@pytest.fixture
def queue(db):
    """Three who are booked for today, all day; the page is the third one's."""
    today = session_today()
    return [booking.book(today, baker.make(Patient), by=None) for _place in range(3)]


def polled(page) -> str:
    """The address that the page asks again and again."""
    return html.unescape(re.search(r'hx-get="([^"]+)"', page.content.decode())[1])


def test_on_the_day_it_shows_who_is_served_and_how_many_are_before_you(client, queue):
    first, _second, mine = queue
    assert b"up to 2" in client.get(at(mine)).content
    booking.check_in(mine, by=None)
    booking.check_in(first, by=None)
    booking.call_next(mine.session, by=None)
    page = client.get(at(mine)).content.decode()
    assert re.search(r"Being served</dt><dd>1<", page)
    assert re.search(r"Before you</dt><dd>1<", page)


def test_it_asks_for_the_queue_alone_and_nothing_is_sent_while_nothing_changes(client, queue):
    first, mine = queue[0], queue[2]
    address = polled(client.get(at(mine)))
    assert client.get(address, headers=HTMX).status_code == 204
    booking.cancel(first, by=None)
    news = client.get(address, headers=HTMX)
    assert b"up to 1" in news.content
    assert b"<html" not in news.content
    assert client.get(polled(news), headers=HTMX).status_code == 204


def test_it_says_when_it_is_your_turn_and_when_you_missed_it(client, queue, front_desk):
    mine = queue[0]
    booking.check_in(mine, by=front_desk)
    booking.call_next(mine.session, by=front_desk)
    assert b"It is your turn" in client.get(at(mine)).content
    booking.skip(mine.session, by=front_desk)
    assert b"The queue has come to your number" in client.get(at(mine)).content


def test_it_stops_asking_when_the_visit_is_over(client, queue, front_desk):
    mine = queue[0]
    address = polled(client.get(at(mine)))
    booking.check_in(mine, by=front_desk)
    booking.mark_done(mine, by=front_desk)
    assert client.get(address, headers=HTMX)["HX-Refresh"] == "true"
    assert b"hx-get" not in client.get(at(mine)).content


def test_another_day_has_nothing_to_follow(client, visit):
    assert b"hx-get" not in client.get(at(visit)).content
