"""What a film says of its patient, beside what is on file: a contradiction is told, and only a person settles it."""

from datetime import date

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic.identity import masked, normalise_national_id
from clinic.models import Patient
from clinic.patients.names import is_another_name
from imaging import ingest
from imaging.ingest import Picture, Refused
from imaging.models import XRayImage


def contradictions(picture: Picture, patient: Patient, taken_on: date | None = None) -> dict[str, str]:
    """What in the file is not the patient's, by what it is; empty where nothing is. An absent value says nothing."""
    said = {}
    if is_another_name(picture.patient_name, patient.full_name):
        said["name"] = picture.patient_name
    if picture.patient_birth_date and picture.patient_birth_date != patient.date_of_birth:
        said["date_of_birth"] = picture.patient_birth_date.isoformat()
    if picture.patient_sex and patient.sex and picture.patient_sex != patient.sex:
        said["sex"] = picture.patient_sex
    if _is_another_id(picture.patient_id, patient.national_id):
        said["id"] = masked(normalise_national_id(picture.patient_id))
    if taken_on and taken_on < patient.date_of_birth:
        said["taken_before_birth"] = taken_on.isoformat()
    if taken_on and taken_on > timezone.localdate():
        said["taken_in_the_future"] = taken_on.isoformat()
    return said


def asked_anew(xray: XRayImage) -> dict[str, str]:
    """The contradictions of a film that has another patient now, or other facts: its original says them once more."""
    try:
        picture = ingest.read(xray.original.open("rb"), xray.original.name)
    except (Refused, OSError):
        return {}
    return contradictions(picture, xray.patient, xray.taken_on)


def _is_another_id(said: str, national_id: str) -> bool:
    """Only where both are of one kind: many a hospital's number stands in that place, and is no contradiction."""
    said = normalise_national_id(said)
    is_one_kind = [c.isdigit() for c in said] == [c.isdigit() for c in national_id]
    return bool(said and national_id) and is_one_kind and said != national_id


def in_words(conflict: dict[str, str]) -> list[str]:
    """A sentence for each contradiction."""
    days = {name: _day(value) for name, value in conflict.items() if value[:4].isdigit()}
    told = {
        "name": _("The file names another patient, %(said)s."),
        "date_of_birth": _("The file says that the patient was born on %(said)s."),
        "sex": _("The file says that the patient's sex is %(said)s."),
        "id": _("The file has another ID number, %(said)s."),
        "taken_before_birth": _("The film was taken on %(said)s, before the patient was born."),
        "taken_in_the_future": _("The film says that it was taken on %(said)s, which is still to come."),
    }
    sexes = dict(Patient.Sex.choices)
    return [
        told[name] % {"said": sexes.get(value, days.get(name, value))}
        for name, value in conflict.items()
        if name in told
    ]


def _day(text: str) -> str:
    return date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT")
