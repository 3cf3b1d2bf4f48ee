"""Merge two patient records that turned out to be one person, and undo that.

What hangs on the one that goes moves to the one that stays, whatever it is: the relations are found at run time. The
one that goes is hidden. Of what is on both, and may be there once only, the copy is hidden too. Transactions lock the
patients first, in the order of their keys, then what moves; a booking locks its patient in the same way.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from django.apps import apps
from django.db import IntegrityError, transaction
from django.db.models import ForeignObjectRel, Model, Q, QuerySet, UniqueConstraint
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import Pattern, told
from backoffice.models import User
from backoffice.records.mixins import REASON_LENGTH, ClinicalRecord
from backoffice.records.relations import field_of, pointing_at
from backoffice.records.seen import last_to_change
from backoffice.records.seen import version_of as seen_version
from clinic.models import Appointment, Patient, PatientMerge

MERGED = Pattern(gettext_noop("Merged: %(reason)s"), reason=told)
MERGED_INTO = Pattern(gettext_noop("Merged into %(name)s (record %(key)d)"))

FIELDS = ("full_name", "date_of_birth", "sex", "national_id", "phone", "email", "notes")

Status = Appointment.Status
# Of two bookings of one session, the one that has come further is the true one.
FURTHER: list[str] = [Status.NO_SHOW, Status.BOOKED, Status.CHECKED_IN, Status.CALLED, Status.DONE]


class MergeError(Exception):
    """Nothing was changed. The message says why, and what to do."""


def version_of(one: Patient, other: Patient) -> str:
    """Another text where one of the two has changed in what is compared before a merge."""
    both = sorted([one, other], key=lambda patient: patient.pk)
    return seen_version([[patient.pk, *(getattr(patient, name) for name in FIELDS)] for patient in both])


@transaction.atomic
def merge(
    keep: Patient, other: Patient, *, choices: Collection[str], by: User | None, reason: str, seen: str = ""
) -> PatientMerge:
    """Move what `other` has to `keep`, and hide `other`. `choices` names the FIELDS whose value `keep` takes over.
    `seen` is the `version_of` both on which that was decided.

    All or nothing. Raises MergeError.
    """
    keep, other = _locked(keep, other)
    last = {"who": last_to_change(Patient, [keep.pk, other.pk])}
    if keep.pk == other.pk or keep.is_hidden or other.is_hidden:
        raise MergeError(
            _("Only two visible records can be merged. %(who)s has changed these last, and may have merged them.")
            % last
        )
    if seen and seen != version_of(keep, other):
        raise MergeError(_("%(who)s has changed one of the two since you looked. Compare once more.") % last)
    what = MERGED(REASON_LENGTH, reason=reason)
    for relation in pointing_at(Patient):
        _lock(_rows(relation, keep, other))
    hidden = hide_copies(copies(keep, other), by=by, reason=what)
    moved = {}
    for relation in pointing_at(Patient):
        if keys := _move(_rows(relation, other), relation, keep, by=by, reason=what):
            moved[str(relation.field)] = keys
    into = MERGED_INTO(REASON_LENGTH, name=keep.full_name, key=keep.pk)
    Patient.objects.filter(pk=other.pk).hide(by=by, reason=into)
    changed = _take_over(keep, other, choices, by=by, reason=what)
    return PatientMerge.objects.create(
        kept=keep, merged=other, moved=moved, hidden=hidden, changed=changed, reason=reason[:REASON_LENGTH], by=by
    )


@transaction.atomic
def undo(done: PatientMerge, *, by: User | None) -> list[str]:
    """Take a merge back: whatever is still where it was put. Returns sentences about what is left as it is.

    Raises MergeError.
    """
    keep, other = _locked(done.kept, done.merged)
    # Whoever presses the button at the same time finds no row that stands.
    if not PatientMerge.objects.standing().filter(pk=done.pk).update(undone_at=timezone.now(), undone_by=by):
        done.refresh_from_db()
        raise MergeError(_("%(who)s has undone this merge already.") % {"who": done.undone_by or _("Somebody")})
    if keep.is_hidden:
        raise MergeError(_("The record that was kept is hidden. Restore it first, or undo its own merge."))
    what = gettext_noop("Merge undone")
    try:
        with transaction.atomic():
            left = [*_move_back(done, keep, other, by=by, reason=what), *_give_back(keep, done, by=by, reason=what)]
            Patient.objects.filter(pk=other.pk).restore(by=by, reason=what)
            for label, keys in done.hidden.items():
                apps.get_model(label).objects.filter(pk__in=keys).restore(by=by, reason=what)
    except IntegrityError as error:
        raise MergeError(
            _("Another visible record has what this one needs, such as the national ID. Change that one first.")
        ) from error
    return left


# -- Finding the one that stays ---------------------------------------------------------------------------------------


def standing(patient: Patient) -> Patient:
    """The record that this one was merged into, and that one in turn; the same where it was not."""
    seen = set()
    while patient.is_hidden and patient.pk not in seen:
        seen.add(patient.pk)
        done = PatientMerge.objects.standing().filter(merged=patient).select_related("kept").first()
        patient = done.kept if done else patient
    return patient


def lock_standing(patient: Patient) -> Patient:
    """`standing`, locked until the transaction ends: nobody merges it away meanwhile."""
    while True:
        patient = Patient.objects.select_for_update(no_key=True).get(pk=standing(patient).pk)
        if standing(patient).pk == patient.pk:
            return patient


def with_national_id(national_id: str) -> Patient | None:
    """The visible record of whoever has this national ID, also where the ID is on one that was merged into it."""
    found = Patient.objects.filter(national_id=national_id)
    visible = found.visible().first()
    if visible or not national_id:
        return visible
    merged = found.filter(merged_into__in=PatientMerge.objects.standing()).order_by("-pk").first()
    kept = standing(merged) if merged else None
    return None if kept is None or kept.is_hidden else kept


def merged_into_it(patient: Patient) -> list[int]:
    """The keys of the records that were merged into this one, directly or on the way."""
    found: list[int] = []
    new = [patient.pk]
    while new:
        merged = PatientMerge.objects.standing().filter(kept__in=new).exclude(merged__in=found)
        new = list(merged.values_list("merged", flat=True))
        found += new
    return found


# -- What is on both --------------------------------------------------------------------------------------------------


def copies(keep: Patient, other: Patient) -> Iterator[tuple[ClinicalRecord, ClinicalRecord]]:
    """(what is hidden, what stays) of everything that a patient may have once only, and that both records have."""
    for relation in pointing_at(Patient):
        yield from copies_among(_rows(relation, other), relation.field.name, keep)


def copies_among(rows: QuerySet, field: str, keep: Patient) -> Iterator[tuple[ClinicalRecord, ClinicalRecord]]:
    """The same of these rows alone, whose `field` is to name `keep`."""
    for constraint in rows.model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and field in constraint.fields:
            yield from _copies(rows, field, constraint, keep)


def _copies(
    rows: QuerySet, field: str, constraint: UniqueConstraint, keep: Patient
) -> Iterator[tuple[ClinicalRecord, ClinicalRecord]]:
    same = [name for name in constraint.fields if name != field]
    held_by_keep = rows.model._base_manager.filter(**{field: keep})

    def standing_rows(of_one: QuerySet) -> QuerySet:
        return of_one.filter(constraint.condition or Q()).order_by("pk")

    def mark(row: ClinicalRecord) -> tuple:
        return tuple(getattr(row, field_of(type(row), name).attname) for name in same)

    held = {mark(row): row for row in standing_rows(held_by_keep)}
    for row in standing_rows(rows):
        if twin := held.get(mark(row)):
            yield (twin, row) if _is_further(row, twin) else (row, twin)


def _is_further(row: ClinicalRecord, twin: ClinicalRecord) -> bool:
    return (
        isinstance(row, Appointment)
        and isinstance(twin, Appointment)
        and FURTHER.index(row.status) > FURTHER.index(twin.status)
    )


def hide_copies(
    pairs: Iterable[tuple[ClinicalRecord, ClinicalRecord]], *, by: User | None, reason: str
) -> dict[str, list[int]]:
    """Hide the first of each pair. Returns their keys by model."""
    hidden: dict[str, list[int]] = {}
    for copy, _stays in list(pairs):
        type(copy).objects.filter(pk=copy.pk).hide(by=by, reason=reason)
        hidden.setdefault(copy._meta.label_lower, []).append(copy.pk)
    return hidden


def belongings(patient: Patient) -> dict[type[Model], int]:
    """How many of what hang on the record, hidden rows too: what a merge would move."""
    counted = {relation.related_model: _rows(relation, patient).count() for relation in pointing_at(Patient)}
    return {model: n for model, n in counted.items() if n}


# -- Moving -----------------------------------------------------------------------------------------------------------


def _locked(one: Patient, other: Patient) -> tuple[Patient, Patient]:
    rows = {row.pk: row for row in _lock(Patient.objects.filter(pk__in=[one.pk, other.pk]))}
    return rows[one.pk], rows[other.pk]


def _lock(rows: QuerySet) -> list[Any]:
    # Not against who only points at these rows: an intake record, rebuilt at that moment, holds its visit and waits for
    # its patient.
    return list(rows.order_by("pk").select_for_update(of=("self",), no_key=True))


def _rows(relation: ForeignObjectRel, *patients: Patient) -> QuerySet:
    return relation.related_model._base_manager.filter(**{f"{relation.field.name}__in": patients})


def _move(rows: QuerySet, relation: ForeignObjectRel, to: Patient, *, by: User | None, reason: str) -> list[int]:
    """One by one: each row's history and signals then tell of it as of any other change."""
    moved = []
    for row in rows.order_by("pk"):
        setattr(row, relation.field.name, to)
        row._history_user, row._change_reason = by, reason[:REASON_LENGTH]
        row.save(update_fields=[relation.field.name, "updated_at"])
        moved.append(row.pk)
    return moved


