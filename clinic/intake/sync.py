"""Keeps the flat intake record in step with appointments, their symptoms and their answers.

Whatever changes notes the appointment's id; when the transaction commits, what was noted is rebuilt once, however many
signals fired. The record is derived: `rebuild` can write it anew at any time.
"""

from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Model, Prefetch, Q
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete

from backoffice.records.mixins import written_at_once
from backoffice.records.noted import Noted
from backoffice.records.two_languages import CHINESE, is_chinese, shown
from clinic.models import Appointment, ClinicSession, IntakeRecord, LikertAnswer, NumericAnswer, Patient, Symptom

BATCH = 500
SHOWN: dict[type[Model], set[str]] = {
    Patient: {"date_of_birth"},
    Symptom: {"name", "name_other", "position"},
    ClinicSession: {"date", "period"},
}
DERIVED = ["patient", "number", "date", "period", "age", "symptoms", "symptoms_in_chinese", "answers"]


def rebuild(appointment_ids: Iterable[int]) -> int:
    """Write the records of these appointments anew; one that is hidden or gone has none. Returns how many stand."""
    ids = iter(sorted(appointment_ids))
    written = 0
    while batch := list(islice(ids, BATCH)):
        written += _rebuild_batch(batch)
    return written


@transaction.atomic
def _rebuild_batch(ids: list[int]) -> int:
    _wait_for_other_rebuilds(ids)
    return _write(ids)


def _write(ids: list[int]) -> int:
    records = expected(ids)
    if gone := set(ids) - {record.appointment_id for record in records}:
        IntakeRecord.objects.filter(appointment__in=gone).delete()
    IntakeRecord.objects.bulk_create(
        records,
        update_conflicts=True,
        unique_fields=["appointment"],
        update_fields=[*DERIVED, "rebuilt_at"],
    )
    return len(records)


def _wait_for_other_rebuilds(ids: list[int]) -> None:
    """Lock these appointments, in a query of its own: what is read after it is what is true once the lock is ours.

    A query that locks and reads at once would read the patient as of its own beginning, before it waited, and could
    overwrite the record that a later change has made meanwhile.
    """
    list(Appointment.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def expected(ids: list[int]) -> list[IntakeRecord]:
    """The records that these appointments should have, not saved, in the order of their keys."""
    appointments = (
        Appointment.objects.visible()
        .filter(pk__in=ids)
        .select_related("patient", "session")
        .prefetch_related(
            "symptoms",
            Prefetch("likert_answers", LikertAnswer.objects.visible().only("appointment", "question", "score")),
            Prefetch("numeric_answers", NumericAnswer.objects.visible().only("appointment", "question", "value")),
        )
        .order_by("pk")
    )
    return [_record_of(appointment) for appointment in appointments]


def _record_of(appointment: Appointment) -> IntakeRecord:
    """Of an appointment read as `expected` reads it. The age is that on the day of the visit."""
    likert = {f"likert_{answer.question_id}": answer.score for answer in appointment.likert_answers.all()}
    numeric = {f"numeric_{answer.question_id}": plain(answer.value) for answer in appointment.numeric_answers.all()}
    return IntakeRecord(
        appointment=appointment,
        patient=appointment.patient,
        number=appointment.queue_number,
        date=appointment.session.date,
        period=appointment.session.period,
        age=appointment.patient.age_on(appointment.session.date),
        symptoms=_named(appointment, "en"),
        symptoms_in_chinese=_named(appointment, CHINESE),
        answers=likert | numeric,
    )


def _named(appointment: Appointment, language: str) -> str:
    comma = "、" if is_chinese(language) else ", "
    return comma.join(shown(symptom, "name", language) for symptom in appointment.symptoms.all())


def plain(value: Decimal) -> int | float:
    """As JSON and a spreadsheet write it: 2, not 2.00. Two decimal places survive as a float, exactly."""
    return int(value) if value == value.to_integral_value() else float(value)


_noted = Noted(rebuild)


def catch_up() -> int:
    """Rebuild what was left behind, as where the database was busy when its turn came: visits without a record, or
    saved since theirs was written. Returns how many records were written."""
    behind = Appointment.objects.visible().filter(Q(intake=None) | Q(updated_at__gt=F("intake__rebuilt_at")))
    return rebuild(behind.values_list("pk", flat=True))


def write_at_once(appointment: Appointment) -> None:
    """Write the record of a booking in its own transaction, which has made it, and holds its patient and session.

    Nobody else has seen it, so that nobody rebuilds it: whoever changes what it shows must come before, and be read
    here, or wait until it is there to be found.
    """
    _hold_symptoms(appointment)
    _write([appointment.pk])
    _noted.forget(appointment.pk)


def _hold_symptoms(appointment: Appointment) -> None:
    """Nobody names them anew until this transaction ends. Others who book hold them at the same time, for which Django
    has no words."""
    if connection.features.has_select_for_update:  # elsewhere, one writes at a time
        symptoms = Symptom.objects.filter(appointments=appointment).order_by("pk").values("pk")
        sql, parameters = symptoms.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} FOR SHARE OF {connection.ops.quote_name(Symptom._meta.db_table)}", parameters)


