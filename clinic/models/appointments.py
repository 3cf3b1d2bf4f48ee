"""Appointments, their answers, and the flat record made of both."""

import secrets
from collections import Counter
from collections.abc import Iterable
from functools import cache, reduce
from operator import or_
from typing import Any, ClassVar, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.readers import Reader
from backoffice.records.changes import record
from backoffice.records.indexes import hidden_only
from backoffice.records.labels import label_of
from backoffice.records.mixins import EXCHANGED, ClinicalRecord, HideableQuerySet
from clinic.models.patients import Patient, Symptom
from clinic.models.schedule import ClinicSession, Period
from clinic.models.survey import LikertQuestion, NumericQuestion


def new_reference() -> str:
    """32 URL-safe random characters (192 bits): whoever knows it may see and change the booking."""
    return secrets.token_urlsafe(24)


def spoken_language() -> str:
    """The language of whoever is booking at this moment."""
    return get_language() or settings.LANGUAGE_CODE


class AppointmentQuerySet(HideableQuerySet):
    def active(self) -> Self:
        """What holds a place: everything visible that is not cancelled."""
        return self.visible().exclude(status=Appointment.Status.CANCELLED)

    def still_to_come(self) -> Self:
        """Whose visit is neither over nor given up."""
        return self.filter(status__in=Appointment.STILL_TO_COME)

    def waiting(self) -> Self:
        """Who is here and has not been called, in the order of their numbers."""
        return self.visible().filter(status=Appointment.Status.CHECKED_IN).order_by("queue_number")

    def with_open_questions(self) -> Self:
        """Each with `has_open_questions`: whether the survey asks today what it has no answer to."""
        return self.annotate(has_open_questions=_some_question_is_open())

    def to_remind(self) -> Self:
        """Who is expected and has not been reminded of it. To a hidden patient nothing is written."""
        booked = self.visible().filter(status=Appointment.Status.BOOKED, reminded_at=None)
        return booked.exclude(patient__in=Patient.objects.hidden().order_by().values("pk"))

    @transaction.atomic
    def hide(self, *, by: AbstractBaseUser | None, reason: str = "") -> int:
        """Hide what is visible here; a hidden appointment holds no place. Returns how many rows that were."""
        rows = self.visible()._locked()
        for session, places in _places_of(rows):
            ClinicSession.objects.filter(pk=session.pk).free(places)
        for row in rows:
            row._mark(by, reason, hidden_at=timezone.now(), hidden_by=by, hide_reason=reason)
        return len(rows)

    @transaction.atomic
    def restore(self, *, by: AbstractBaseUser | None, reason: str = "") -> int:
        """Bring back what is hidden here, beyond capacity where its place was given away. Returns how many rows.

        Raises IntegrityError where a patient has another booking in the same session by now.
        """
        rows = self.hidden()._locked()
        for session, places in _places_of(rows):
            ClinicSession.objects.filter(pk=session.pk).take_back(places)
            session.refresh_from_db()
            session.note_overbooking(by)
        for row in rows:
            row._mark(by, reason, hidden_at=None, hidden_by=None, hide_reason="")
        return len(rows)

    def _locked(self) -> list[Any]:
        return list(self.select_related("session").order_by("pk").select_for_update(of=("self",), no_key=True))


@cache  # the same for every page, and it takes as long to put together as to ask
def _some_question_is_open() -> Q:
    """A condition on an appointment: that the survey asks today what it has no answer to."""
    unanswered: list[Any] = [
        Exists(questions.objects.asked().exclude(answers__appointment=OuterRef("pk")))
        for questions in (LikertQuestion, NumericQuestion)
    ]
    return reduce(or_, unanswered)


def _places_of(rows: "Iterable[Appointment]") -> list[tuple[ClinicSession, int]]:
    """(session, places that these rows hold while visible), in the order of the sessions' keys."""
    held = Counter(row.session for row in rows if row.status != Appointment.Status.CANCELLED)
    return sorted(held.items(), key=lambda item: item[0].pk)