def _move_back(done: PatientMerge, keep: Patient, other: Patient, *, by: User | None, reason: str) -> Iterator[str]:
    for relation in pointing_at(Patient):
        keys = done.moved.get(str(relation.field), [])
        rows = _rows(relation, keep).filter(pk__in=keys)
        _lock(rows)
        back = _move(rows, relation, other, by=by, reason=reason)
        if len(back) < len(keys):
            yield _("%(n)d %(kind)s had gone elsewhere since, and stays there.") % {
                "n": len(keys) - len(back),
                "kind": relation.related_model._meta.verbose_name,
            }


def _take_over(
    keep: Patient, other: Patient, choices: Collection[str], *, by: User | None, reason: str
) -> dict[str, list[str]]:
    """The chosen fields' values, as text: what was there, and what is there now."""
    fields = [field_of(Patient, name) for name in FIELDS if name in choices]
    changed = {
        field.name: [field.value_to_string(keep), field.value_to_string(other)]
        for field in fields
        if getattr(keep, field.name) != getattr(other, field.name)
    }
    _save(keep, {name: getattr(other, name) for name in changed}, by=by, reason=reason)
    return changed


def _give_back(keep: Patient, done: PatientMerge, *, by: User | None, reason: str) -> Iterator[str]:
    """The fields that were taken over, unless somebody has changed them since."""
    before = {}
    for name, (old, new) in done.changed.items():
        field = field_of(Patient, name)
        if field.value_to_string(keep) == new:
            before[name] = field.to_python(old)
        else:
            yield _("“%(field)s” has been changed since, and stays.") % {"field": field.verbose_name}
    _save(keep, before, by=by, reason=reason)


def _save(patient: Patient, values: dict, *, by: User | None, reason: str) -> None:
    """Also without a change: the record's history then says what happened to it."""
    for name, value in values.items():
        setattr(patient, name, value)
    patient._history_user, patient._change_reason = by, reason[:REASON_LENGTH]
    patient.save(update_fields=[*values, "updated_at"])
