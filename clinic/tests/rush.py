"""Many processes that do the same thing at the same moment, for the tests of what must not happen twice.

Run inside an installation of its own (`manage.py shell`): forks, lets every process connect, then releases them all.
"""

import datetime
import json
import multiprocessing
from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.db import connection, connections
from django.test import RequestFactory
from django.utils import timezone
from model_bakery import baker

from backoffice.models import Notice
from clinic import booking, limits, reminders
from clinic.models import Appointment, ClinicSession, OpeningHours, Patient, Period


def at_once(processes: int, job: Callable[[int], object]) -> list:
    """What `job(number)` returned in each process, or the name of the error that it raised."""
    fork = multiprocessing.get_context("fork")
    start, answers = fork.Barrier(processes), fork.SimpleQueue()

    def run(number: int) -> None:
        connection.ensure_connection()
        start.wait(60)
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


def offer_places(capacity: int) -> None:
    """Hours for tomorrow morning; nobody has asked for its session yet."""
    OpeningHours.objects.create(
        weekday=tomorrow().weekday(),
        period=Period.MORNING,
        opens_at=datetime.time(9),
        closes_at=datetime.time(12),
        capacity=capacity,
    )


def book_one(number: int) -> int:
    details = {
        "full_name": f"Patient {number}",
        "date_of_birth": datetime.date(1980, 1, 1),
        "sex": "female",
        "national_id": f"A{number:09d}",
        "phone": "",
        "email": "",
    }
    session = booking.session_to_book(tomorrow(), Period.MORNING)
    return booking.book_publicly(session, details).queue_number


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
    Notice.objects.all().delete()
    reminded = at_once(workers, lambda _worker: reminders.remind())
    print(json.dumps({"reminded": reminded, "mails": Notice.objects.count()}))


def knock(processes: int, times: int) -> None:
    """Print how often each process may book, all of them from one address, each time for another person."""

    def book_as_often_as_one_may(process: int) -> int:
        request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.1")
        request.user = AnonymousUser()
        return sum(limits.may_book(request, f"A{process}{time}") for time in range(times))

    print(json.dumps(at_once(processes, book_as_often_as_one_may)))
