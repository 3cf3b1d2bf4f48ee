"""Who opens a report from outside, and what they must know beside its address.

The date of birth, and the reference of one of the patient's bookings from before it was published: a booking that came
later may be anybody's who knows the patient's ID number. Who has no booking gives that number instead.

All that is wrong is answered alike, by the same questions to the database in the same order: the address, the
reference, the date, and what is not there any more.
"""

import datetime
from dataclasses import dataclass
from enum import Enum

from django.utils.crypto import constant_time_compare

from clinic.identity import normalise_national_id
from clinic.models import Appointment, Patient
from clinic.models.appointments import AppointmentQuerySet
from inference.models import Report

NOBODY = 0
NEVER = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)


class Outcome(Enum):
    OPEN = "open"
    WITHDRAWN = "withdrawn"
    UNPROVEN = "unproven"


@dataclass(frozen=True)
class Answer:
    outcome: Outcome
    report: Report | None = None


UNPROVEN = Answer(Outcome.UNPROVEN)


def asked(key: str, *, reference: str, date_of_birth: datetime.date | None) -> Answer:
    """What whoever gives this may have: the newest version of what the key is of."""
    prediction, whose, before = _named_by(key)
    newest = Report.objects.published().filter(prediction=prediction).order_by("-version").values_list("pk").first()
    born, number = _on_file(whose)
    references = _references(whose, before=before)
    proves = [
        _is_reference_of(references, reference),
        _is_number(number, reference) and not references,
        constant_time_compare(str(date_of_birth), str(born)),
    ]
    if newest is None or not (proves[0] or proves[1]) or not proves[2]:
        return UNPROVEN
    report = Report.objects.select_related("prediction__xray__patient").get(pk=newest[0])
    if report.is_withdrawn:
        return Answer(Outcome.WITHDRAWN)
    return UNPROVEN if report.is_gone else Answer(Outcome.OPEN, report)


def _named_by(key: str) -> tuple[int, int, datetime.datetime]:
    """(answer, patient, publication) of a published report's key; of nobody where there is none. Columns, no objects,
    whose making would tell the two apart by the time it takes."""
    columns = Report.objects.published().filter(key=key).values_list("prediction", "patient", "published_at")
    prediction, patient, published_at = columns.first() or (NOBODY, NOBODY, NEVER)
    return prediction, patient or NOBODY, published_at or NEVER


def _on_file(patient: int) -> tuple[datetime.date, str]:
    columns = Patient.objects.filter(pk=patient).order_by().values_list("date_of_birth", "national_id")
    return columns.first() or (datetime.date.max, "")


def can_prove(patient: Patient) -> bool:
    """Whether this patient has anything to open a report with that is published at this moment."""
    return bool(patient.national_id) or _counting(patient.pk).exists()


def _counting(patient: int) -> AppointmentQuerySet:
    """The bookings of which nobody doubts whose they are."""
    return Appointment.objects.filter(patient=patient, hidden_at=None, identity_conflict=False)


def _references(patient: int, before: datetime.datetime) -> list[str]:
    rows = _counting(patient).filter(created_at__lte=before)
    return list(rows.order_by().values_list("reference", flat=True))


def _is_reference_of(references: list[str], given: str) -> bool:
    """Whole, or the address that it is the last part of, as a phone copies it."""
    wanted = given.split("?")[0].rstrip("/").rpartition("/")[2]
    return sum(constant_time_compare(reference, wanted) for reference in references) > 0  # each is compared


def _is_number(on_file: str, given: str) -> bool:
    return constant_time_compare(on_file, normalise_national_id(given)) and bool(on_file)
