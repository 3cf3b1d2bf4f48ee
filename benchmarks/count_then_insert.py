"""The same site with one function exchanged: booking as it is usually written — count, then insert.

`bench_booking.py` serves it with gunicorn beside the real one.
"""

import os
from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
application = get_wsgi_application()

from django.db import connection  # noqa: E402  (models are there once the application is)
from django.db.models import F, Max  # noqa: E402
from django.db.models.functions import Least  # noqa: E402

from clinic import booking, mails  # noqa: E402
from clinic.models import (  # noqa: E402
    Appointment,
    ClinicSession,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    Patient,
    Symptom,
)


def count_then_insert(
    session: ClinicSession,
    details: Mapping,
    *,
    symptoms: Iterable[Symptom] = (),
    likert: Mapping[LikertQuestion, int] | None = None,
    numeric: Mapping[NumericQuestion, Decimal] | None = None,
    reference: str = "",
) -> Appointment:
    if session.appointments.active().count() >= session.capacity:
        raise booking.SessionFull
    last = session.appointments.aggregate(last=Max("queue_number"))["last"] or 0
    patient, _made = Patient.objects.get_or_create(
        national_id=details["national_id"], defaults=without_symptoms(details)
    )
    appointment = Appointment.objects.create(
        patient=patient, session=session, queue_number=last + 1, source=Appointment.Source.PUBLIC, reference=reference
    )
    appointment.symptoms.set(symptoms)
    for question, score in (likert or {}).items():
        LikertAnswer.objects.create(appointment=appointment, question=question, score=score)
    for asked, value in (numeric or {}).items():
        NumericAnswer.objects.create(appointment=appointment, question=asked, value=value)
    # What the first page shows as left.
    ClinicSession.objects.filter(pk=session.pk).update(booked=Least(F("booked") + 1, F("capacity")))
    mails.write("booked", appointment)
    return appointment


def without_symptoms(details: Mapping) -> dict:
    return {name: details[name] for name in ("full_name", "date_of_birth", "sex", "phone", "email")}


def drop_the_constraint() -> None:
    """The usual code has none, and says nothing when a number is given twice."""
    unique = next(rule for rule in Appointment._meta.constraints if rule.name == "one_appointment_per_number")
    Appointment._meta.constraints = [
        rule for rule in Appointment._meta.constraints if rule is not unique
    ]  # on SQLite the table is made anew from what the model says
    with connection.schema_editor() as editor:
        editor.remove_constraint(Appointment, unique)


booking.book_publicly = count_then_insert
