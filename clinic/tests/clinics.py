"""A clinic with something of everything, for tests of pages."""

import datetime

from django.utils import timezone
from model_bakery import baker

from clinic import booking
from clinic.models import (
    Appointment,
    ClinicSession,
    Closure,
    LikertQuestion,
    NumericQuestion,
    OpeningHours,
    Patient,
    Symptom,
)


def session_today(**values) -> ClinicSession:
    """A session that runs all day today, and does not follow any hours."""
    return ClinicSession.objects.create(
        **{
            "date": timezone.localdate(),
            "period": "morning",
            "opens_at": datetime.time(0, 0),
            "closes_at": datetime.time(23, 59, 59),
            "capacity": 50,
            "set_by_hand": True,
            **values,
        }
    )


def a_clinic(visits: int = 1) -> list[Appointment]:
    """Hours, a closure, a survey, and that many visits of as many patients, each with answers and a symptom."""
    baker.make(OpeningHours, weekday=0, period="morning", opens_at=datetime.time(9), closes_at=datetime.time(12))
    baker.make(Closure, starts_on="2030-01-01", ends_on="2030-01-02", period="")
    session = session_today()
    return [visit(session) for _ in range(visits)]


def visit(session: ClinicSession, **values) -> Appointment:
    return booking.book(
        session,
        baker.make(Patient, national_id=""),
        by=None,
        symptoms=[baker.make(Symptom)],
        likert={baker.make(LikertQuestion): 4},
        numeric={baker.make(NumericQuestion, minimum=None, maximum=None): 2},
        **values,
    )
