"""Many processes that do the same thing at the same moment, for the tests of what must not happen twice.

Run inside an installation of its own (`manage.py shell`): forks, lets every process connect, then releases them all.
"""

import datetime
import json
import multiprocessing
import time
from collections.abc import Callable, Iterable

from django.contrib.auth.models import AnonymousUser
from django.db import connection, connections, transaction
from django.test import RequestFactory
from django.utils import timezone
from model_bakery import baker

from backoffice.models import Mail, User
from clinic import booking, reminders
from clinic.booking import calling
from clinic.models import Appointment, ClinicSession, Closure, OpeningHours, Patient, Period, Symptom
from clinic.patients import merging
from clinic.public import limits

WAIT = 0.5  # seconds: long enough for a process to book a time that it is let into
PATIENCE = 600  # seconds: that all of them are there, and have had their turn, takes long on a busy machine


def at_once(processes: int, job: Callable[[int], object]) -> list:
    """What `job(number)` returned in each process, or the name of the error that it raised."""
    fork = multiprocessing.get_context("fork")
    start, answers = fork.Barrier(processes), fork.SimpleQueue()

    def run(number: int) -> None:
        if connection.vendor == "sqlite":  # which lets one write at a time, and others wait for seconds only
            connection.settings_dict["OPTIONS"]["timeout"] = PATIENCE
        connection.ensure_connection()
        start.wait(PATIENCE)
        try:
            answers.put(job(number))
        except Exception as error:
            answers.put(type(error).__name__)

    connections.close_all()
    started = [fork.Process(target=run, args=(number,)) for number in range(processes)]
    for process in started:
        process.start()
    given = [answers.get() for _process in started]
    for process in started:
        process.join()
    return given


def tomorrow() -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=1)


def offer_places(capacity: int, days_ahead: int = 1) -> None:
    """Hours for tomorrow morning; nobody has asked for its session yet."""
    OpeningHours.objects.create(
        weekday=(timezone.localdate() + datetime.timedelta(days=days_ahead)).weekday(),
        period=Period.MORNING,
        opens_at=datetime.time(9),
        closes_at=datetime.time(12),
        capacity=capacity,
    )


def book_one(number: int, symptoms: Iterable[Symptom] = ()) -> int:
    details = {
        "full_name": f"Patient {number}",
        "date_of_birth": datetime.date(1980, 1, 1),
        "sex": "female",
        "national_id": f"A{number:09d}",
        "phone": "",
        "email": "",
    }
    session = booking.session_to_book(tomorrow(), Period.MORNING)
    return booking.book_publicly(session, details, symptoms=symptoms).queue_number


def sell(places: int, processes: int) -> None:
    """Print what each process got, and what the database holds afterwards."""
    offer_places(places)
    answers = at_once(processes, book_one)
    session = ClinicSession.objects.get()
    print(json.dumps({"answers": answers, "booked": session.booked, "rows": session.appointments.count()}))


def same_person(processes: int) -> None:
    offer_places(processes)
    answers = at_once(processes, lambda _number: book_one(1))
    print(json.dumps({"answers": answers, "patients": Patient.objects.count(), "rows": Appointment.objects.count()}))


def call(waiting: int, desks: int) -> None:
    """Print the numbers that each desk called, each desk calling until nobody waits."""
    offer_places(waiting)
    session = booking.session_to_book(tomorrow(), Period.MORNING)
    calling.today = tomorrow  # as if it were that day: nobody is here for another one
    for patient in baker.make(Patient, waiting):
        booking.check_in(booking.book(session, patient, by=None), by=None)

    def call_until_empty(_desk: int) -> list[int]:
        called = []
        while visit := booking.call_next(session, by=None):
            called.append(visit.queue_number)
        return called

    print(json.dumps(at_once(desks, call_until_empty)))


def remind(booked: int, workers: int) -> None:
    """Print how many bookings each worker reminded of, and how many mails wait afterwards."""
    offer_places(booked)
    session = booking.session_to_book(tomorrow(), Period.MORNING)
    for patient in baker.make(Patient, booked, email="somebody@example.org"):
        booking.book(session, patient, by=None)
    Mail.objects.all().delete()
    reminded = at_once(workers, lambda _worker: reminders.remind())
    print(json.dumps({"reminded": reminded, "mails": Mail.objects.count()}))


