"""Whose a film is: what its file says of the patient, against the record it is put with. A contradiction warns, and
stays on the film; only a person knows which of the two is wrong."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.formats import date_format
from django.utils.text import capfirst

from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.records.relations import field_of
from backoffice.records.text import masked
from clinic.identity import normalise_national_id, validate_national_id
from clinic.models import Patient
from clinic.patients.names import is_of_other_letters, names_another_patient
from imaging.decoded import Named

AGES_MAY_DIFFER = 1
"""Years: a machine's idea of an age is older or younger than the birthday by so much."""


NAME_IN_LATIN = "full_name_in_latin"
"""A conflict of its own: Latin letters in the file, and Chinese on record."""

COLUMNS = {NAME_IN_LATIN: "full_name", "taken_on": "date_of_birth", "age": "date_of_birth"}
"""What on record a conflict is with, where it is not the field that it is named after."""


def conflicts(named: Named, patient: Patient, settled: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return what the file says that contradicts `patient`, by the field of the record; empty where nothing does.

    Without what a person has `settled`: see `marks`.
    """
    found = {}
    if names_another_patient("=".join((named.full_name, *named.readings)), patient.full_name):
        is_latin = is_of_other_letters(named.full_name, patient.full_name)
        found[NAME_IN_LATIN if is_latin else "full_name"] = named.full_name
    if named.date_of_birth and named.date_of_birth != patient.date_of_birth:
        found["date_of_birth"] = named.date_of_birth.isoformat()
    if named.age is not None and not named.date_of_birth and is_of_another_age(named, patient):
        found["age"] = str(named.age)
    if named.sex and named.sex != patient.sex:
        found["sex"] = named.sex
    if is_of_another(named.patient_id, patient):
        found["national_id"] = masked(normalise_national_id(named.patient_id))  # what is kept of it, and shown
    if named.taken_on and impossible_day(named.taken_on, patient):
        found["taken_on"] = named.taken_on.isoformat()
    known = marks(found, patient)
    return {field: said for field, said in found.items() if (settled or {}).get(field) != known[field]}


def marks(found: Mapping[str, str], patient: Patient) -> dict[str, str]:
    """Return what is kept of `conflicts` that a person settles: a mark each, which is another where the file, the
    patient or what is on record of them is another. So what is settled is asked again where it is no longer the same.
    """
    on_record = {field: getattr(patient, COLUMNS.get(field, field)) for field in found}
    return {field: _mark(field, patient.pk, said, str(on_record[field])) for field, said in found.items()}


def _mark(field: str, *settled: object) -> str:
    """ID numbers are too few for a hash without a secret; the others' marks, which are kept, hang on none."""
    if field == "national_id":
        return salted_hmac("imaging.whose", repr(settled), algorithm="sha256").hexdigest()[:16]
    return hashlib.sha256(repr(settled).encode()).hexdigest()[:16]


def is_of_another_age(named: Named, patient: Patient) -> bool:
    """Whether nobody born when the patient was can have been of this age when the film was taken, or today."""
    if named.age is None:
        return False
    if named.taken_on and not impossible_day(named.taken_on, patient):
        return abs(patient.age_on(named.taken_on) - named.age) > AGES_MAY_DIFFER
    return named.age > patient.age + AGES_MAY_DIFFER


def is_of_another(patient_id: str, patient: Patient) -> bool:
    """Archives give numbers of their own, which say nothing here: only a national ID is compared."""
    if not is_national_id(patient_id):
        return False
    national_id = normalise_national_id(patient_id)
    if patient.national_id:
        return national_id != patient.national_id
    return Patient.objects.visible().filter(national_id=national_id).exists()


def is_national_id(patient_id: str) -> bool:
    national_id = normalise_national_id(patient_id)
    if national_id.isdigit():
        return False  # a passport's number may be so, but an archive's nearly always is
    with suppress(ValidationError):
        validate_national_id(national_id)
        return True
    return False


def impossible_day(day: date, patient: Patient) -> str:
    """Say why no film of `patient` can have been taken on `day`; "" where one can."""
    if day > timezone.localdate():
        return _("This day is still to come: check the year.")
    if day < patient.date_of_birth:
        message = _("The patient was born later, on %(born)s: check the day, and whose film this is.")
        return message % {"born": Sentence(lambda: date_format(patient.date_of_birth))}
    return ""


def in_words(found: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each of the `conflicts`."""
    sentences = {
        "full_name": _("The file names another patient, %(said)s."),
        NAME_IN_LATIN: _(
            "The file names %(said)s in Latin letters, and the record is in Chinese: a computer cannot tell whether "
            "that is one name. Read it aloud, and compare date of birth and ID."
        ),
        "date_of_birth": _("The file gives another date of birth, %(said)s."),
        "age": _("The file gives another age, %(said)s years."),
        "sex": _("The file gives another sex, %(said)s."),
        "national_id": _("The file gives another national ID, %(said)s."),
        "taken_on": _("The file says that it was taken on %(said)s, before the patient's birth or in the future."),
    }
    for field, sentence in sentences.items():
        if said := found.get(field):
            yield sentence % {"said": _shown(field, said)}


def side_by_side(found: Mapping[str, str], patient: Patient) -> Iterator[tuple[str, str, str]]:
    """Yield, of each of the `conflicts`, what it is about, what the file says, and what is on record."""
    on_record = {
        "age": str(patient.age),
        "national_id": patient.national_id,
        "date_of_birth": patient.date_of_birth.isoformat(),
        "taken_on": "",
    }
    for field, said in found.items():
        known = on_record.get(field, getattr(patient, COLUMNS.get(field, field), ""))
        yield title_of(field), _shown(field, said), _shown(field, known) if known else "–"


def title_of(field: str) -> str:
    titles = {"taken_on": _("Taken on"), "age": _("Age")}
    return titles.get(field) or str(capfirst(field_of(Patient, COLUMNS.get(field, field)).verbose_name))


def _shown(field: str, said: str) -> str:
    if field == "sex":
        return str(Patient.Sex(said).label)
    if field == "national_id":
        return masked(normalise_national_id(said))
    with suppress(ValueError):
        return date_format(date.fromisoformat(said))
    return said
