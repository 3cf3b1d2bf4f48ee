"""Keeps the flat intake record in step with appointments, their symptoms and their answers.

Whatever changes notes the appointment's id; when the transaction commits, what was noted is rebuilt once, however many
signals fired. The record is derived: `rebuild` can write it anew at any time.
"""

import threading
from collections.abc import Iterable
from itertools import islice

from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

from clinic.models import Appointment, IntakeRecord, LikertAnswer, NumericAnswer, Patient, Symptom

BATCH = 500

# An id noted in a transaction or a savepoint that was rolled back stays here until the next commit of this thread,
# and is then rebuilt from what is true: needless, and right.
_this_thread = threading.local()


def note(*appointment_ids: int) -> None:
    """Rebuild these appointments' records when this transaction commits."""
    if appointment_ids:
        _noted().update(appointment_ids)
        # The first of these callbacks rebuilds everything. Registering each time lets one survive a savepoint that is
        # rolled back. A record that cannot be written must not undo a booking's answer: robust.
        transaction.on_commit(_rebuild_noted, robust=True)


def _noted() -> set[int]:
    if not hasattr(_this_thread, "noted"):
        _this_thread.noted = set()
    return _this_thread.noted


def _rebuild_noted() -> None:
    noted = _noted().copy()
    _noted().clear()
    if noted:
        rebuild(noted)


def rebuild(appointment_ids: Iterable[int]) -> int:
    """Write the records of these appointments anew; one that is hidden or gone has none. Returns how many stand."""
    ids = iter(sorted(appointment_ids))
    written = 0
    while batch := list(islice(ids, BATCH)):
        written += _rebuild_batch(batch)
    return written


@transaction.atomic
def _rebuild_batch(ids: list[int]) -> int:
    # Locked, so that of two rebuilds at the same moment the later reads what the earlier one's transaction wrote.
    appointments = (
        Appointment.objects.visible()
        .filter(pk__in=ids)
        .select_for_update(of=("self",))
        .select_related("patient", "session")
        .prefetch_related("symptoms", "likert_answers", "numeric_answers")
        .order_by("pk")
    )
    records = [record_of(appointment) for appointment in appointments]
    kept = [record.appointment_id for record in records]
    IntakeRecord.objects.filter(appointment__in=ids).exclude(appointment__in=kept).delete()
    IntakeRecord.objects.bulk_create(
        records,
        update_conflicts=True,
        unique_fields=["appointment"],
        update_fields=["patient", "number", "date", "period", "age", "symptoms", "answers", "rebuilt_at"],
    )
    return len(records)


def record_of(appointment: Appointment) -> IntakeRecord:
    """The record as the appointment wants it, not saved. The age is that on the day of the visit."""
    likert = {f"likert_{a.question_id}": a.score for a in appointment.likert_answers.all() if not a.is_hidden}
    numeric = {f"numeric_{a.question_id}": float(a.value) for a in appointment.numeric_answers.all() if not a.is_hidden}
    return IntakeRecord(
        appointment=appointment,
        patient=appointment.patient,
        number=appointment.queue_number,
        date=appointment.session.date,
        period=appointment.session.period,
        age=appointment.patient.age_on(appointment.session.date),
        symptoms=", ".join(symptom.name for symptom in appointment.symptoms.all()),
        answers=likert | numeric,
    )


# -- What is listened to ----------------------------------------------------------------------------------------------


def connect() -> None:
    post_save.connect(_appointment_saved, sender=Appointment, dispatch_uid="intake")
    m2m_changed.connect(_symptoms_chosen, sender=Appointment.symptoms.through, dispatch_uid="intake")
    for answers in (LikertAnswer, NumericAnswer):
        post_save.connect(_answer_changed, sender=answers, dispatch_uid="intake")
        post_delete.connect(_answer_changed, sender=answers, dispatch_uid="intake")
    for named_in_it in (Patient, Symptom):
        post_save.connect(_name_changed, sender=named_in_it, dispatch_uid="intake")


def _appointment_saved(instance: Appointment, **kwargs) -> None:
    note(instance.pk)


def _answer_changed(instance: LikertAnswer | NumericAnswer, **kwargs) -> None:
    note(instance.appointment_id)


def _symptoms_chosen(instance, reverse: bool, pk_set, **kwargs) -> None:
    if not reverse:
        note(instance.pk)
    else:  # from the symptom's side; clearing tells no keys, and asks before and after
        note(*(pk_set or instance.appointments.values_list("pk", flat=True)))


def _name_changed(instance: Patient | Symptom, created: bool, **kwargs) -> None:
    if not created:
        note(*instance.appointments.values_list("pk", flat=True))
