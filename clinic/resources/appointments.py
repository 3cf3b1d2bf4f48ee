"""Appointments as files, with their answers in a column for each question."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import ChoiceCell, DayCell, NamesCell
from backoffice.exchange.column_names import known
from backoffice.exchange.columns import ChosenField, ExchangeField, Row
from backoffice.formats.kept import Sentence, ngettext
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import listed
from clinic import booking
from clinic.booking import imported
from clinic.models import Appointment, ClinicSession, Patient, Period, Symptom
from clinic.resources import patient_columns
from clinic.resources.answers import AnswerColumn, answer_columns, with_answers
from clinic.resources.claimed import HoldsClaims
from clinic.resources.seats import Seats

Status = Appointment.Status
STRONG = re.compile(r"[\w-]{22,43}", re.ASCII)  # whoever knows a reference may change the booking
AT_THE_DESK = (Status.CHECKED_IN, Status.CALLED)
HAVE_BEEN = (*AT_THE_DESK, Status.DONE, Status.NO_SHOW)


class SessionColumn(ExchangeField):
    """Day or period. The session is found by both: see AppointmentResource."""

    model_fields = ("session",)

    def save(self, instance: models.Model, row: Row, is_m2m: bool = False, **kwargs: Any) -> None:
        """The session is set as a whole."""


class SymptomsCell(NamesCell):
    example = "cough, fever"

    def __init__(self) -> None:
        super().__init__(Symptom, "name")


class AppointmentResource(patient_columns.NamesPatient, HoldsClaims):
    """An appointment is known by its reference. One without is booked, as the front desk would: the next number, and
    only where there is a place. One with a reference that is not on file is taken over as it is."""

    date = SessionColumn("session__date", "date", DayCell(), title=gettext_lazy("day"), required=True)
    period = SessionColumn("session__period", "period", ChoiceCell(Period.choices), title=gettext_lazy("period"))
    symptoms = ChosenField("symptoms", "symptoms", SymptomsCell(), title=gettext_lazy("symptoms"))

    class Meta(ExchangeResource.Meta):
        model = Appointment
        fields = [
            "reference",
            "patient_full_name",
            "patient_date_of_birth",
            "patient_national_id",
            "date",
            "period",
            "queue_number",
            "status",
            "called_at",
            "source",
            "identity_conflict",
            "claimed_full_name",
            "claimed_date_of_birth",
            "claimed_sex",
            "claimed_phone",
            "claimed_email",
            "language",
            "reminded_at",
            "symptoms",
            "notes",
        ]
        import_id_fields = ["reference"]

    writes_in_preview = True  # only booking tells whether there is a place

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields["period"].is_required = True
        self.fields["queue_number"].is_required = False
        self.fields["language"].widget = ChoiceCell(settings.LANGUAGES)
        self.fields["reference"].help_text = _("Leave it empty to book.")
        self.fields["queue_number"].help_text = _("Leave it empty to book.")
        for column in answer_columns(known(self.columns_of_files())):
            self.fields[column.column_name] = column
        self._touched: dict[int, ClinicSession] = {}
        self._booked = 0

    def key_columns(self, columns: Iterable[str]) -> list[str]:
        return ["reference"] if "reference" in columns else ["date", "period"]

    def key_of_row(self, row: Row) -> tuple | None:
        return super().key_of_row(row) if row.get("reference", "").strip() else None

    def get_queryset(self) -> models.QuerySet:
        return with_answers(Appointment.objects.select_related("patient", "session").prefetch_related("symptoms"))

    def for_export(self, queryset: models.QuerySet) -> models.QuerySet:
        return with_answers(super().for_export(queryset).select_related("patient", "session"))

    # -- All rows, and some -------------------------------------------------------------------------------------------

    def before_writing(self, chunks: Iterable[Sequence[Row]]) -> None:
        """Whom the file books, which bookings it may change, and all their sessions, before any of them is touched."""
        patients, appointments, recorded, to_book = set(), set(), set(), set()
        for chunk in chunks:
            booked, known = [row for row in chunk if row.key is None], [row for row in chunk if row.key]
            patients |= self._patients_of(booked).pks() if booked else set()
            references = [row.key[0] for row in known if row.key]
            appointments |= set(Appointment.objects.filter(reference__in=references).values_list("pk", flat=True))
            recorded |= self._slots_of(known)
            to_book |= self._slots_of(booked)
        imported.lock(patients, appointments, recorded | to_book)
        self._made = imported.make_sessions(recorded, to_book, by=self.by)

    def before_chunk(self, rows: Sequence[Row]) -> None:
        self._patients = self._patients_of(rows)
        self._seats = Seats(self._slots_of(rows), [row.key[0] for row in rows if row.key])

    def _patients_of(self, rows: Sequence[Row]) -> patient_columns.Patients:
        return patient_columns.Patients([key for row in rows if (key := self._patient_key(row))], rows[0])

    def _slots_of(self, rows: Sequence[Row]) -> set[imported.Slot]:
        return {slot for row in rows if (slot := self._slot(row))}

    def _patient_key(self, row: Row) -> tuple | None:
        try:
            return patient_columns.key_of_row(self.fields, row)
        except ValidationError:
            return None

    def _slot(self, row: Row) -> imported.Slot | None:
        try:
            return tuple(self.fields[name].clean(row) for name in ("date", "period"))
        except (KeyError, ValidationError):
            return None

    # -- One row ------------------------------------------------------------------------------------------------------

    def init_instance(self, row: Row | None = None) -> Appointment:
        return Appointment(source=Appointment.Source.IMPORTED)

    def import_instance(self, instance: Appointment, row: Row, **kwargs: Any) -> None:
        super().import_instance(instance, row, **kwargs)
        if row.is_new:
            self._place(instance, row)
        else:
            self._refuse_another_place(instance, row)

    def _place(self, appointment: Appointment, row: Row) -> None:
        """The patient and the session of a new one. Raises ValidationError."""
        slot = (self._clean("date", row), self._clean("period", row))
        appointment.patient = self._patient(row)
        if not row.get("identity_conflict", "").strip():
            appointment.identity_conflict = booking.is_to_check(appointment.claimed)
        if row.key is not None:
            appointment.session = self._seats.session(slot)
            if not appointment.queue_number:
                appointment.queue_number = self._seats.next_number(appointment.session)
            return
        if appointment.queue_number:
            raise ValidationError({"queue_number": _("Booking gives the number. Leave this cell empty.")})
        try:
            appointment.session = booking.session_to_book(*slot)
        except booking.BookingError as refusal:
            raise ValidationError({"date": Sentence(refusal.__str__)}) from refusal

    def _clean(self, name: str, row: Row) -> Any:
        """The cell's value. Raises ValidationError that names the column."""
        try:
            return self.fields[name].clean(row if name in row else {name: ""})
        except ValidationError as error:
            raise ValidationError({name: error}) from error

    def _patient(self, row: Row) -> Patient:
        try:
            return self._patients.get(patient_columns.key_of_row(self.fields, row))
        except ValidationError as error:
            raise ValidationError({self._column_of_patient(row): error}) from error

    def _column_of_patient(self, row: Row) -> str:
        """Where to look for what is wrong with the patient of this row."""
        if row.get(patient_columns.NATIONAL_ID):
            return patient_columns.NATIONAL_ID
        return patient_columns.NAME if patient_columns.NAME in row else NON_FIELD_ERRORS

    def _refuse_another_place(self, appointment: Appointment, row: Row) -> None:
        """An import gives no appointment to somebody else, and moves none."""
        if self._patient_key(row) and self._patient(row) != appointment.patient:
            problem = _("The appointment with this reference is another patient's.")
            raise ValidationError({self._column_of_patient(row): problem})
        was = {field.column_name: value for field, value in (row.before or {}).items()}
        moved = {"date": appointment.session.date, "period": appointment.session.period}
        for name, value in moved.items():
            if name in row and self._clean(name, row) != value:
                raise ValidationError({name: _("An import moves no appointment. Move it on its own page.")})
        if was.get("queue_number", appointment.queue_number) != appointment.queue_number:
            raise ValidationError({"queue_number": _("An import changes no number that was given.")})

    def check(self, appointment: Appointment, excluded: set[str]) -> None:
        super().check(appointment, excluded | ({"queue_number"} if not appointment.queue_number else set()))
        if appointment.is_hidden:
            raise ValidationError({"reference": _("This appointment is hidden. Restore it first.")})
        if appointment.session_id is None:
            return  # its place could not be read, and that is said already
        if not STRONG.fullmatch(appointment.reference):
            raise ValidationError(
                {"reference": _("A reference is 22 or more letters and digits that nobody can guess. Leave it empty.")}
            )
        if appointment.status in HAVE_BEEN and appointment.session.date > timezone.localdate():
            raise ValidationError({"status": _("This day is still to come.")})
        if self._comes_to_the_desk(appointment) and appointment.session.date != timezone.localdate():
            raise ValidationError({"status": _("This day is over: nobody is checked in or called for it any more.")})
        if appointment.status == Status.CALLED and not appointment.called_at:
            raise ValidationError({"status": _("A patient who is called needs a time in “called_at”.")})
        if appointment.queue_number:
            self._seats.take(appointment)

    def _comes_to_the_desk(self, appointment: Appointment) -> bool:
        """By this row, and not on record from elsewhere."""
        if self.row.before is None:
            return appointment.status in AT_THE_DESK and not appointment.queue_number
        was = self.row.before.get(self.fields["status"], appointment.status)
        return appointment.status in AT_THE_DESK and appointment.status != was

    # -- Into the database --------------------------------------------------------------------------------------------

    def save_instance(self, instance: Appointment, is_create: bool, row: Row, **kwargs: Any) -> None:
        self._touched[instance.session_id] = instance.session
        if instance.queue_number:
            super().save_instance(instance, is_create, row, **kwargs)
        elif not kwargs["dry_run"]:
            self._book(instance)

    def _book(self, appointment: Appointment) -> None:
        """As the front desk does; what has become of it since is written after that. Raises ValidationError."""
        try:
            booked = booking.book(
                appointment.session,
                appointment.patient,
                by=self.by,
                symptoms=self.fields["symptoms"].get_value(appointment),
                source=appointment.source,
                notes=appointment.notes,
                claimed=appointment.claimed,
                language=appointment.language,
                reference=appointment.reference,
            )
        except booking.BookingError as refusal:
            raise ValidationError({"date": Sentence(refusal.__str__)}) from refusal
        self._booked += 1
        appointment.pk, appointment.queue_number = booked.pk, booked.queue_number
        appointment.created_at = booked.created_at
        appointment._state.adding, appointment._state.db = False, booked._state.db
        self._changed |= {"status", "called_at", "identity_conflict", "reminded_at"}
        self.update_instances.append(appointment)

    def after_bulk(self, rows: list[Appointment], *, created: bool, fields: set[str] | None) -> None:
        super().after_bulk(rows, created=created, fields=fields)
        for column in self._imported:
            if isinstance(column, AnswerColumn):
                column.write(rows, user=self.by, reason=self.reason)

    def finish(self, *, dry_run: bool) -> Iterable[str]:
        imported.drop_unused(self._made)
        beyond = imported.count_imported(self._touched.values(), by=self.by)
        if beyond:
            sessions = listed(f"{session} ({session.booked}/{session.capacity})" for session in beyond)
            yield _("These sessions hold more appointments than places: %(sessions)s.") % {"sessions": sessions}
        if self._booked:
            yield (
                ngettext(
                    "%d appointment is booked anew. A patient with an e-mail address gets a confirmation.",
                    "%d appointments are booked anew. Patients with an e-mail address get a confirmation.",
                    self._booked,
                )
                % self._booked
            )