def note(*appointment_ids: int) -> None:
    """Rebuild these appointments' records when this transaction commits."""
    _noted.note(*appointment_ids)


# -- What is listened to ----------------------------------------------------------------------------------------------


def connect() -> None:
    post_save.connect(_appointment_saved, sender=Appointment, dispatch_uid="intake")
    written_at_once.connect(_appointments_written, sender=Appointment, dispatch_uid="intake")
    m2m_changed.connect(_symptoms_chosen, sender=Appointment.symptoms.through, dispatch_uid="intake")
    for answers in (LikertAnswer, NumericAnswer):
        post_save.connect(_answer_changed, sender=answers, dispatch_uid="intake")
        post_delete.connect(_answer_changed, sender=answers, dispatch_uid="intake")
        written_at_once.connect(_answers_written, sender=answers, dispatch_uid="intake")
    for named_in_it in SHOWN:
        post_save.connect(_named_in_it_changed, sender=named_in_it, dispatch_uid="intake")
        written_at_once.connect(_named_in_it_written, sender=named_in_it, dispatch_uid="intake")
    # Before, because afterwards nobody knows who had it; the links to it go without a signal.
    pre_delete.connect(_named_in_it_changed, sender=Symptom, dispatch_uid="intake")


def _appointment_saved(instance: Appointment, **kwargs: object) -> None:
    note(instance.pk)


def _appointments_written(rows: Iterable[Appointment], **kwargs: object) -> None:
    note(*(appointment.pk for appointment in rows))


def _answer_changed(instance: LikertAnswer | NumericAnswer, **kwargs: object) -> None:
    note(instance.appointment_id)


def _answers_written(rows: Iterable[LikertAnswer | NumericAnswer], **kwargs: object) -> None:
    note(*(answer.appointment_id for answer in rows))


def _symptoms_chosen(instance: Any, reverse: bool, pk_set: set[int] | None, **kwargs: object) -> None:
    if not reverse:
        note(instance.pk)
    else:  # from the symptom's side; clearing tells no keys, and asks before and after
        note(*(pk_set or instance.appointments.values_list("pk", flat=True)))


def _named_in_it_changed(
    instance: Patient | Symptom | ClinicSession,
    created: bool = False,
    update_fields: Iterable[str] | None = None,
    **kwargs: object,
) -> None:
    # A session is saved at every call of a number, with nothing in it that a record shows.
    if not created and (update_fields is None or SHOWN[type(instance)] & set(update_fields)):
        note(*instance.appointments.values_list("pk", flat=True))


def _named_in_it_written(
    sender: type[Model], rows: Iterable[Model], created: bool, fields: set[str] | None, **kwargs: object
) -> None:
    if not created and (fields is None or SHOWN[sender] & fields):
        named: dict[type[Model], str] = {
            Patient: "patient__in",
            Symptom: "symptoms__in",
            ClinicSession: "session__in",
        }
        note(*Appointment.objects.filter(**{named[sender]: rows}).values_list("pk", flat=True))