def knock(processes: int, times: int) -> None:
    """Print how often each process may book, all of them from one address, each time for another person."""

    def book_as_often_as_one_may(process: int) -> int:
        request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1")
        request.user = AnonymousUser()
        return sum(limits.may_book(request, f"A{process}{time}") for time in range(times))

    print(json.dumps(at_once(processes, book_as_often_as_one_may)))


def close_a_booked_day(people: int, how: str) -> None:
    """Close tomorrow by one of CLOSED_BY while so many cancel and as many book; print what became of each."""
    offer_places(4 * people)
    offer_places(4 * people, days_ahead=2)
    session = booking.session_to_book(tomorrow(), Period.MORNING)
    booked = [booking.book(session, patient, by=None) for patient in baker.make(Patient, people)]

    def job(number: int) -> object:
        if number == 0:
            return close(tomorrow(), CLOSED_BY[how])
        if number <= people:
            return booking.cancel(booked[number - 1], by=None)
        return book_one(number)

    answers = at_once(1 + 2 * people, job)
    session.refresh_from_db()
    active = Appointment.objects.active()
    print(
        json.dumps(
            {
                "answers": answers,
                "is_open": session.is_open,
                "left": active.filter(session=session).count(),
                "moved": active.exclude(session=session).count(),
            }
        )
    )


def close_a_day_that_somebody_begins_to_book() -> None:
    """Close tomorrow, for which there is no session yet, and book it before that is committed; print how it went."""
    offer_places(4)
    begun = multiprocessing.get_context("fork").Barrier(2)

    def job(number: int) -> object:
        if number:
            begun.wait(PATIENCE)
            return book_one(1)
        with transaction.atomic():
            by_a_closure(tomorrow(), {}, by=None)
            begun.wait(PATIENCE)
            time.sleep(WAIT)
        return "closed"

    answers = at_once(2, job)
    print(json.dumps({"answers": sorted(answers, key=str), "booked": Appointment.objects.active().count()}))


def by_a_closure(day: datetime.date, decisions: dict, **who) -> None:
    closure = Closure.objects.create(starts_on=day, ends_on=day, reason="Typhoon")
    booking.settle(decisions, closing=[closure], **who)


def by_its_hours(day: datetime.date, decisions: dict, **who) -> None:
    OpeningHours.objects.filter(weekday=day.weekday()).update(is_open=False)
    booking.settle(decisions, **who)


def by_hand(day: datetime.date, decisions: dict, **who) -> None:
    session = ClinicSession.objects.get(date=day)
    session.is_open = False
    booking.set_by_hand(session, decisions, **who)


CLOSED_BY = {"a closure": by_a_closure, "its hours": by_its_hours, "hand": by_hand}


def close(day: datetime.date, change: Callable) -> str:
    """Move everybody who is listed, and whoever is listed then, until nobody came in between."""
    administrator, decisions = User.objects.create(username="administrator"), {}
    while True:
        try:
            with transaction.atomic():
                change(day, decisions, by=administrator)
                return "closed"
        except booking.Undecided as undecided:
            decisions = {row.appointment.pk: row.instead.slug for row in undecided.proposals}


def merge_while_booking(times: int) -> None:
    """Merge pairs of records while both national IDs are booked with; print where the bookings are afterwards."""
    offer_places(10 * times)
    offer_places(10 * times, days_ahead=2)
    offer_places(10 * times, days_ahead=3)
    errors = []
    for turn in range(times):
        kept, other = (baker.make(Patient, national_id=f"{letter}{turn:09d}", email="") for letter in "AB")

        def job(number: int, kept=kept, other=other, turn=turn) -> object:
            if number == 0:
                return merging.merge(kept, other, choices=[], by=None, reason="One person").pk
            details = {
                "full_name": "A name",
                "date_of_birth": datetime.date(1980, 1, 1),
                "sex": "female",
                "national_id": f"{'AB'[number % 2]}{turn:09d}",
                "phone": "",
                "email": "",
            }
            day = timezone.localdate() + datetime.timedelta(days=number)
            return booking.book_publicly(booking.session_to_book(day, Period.MORNING), details).pk

        errors += [answer for answer in at_once(4, job) if isinstance(answer, str)]
    print(
        json.dumps(
            {
                "errors": errors,
                "booked": Appointment.objects.active().count(),
                "on_hidden": Appointment.objects.exclude(patient__hidden_at=None).count(),
                "visible": Patient.objects.visible().count(),
            }
        )
    )
