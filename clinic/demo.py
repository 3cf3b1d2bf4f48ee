"""A clinic in the middle of its day: hours, a survey, thirty patients, and three weeks of appointments around today."""

import json
import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import OutputWrapper
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.models import User
from clinic import booking
from clinic.hours.text import parse_hours
from clinic.identity import taiwan_national_id
from clinic.models import (
    Appointment,
    ClinicSession,
    Closure,
    LikertQuestion,
    NumericQuestion,
    OpeningHours,
    Patient,
    Period,
    Symptom,
)

WORDS = settings.BASE_DIR / "fixtures" / "demo.json"
SEED = 2026
DAYS_BEFORE, DAYS_AHEAD = 14, 7


def load(stdout: OutputWrapper) -> None:
    """Fill an empty clinic, all of it or nothing. Where there is a patient, there is a clinic: it is left alone."""
    if Patient.objects.exists():
        stdout.write(_("There are patients already; nothing added."))
        return
    with transaction.atomic():
        Demo(json.loads(WORDS.read_text())).load()
    told = {"patients": Patient.objects.count(), "appointments": Appointment.objects.count()}
    stdout.write(_("Added: %(patients)d patients, %(appointments)d appointments.") % told)


class Demo:
    """One seeded run: the same words and chances each time, with dates relative to now."""

    def __init__(self, words: dict) -> None:
        self.words = words
        self.chance = random.Random(SEED)  # noqa: S311  (a demo's dice)
        self.now = timezone.localtime()
        self.desk = User.objects.get(username="frontdesk")

    def load(self) -> None:
        self.write_hours()
        self.write_survey()
        self.patients = [self.patient(*row) for row in self.words["patients"]]
        today = self.now.date()
        for ahead in range(-DAYS_BEFORE, DAYS_AHEAD + 1):
            for period in Period.values:
                if session := booking.session_for(today + timedelta(days=ahead), period):
                    self.fill(session, self.how_many(session, ahead))
        self.play_today(today)
        self.give_addresses()

    # -- What the clinic offers and asks ------------------------------------------------------------------------------

    def write_hours(self) -> None:
        for period, row in self.words["hours"].items():
            opens_at, closes_at = parse_hours(row["hours"])
            for weekday in row["weekdays"]:
                OpeningHours.objects.create(
                    weekday=weekday, period=period, opens_at=opens_at, closes_at=closes_at, capacity=row["capacity"]
                )
        closure = dict(self.words["closure"])
        day = self.now.date() + timedelta(days=closure.pop("days_ahead"))
        Closure.objects.create(starts_on=day, ends_on=day, **closure)

    def write_survey(self) -> None:
        self.symptoms = [
            Symptom.objects.create(position=position, **row)
            for position, row in enumerate(self.words["symptoms"], start=1)
        ]
        self.likert = [
            LikertQuestion.objects.create(position=position, **row)
            for position, row in enumerate(self.words["likert_questions"], start=1)
        ]
        self.numeric = [
            NumericQuestion.objects.create(position=position, **row)
            for position, row in enumerate(self.words["numeric_questions"], start=1)
        ]

    # -- People -------------------------------------------------------------------------------------------------------

    def patient(self, full_name: str, sex: str, year_of_birth: int) -> Patient:
        number = self.chance.randrange(1000)
        return Patient.objects.create(
            full_name=full_name,
            sex=sex,
            date_of_birth=date(year_of_birth, self.chance.randint(1, 12), self.chance.randint(1, 28)),
            national_id=self.national_id(sex),
            phone=f"0900-000-{number:03}",
        )

    def give_addresses(self) -> None:
        """Only when all is booked, so that no mails are written about it."""
        for patient in self.patients:
            patient.email = f"patient{patient.phone[-3:]}@example.org"
            patient.save(update_fields=["email", "updated_at"])

    def national_id(self, sex: str) -> str:
        stem = self.chance.choice("ABCDEFHJKMNPQT") + ("1" if sex == Patient.Sex.MALE else "2")
        stem += f"{self.chance.randrange(10**7):07}"
        return next(stem + digit for digit in "0123456789" if adds_up(stem + digit))

    # -- Visits -------------------------------------------------------------------------------------------------------

    def how_many(self, session: ClinicSession, ahead: int) -> int:
        """Tomorrow's morning is full, its afternoon nearly; the rest are emptier the further off they are.
        The week before last was quiet."""
        if ahead == 1 and session.period == Period.MORNING:
            return session.capacity
        if ahead == 1 and session.period == Period.AFTERNOON:
            return session.capacity - 2
        if ahead < -7:
            return session.capacity // 2 - self.chance.randint(0, 2)
        if ahead == 0:
            return session.capacity - self.chance.randint(1, 2)  # enough to be seen, to be called and to wait
        if ahead < 0:
            return session.capacity - self.chance.randint(1, 4)
        return self.chance.randint(0, max(1, session.capacity - ahead))

    def fill(self, session: ClinicSession, count: int) -> None:
        for patient in self.chance.sample(self.patients, count):
            at_the_desk = self.chance.random() < 0.25
            booking.book(
                session,
                patient,
                by=self.desk if at_the_desk else None,
                source=Appointment.Source.STAFF if at_the_desk else Appointment.Source.PUBLIC,
                symptoms=self.chance.sample(self.symptoms, self.chance.randint(1, 3)),
                likert={question: self.chance.randint(1, 7) for question in self.likert},
                numeric={
                    question: Decimal(self.chance.randint(*typical))
                    for question, typical in zip(self.numeric, self.words["typical_answers"], strict=True)
                },
                claimed=self.somebody_elses_name() if self.chance.random() < 0.03 else None,
            )
        if session.date < self.now.date():
            self.finish(session)

    def somebody_elses_name(self) -> dict[str, str]:
        """What makes the front desk check an identity."""
        return {"full_name": self.chance.choice(self.patients).full_name}

    def finish(self, session: ClinicSession) -> None:
        """The session is over: most came, one in eight did not, and a few had cancelled."""
        for appointment in session.appointments.order_by("queue_number"):
            luck = self.chance.random()
            if luck < 0.08:
                booking.cancel(appointment, by=self.desk)
            elif luck < 0.2:
                booking.mark_no_show(appointment, by=self.desk)
            else:
                self.was_here(appointment)

    def was_here(self, appointment: Appointment) -> None:
        """As the desk notes it on the day: earlier today they were checked in first."""
        if appointment.session.date == self.now.date():
            booking.check_in(appointment, by=self.desk)
        booking.mark_done(appointment, by=self.desk)

    # -- Today --------------------------------------------------------------------------------------------------------

    def play_today(self, today: date) -> None:
        """Sessions before this one are over; in this one some are seen, one is called, some wait, some are to come."""
        sessions = list(ClinicSession.objects.filter(date=today).order_by("opens_at"))
        current = next((s for s in sessions if not s.has_ended(self.now)), sessions[-1])
        for session in sessions[: sessions.index(current)]:
            self.finish(session)
        self.keep_open(current)
        for appointment in current.appointments.order_by("queue_number")[:6]:
            booking.check_in(appointment, by=self.desk)
        for seen in range(3):
            called = booking.call_next(current, by=self.desk)
            if called and seen < 2:
                booking.mark_done(called, by=self.desk)

    def keep_open(self, session: ClinicSession) -> None:
        """Whoever looks at night finds a session running too: today, this one starts early or closes late."""
        if not session.is_running(self.now):
            an_hour_on = min(self.now + timedelta(hours=1), last_minute_of(self.now))
            session.opens_at = min(session.opens_at, self.now.time())
            session.closes_at = max(session.closes_at, an_hour_on.time())
            session.set_by_hand = True
            session.save(update_fields=["opens_at", "closes_at", "set_by_hand", "updated_at"])


def adds_up(national_id: str) -> bool:
    try:
        taiwan_national_id(national_id)
    except ValidationError:
        return False
    return True


def last_minute_of(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(23, 59), now.tzinfo)
