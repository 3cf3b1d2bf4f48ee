"""What a file says beside its picture: the view, the day and the machine, and whose it is."""

import datetime as dt
import math
import re

import pydicom
from django.utils import timezone

from imaging.decoded import Facts, Named
from imaging.dicom import values
from imaging.dicom.readings import readings

VIEWS = {"PA": "PA", "AP": "AP", "LL": "LL", "RL": "LL", "LAT": "LL", "LATERAL": "LL"}
SEXES = {"F": "female", "M": "male", "O": "other"}

# Anonymised files carry dates such as 1 January 1901; the first digital radiograph was taken in 1983.
FIRST_DIGITAL_RADIOGRAPH = dt.date(1983, 1, 1)

# PS3.5 9.1: a UID is figures and dots, 64 at most.
UID = re.compile(r"[0-9.]{1,64}")

# The element that holds day and time at once goes first; else the two of one kind.
MOMENTS = (
    ("AcquisitionDateTime", None),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("StudyDate", "StudyTime"),
)
TIME = re.compile(r"(\d\d):?(\d\d)?:?(\d\d)?")
OFFSET_OF_ALL = "TimezoneOffsetFromUTC"
OFFSET = re.compile(r"([+-])(\d\d)(\d\d)$")
LARGEST_OFFSET = 14 * 60  # minutes
LEAP_SECOND = 60  # which our clocks do not have: it is told as the one before

YES_OR_NO = {"YES": True, "NO": False}
DEVICE = ("Manufacturer", "ManufacturerModelName")
NUMBERS = ("ExposureIndex", "TargetExposureIndex", "DeviationIndex", "KVP", "ExposureInuAs")


def view(dataset: pydicom.Dataset) -> str:
    return VIEWS.get(values.word(dataset, "ViewPosition"), "")


def named(dataset: pydicom.Dataset) -> Named:
    full_name, *others = readings(dataset, "PatientName") or [""]
    return Named(
        full_name=full_name,
        readings=tuple(others),
        date_of_birth=_day(dataset, "PatientBirthDate"),
        sex=SEXES.get(values.word(dataset, "PatientSex"), ""),
        patient_id=values.text(dataset, "PatientID"),
        taken_on=_day_said(dataset),
    )


def facts_of(dataset: pydicom.Dataset) -> Facts:
    """Return what an X-ray keeps of what the file says, each no longer than its column."""
    return Facts(
        study_uid=_uid(dataset, "StudyInstanceUID"),
        series_uid=_uid(dataset, "SeriesInstanceUID"),
        sop_uid=_uid(dataset, "SOPInstanceUID"),
        accession_number=values.text(dataset, "AccessionNumber")[:64],
        dicom_patient_id=values.text(dataset, "PatientID")[:64],
        patient_id_issuer=values.text(dataset, "IssuerOfPatientID")[:64],
        modality=values.word(dataset, "Modality")[:16],
        laterality=(values.text(dataset, "ImageLaterality") or values.text(dataset, "Laterality"))[:16],
        device=" ".join(filter(None, (values.text(dataset, name) for name in DEVICE)))[:130],
        station=values.text(dataset, "StationName")[:64],
        intent=values.text(dataset, "PresentationIntentType")[:16],
        burned_in=YES_OR_NO.get(values.word(dataset, "BurnedInAnnotation")),
        taken_at=_moment(dataset),
        further=_further(dataset),
    )


def _further(dataset: pydicom.Dataset) -> dict[str, float | str]:
    said = {name: values.first_number(dataset, name) for name in NUMBERS}
    numbers = {name: number for name, number in said.items() if number is not None and math.isfinite(number)}
    offset = values.text(dataset, OFFSET_OF_ALL)[:16]
    return numbers | ({OFFSET_OF_ALL: offset} if offset else {})


def day_taken(dataset: pydicom.Dataset) -> dt.date | None:
    """Return the day that the file gives, unless it is still to come."""
    day = _day_said(dataset)
    return day if day and day <= timezone.localdate() else None


def _day_said(dataset: pydicom.Dataset) -> dt.date | None:
    """Of several days, one that can be goes first."""
    days = [_day(dataset, keyword) for keyword, _time in MOMENTS]
    possible = [day for day in days if day and day >= FIRST_DIGITAL_RADIOGRAPH]
    return next((day for day in possible if day <= timezone.localdate()), next(iter(possible), None))


def _moment(dataset: pydicom.Dataset) -> dt.datetime | None:
    """When it was taken, where the file gives a time with the day that it is taken to be of."""
    taken_on = day_taken(dataset)
    for keyword, time_keyword in MOMENTS:
        said = values.text(dataset, keyword)
        time = TIME.match(values.text(dataset, time_keyword) if time_keyword else said[8:])
        if taken_on and time and _day(dataset, keyword) == taken_on:
            own = OFFSET.search(said[8:]) if time_keyword is None else None
            return _at(taken_on, time, own or OFFSET.search(values.text(dataset, OFFSET_OF_ALL)))
    return None


def _at(day: dt.date, time: re.Match[str], offset: re.Match[str] | None) -> dt.datetime | None:
    hour, minute, second = (int(part or 0) for part in time.groups())
    zone: dt.tzinfo = timezone.get_default_timezone()
    if offset and (minutes := int(offset[2]) * 60 + int(offset[3])) <= LARGEST_OFFSET:
        zone = dt.timezone(dt.timedelta(minutes=minutes if offset[1] == "+" else -minutes))
    try:
        return dt.datetime.combine(day, dt.time(hour, minute, 59 if second == LEAP_SECOND else second), zone)
    except ValueError:
        return None


def _uid(dataset: pydicom.Dataset, keyword: str) -> str:
    said = values.text(dataset, keyword)
    return said if UID.fullmatch(said) else ""


def _day(dataset: pydicom.Dataset, keyword: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(values.text(dataset, keyword).replace(".", "").replace("-", "")[:8])
    except ValueError:
        return None
