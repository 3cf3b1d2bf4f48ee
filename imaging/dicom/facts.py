"""What a file says beside its picture: the view, the day, and whose it is."""

from datetime import date

import pydicom
from django.utils import timezone

from imaging.decoded import Named
from imaging.dicom import values

VIEWS = {"PA": "PA", "AP": "AP", "LL": "LL", "RL": "LL", "LAT": "LL", "LATERAL": "LL"}
SEXES = {"F": "female", "M": "male", "O": "other"}

# Anonymised files carry dates such as 1 January 1901; the first digital radiograph was taken in 1983.
FIRST_DIGITAL_RADIOGRAPH = date(1983, 1, 1)


def view(dataset: pydicom.Dataset) -> str:
    return VIEWS.get(values.text(dataset, "ViewPosition").upper(), "")


def named(dataset: pydicom.Dataset) -> Named:
    return Named(
        full_name=values.text(dataset, "PatientName"),
        date_of_birth=_day(dataset, "PatientBirthDate"),
        sex=SEXES.get(values.text(dataset, "PatientSex").upper(), ""),
        patient_id=values.text(dataset, "PatientID"),
        taken_on=_day_said(dataset),
    )


def day_taken(dataset: pydicom.Dataset) -> date | None:
    """Return the day that the file gives, unless it is still to come."""
    day = _day_said(dataset)
    return day if day and day <= timezone.localdate() else None


def _day_said(dataset: pydicom.Dataset) -> date | None:
    """Of several days, one that can be goes first."""
    days = [_day(dataset, keyword) for keyword in ("AcquisitionDate", "ContentDate", "StudyDate")]
    possible = [day for day in days if day and day >= FIRST_DIGITAL_RADIOGRAPH]
    return next((day for day in possible if day <= timezone.localdate()), next(iter(possible), None))


def _day(dataset: pydicom.Dataset, keyword: str) -> date | None:
    try:
        return date.fromisoformat(values.text(dataset, keyword).replace(".", ""))
    except ValueError:
        return None
