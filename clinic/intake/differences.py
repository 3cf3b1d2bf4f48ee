"""Every intake record at once: made anew, or compared with what a rebuild would write. Memory stays as it is."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from backoffice.formats.lists import listed
from backoffice.records.relations import field_of
from clinic.intake import sync
from clinic.models import Appointment, IntakeRecord


def batches() -> Iterator[list[int]]:
    """The keys of all appointments, hidden ones too, some hundred at a time."""
    last = 0
    while batch := list(
        Appointment.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[: sync.BATCH]
    ):
        yield batch
        last = batch[-1]


def differences() -> Iterator[tuple[int, str]]:
    """(appointment's key, what of its record is not as a rebuild would write it). Names nobody."""
    for ids in batches():
        stored = IntakeRecord.objects.in_bulk(ids, field_name="appointment_id")
        expected = {record.appointment_id: record for record in sync.expected(ids)}
        for pk in ids:
            if what := _difference(stored.get(pk), expected.get(pk)):
                yield pk, what


def _difference(stored: IntakeRecord | None, expected: IntakeRecord | None) -> str:
    if expected is None:
        return _("should have no record") if stored else ""
    if stored is None:
        return _("has no record")
    fields = (field_of(IntakeRecord, name) for name in sync.DERIVED)
    return listed(f.name for f in fields if getattr(stored, f.attname) != getattr(expected, f.attname))