class Appointment(ClinicalRecord):
    class Status(models.TextChoices):
        BOOKED = "booked", _("booked")
        CHECKED_IN = "checked_in", _("here")
        CALLED = "called", _("called")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")
        NO_SHOW = "no_show", _("did not come")

    STILL_TO_COME = (Status.BOOKED, Status.CHECKED_IN, Status.CALLED)

    class Source(models.TextChoices):
        PUBLIC = "public", _("booking page")
        STAFF = "staff", _("front desk")
        IMPORTED = "imported", _("import")

    patient = models.ForeignKey(
        Patient, on_delete=models.PROTECT, related_name="appointments", verbose_name=_("patient")
    )
    session = models.ForeignKey(
        ClinicSession, on_delete=models.PROTECT, related_name="appointments", verbose_name=_("session")
    )
    queue_number = models.PositiveIntegerField(_("number"), editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.BOOKED, editable=False)
    source = models.CharField(_("booked at"), max_length=10, choices=Source, default=Source.STAFF, editable=False)
    reference = models.CharField(_("reference"), max_length=43, unique=True, default=new_reference, editable=False)
    symptoms = models.ManyToManyField(Symptom, blank=True, related_name="appointments", verbose_name=_("symptoms"))
    identity_conflict = models.BooleanField(
        _("identity to check"),
        default=False,
        help_text=_(
            "Another name or date of birth than on file, no national ID, or somebody who may be on file twice."
        ),
    )
    claimed = models.JSONField(
        _("as given with the booking"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_("Only what differs from the file."),
    )
    called_at = models.DateTimeField(_("called at"), null=True, blank=True, editable=False)
    language = models.CharField(_("language of mails"), max_length=10, default=spoken_language, editable=False)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True, editable=False)
    notes = models.TextField(_("notes"), blank=True)

    objects: ClassVar = AppointmentQuerySet.as_manager()
    history = HistoricalRecords(m2m_fields=[symptoms], excluded_fields=["reminded_at"])

    class Meta:
        default_permissions = EXCHANGED
        verbose_name = _("appointment")
        verbose_name_plural = _("appointments")
        ordering = ["-session__date", "session__opens_at", "queue_number"]
        constraints = [
            models.UniqueConstraint(fields=["session", "queue_number"], name="one_appointment_per_number"),
            models.UniqueConstraint(
                fields=["patient", "session"],
                condition=~Q(status="cancelled") & Q(hidden_at=None),
                name="one_active_appointment_per_patient_and_session",
                violation_error_message=_("This patient already has an appointment in this session."),
            ),
        ]
        indexes = [
            models.Index(fields=["session", "status", "queue_number"], name="queue_of_a_session"),
            # Few of very many: who is expected or here, whose identity is to be checked, what is hidden.
            models.Index(
                fields=["status", "session"],
                condition=Q(status__in=["booked", "checked_in", "called"]),
                name="appointments_at_hand",
            ),
            models.Index(fields=["session"], condition=Q(identity_conflict=True), name="identities_to_check"),
            hidden_only("session", name="appointment_hidden"),
        ]

    def _mark(self, by: AbstractBaseUser | None, reason: str, **values: object) -> None:
        """One row at a time: its history keeps the symptoms too, which many at once would lose."""
        Appointment.objects.filter(pk=self.pk).update(**values)
        record(self, by, reason)

    def __str__(self) -> str:
        return self.name_for(None)

    def name_for(self, user: Reader | None) -> str:
        return _("%(number)s · %(session)s · %(patient)s") % {
            "number": self.queue_number,
            "session": self.session,
            "patient": self.patient.name_for(user),
        }

    def get_status_display(self) -> str:  # type: ignore[no-redef]  # in place of the one that Django makes
        return label_of(self.Status, self.status)

    @property
    def is_active(self) -> bool:
        return not self.is_hidden and self.status != self.Status.CANCELLED


class Answer(ClinicalRecord):
    """One answer, and the question's wording as it was asked."""

    question: Any
    """The foreign key, of which kind the kind of answer decides."""

    asked_as = models.CharField(_("asked as"), max_length=250, blank=True, editable=False)

    class Meta:
        abstract = True

    def save(self, **kwargs: Any) -> None:
        if not self.asked_as:
            self.asked_as = self.question.shown_text
        super().save(**kwargs)


class LikertAnswer(Answer):
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="likert_answers")
    # Not indexed alone: the index that sorts by the answer begins with it.
    question = models.ForeignKey(LikertQuestion, on_delete=models.PROTECT, related_name="answers", db_index=False)
    score = models.PositiveSmallIntegerField(
        _("score"), validators=[MinValueValidator(LikertQuestion.LOWEST), MaxValueValidator(LikertQuestion.HIGHEST)]
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("scale answer")
        verbose_name_plural = _("scale answers")
        constraints = [
            models.UniqueConstraint(fields=["appointment", "question"], name="one_score_per_question"),
            models.CheckConstraint(condition=Q(score__gte=1, score__lte=7), name="score_on_the_scale"),
        ]
        indexes = [models.Index(fields=["question", "score", "appointment"], name="scores_in_order")]

    def __str__(self) -> str:
        return f"{self.asked_as} {self.score}"


class NumericAnswer(Answer):
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="numeric_answers")
    question = models.ForeignKey(NumericQuestion, on_delete=models.PROTECT, related_name="answers", db_index=False)
    value = models.DecimalField(_("value"), max_digits=10, decimal_places=2)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("number answer")
        verbose_name_plural = _("number answers")
        constraints = [models.UniqueConstraint(fields=["appointment", "question"], name="one_value_per_question")]
        indexes = [models.Index(fields=["question", "value", "appointment"], name="values_in_order")]

    def __str__(self) -> str:
        return f"{self.asked_as} {self.value}"

    def clean(self) -> None:
        if self.value is not None and self.question_id and not self.question.allows(self.value):
            raise ValidationError({"value": self.question.bounds_message()})


class IntakeRecord(models.Model):
    """A visible appointment and its answers as one flat row. Derived: intake.py writes it and can make it anew."""

    appointment = models.OneToOneField(
        Appointment, on_delete=models.CASCADE, related_name="intake", verbose_name=_("appointment")
    )
    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, related_name="intake_records", verbose_name=_("patient")
    )
    number = models.PositiveIntegerField(_("number"))
    date = models.DateField(_("day"))
    period = models.CharField(_("period"), max_length=10, choices=Period)
    # Not a positive field: a mistyped date of birth shows as an age below zero, and keeps nothing from being written.
    age = models.SmallIntegerField(_("age"))
    symptoms = models.TextField(_("symptoms"), blank=True)
    symptoms_in_chinese = models.TextField(
        _("symptoms in Chinese"), blank=True, help_text=_("Those that have no Chinese name by the one they have.")
    )
    answers = models.JSONField(
        _("answers"), default=dict, help_text=_("`likert_<question>` and `numeric_<question>` to the answer.")
    )
    rebuilt_at = models.DateTimeField(_("brought up to date"), auto_now=True)

    class Meta:
        verbose_name = _("intake record")
        verbose_name_plural = _("intake table")
        ordering = ["-date", "-appointment_id"]
        permissions = [("export_intakerecord", _("Can export the intake table"))]
        indexes = [models.Index(fields=["-date", "-appointment"], name="intake_by_day")]

    def __str__(self) -> str:
        return self.name_for(None)

    def name_for(self, user: Reader | None) -> str:
        return f"{date_format(self.date)} · {self.patient.name_for(user)}"
