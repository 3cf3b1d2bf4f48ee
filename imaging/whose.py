"""Whose a film is: what its file says of the patient, against the record it is put with. A contradiction warns, and
stays on the film; only a person knows which of the two is wrong."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.records.text import masked
from clinic.identity import normalise_national_id, validate_national_id
from clinic.models import Patient
from clinic.patients.names import names_another_patient
from imaging.decoded import Named


def conflicts(named: Named, patient: Patient) -> dict[str, str]:
    """Return what the file says that contradicts `patient`, by the field of the record; empty where nothing does."""
    found = {}
    if names_another_patient(named.full_name, patient.full_name):
        found["full_name"] = named.full_name
    if named.date_of_birth and named.date_of_birth != patient.date_of_birth:
        found["date_of_birth"] = named.date_of_birth.isoformat()
    if named.sex and named.sex != patient.sex:
        found["sex"] = named.sex
    if is_of_another(named.patient_id, patient):
        found["national_id"] = named.patient_id
    if named.taken_on and impossible_day(named.taken_on, patient):
        found["taken_on"] = named.taken_on.isoformat()
    return found


def is_of_another(patient_id: str, patient: Patient) -> bool:
    """Archives give numbers of their own, which say nothing here: only a national ID is compared."""
    national_id = normalise_national_id(patient_id)
    if national_id.isdigit():
        return False  # a passport's number may be so, but an archive's nearly always is
    try:
        validate_national_id(national_id)
    except ValidationError:
        return False
    if patient.national_id:
        return national_id != patient.national_id
    return Patient.objects.visible().filter(national_id=national_id).exists()


def impossible_day(day: date, patient: Patient) -> str:
    """Say why no film of `patient` can have been taken on `day`; "" where one can."""
    if day > timezone.localdate():
        return _("This day is still to come: check the year.")
    if day < patient.date_of_birth:
        message = _("The patient was born later, on %(born)s: check the day, and whose film this is.")
        return message % {"born": date_format(patient.date_of_birth)}
    return ""


def in_words(found: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each of the `conflicts`."""
    sentences = {
        "full_name": _("The file names another patient, %(said)s."),
        "date_of_birth": _("The file gives another date of birth, %(said)s."),
        "sex": _("The file gives another sex, %(said)s."),
        "national_id": _("The file gives another national ID, %(said)s."),
        "taken_on": _("The file says that it was taken on %(said)s, before the patient's birth or in the future."),
    }
    for field, sentence in sentences.items():
        if said := found.get(field):
            yield sentence % {"said": _shown(field, said)}


def _shown(field: str, said: str) -> str:
    if field == "sex":
        return str(Patient.Sex(said).label)
    if field == "national_id":
        return masked(normalise_national_id(said))
    with suppress(ValueError):
        return date_format(date.fromisoformat(said))
    return said
