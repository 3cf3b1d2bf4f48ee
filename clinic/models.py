"""Patients, the hours they can come, the visits they book, and what they answered.

Counting places and moving an appointment from one status to the next happens in booking.py and nowhere else.
"""

import datetime
import secrets
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.mixins import ClinicalRecord, HideableQuerySet
from clinic.identity import validate_national_id


class Period(models.TextChoices):
    """Declared in the order of the day: `Period.values.index` sorts by it."""

    MORNING = "morning", _("morning")
    AFTERNOON = "afternoon", _("afternoon")
    EVENING = "evening", _("evening")


class Weekday(models.IntegerChoices):
    """Numbered as `date.weekday()` numbers them."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


# -- People -----------------------------------------------------------------------------------------------------------


class Patient(ClinicalRecord):
    class Sex(models.TextChoices):
        FEMALE = "female", _("female")
        MALE = "male", _("male")
        OTHER = "other", _("other")

    full_name = models.CharField(_("full name"), max_length=120)
    date_of_birth = models.DateField(_("date of birth"))
    sex = models.CharField(_("sex"), max_length=6, choices=Sex)
    national_id = models.CharField(
        _("national ID"),
        max_length=20,
        blank=True,
        validators=[validate_national_id],
        help_text=_("Such as A123456789."),
    )
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    email = models.EmailField(_("email"), blank=True)
    notes = models.TextField(_("notes"), blank=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["full_name", "pk"]
        indexes = [
            models.Index(fields=["full_name", "id"], name="patient_by_name"),
            models.Index(fields=["national_id"], name="patient_by_national_id"),
        ]
        constraints = [
            # A walk-in may have none; a hidden record (one of two that were the same person) keeps its own.
            models.UniqueConstraint(
                fields=["national_id"],
                condition=~Q(national_id="") & Q(hidden_at=None),
                name="one_visible_patient_per_national_id",
                violation_error_message=_("Another patient already has this national ID."),
            )
        ]

    def __str__(self):
        return self.full_name

    def age_on(self, day: datetime.date) -> int:
        """Whole years lived on that day."""
        born = self.date_of_birth
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    @property
    def age(self) -> int:
        return self.age_on(timezone.localdate())


class Symptom(ClinicalRecord):
    name = models.CharField(_("name"), max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("offered"), default=True, help_text=_("Old records keep it either way."))

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("symptom")
        verbose_name_plural = _("symptoms")
        ordering = ["position", "name"]

    def __str__(self):
        return self.name


# -- The survey -------------------------------------------------------------------------------------------------------


class QuestionQuerySet(HideableQuerySet):
    def asked(self):
        """What the survey asks today, in its order."""
        return self.visible().filter(is_active=True)


class Question(ClinicalRecord):
    text = models.CharField(_("question"), max_length=250)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("asked"), default=True, help_text=_("Past answers stay either way."))
    is_required = models.BooleanField(_("required"), default=True)

    objects = QuestionQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["position", "pk"]

    def __str__(self):
        return self.text


class LikertQuestion(Question):
    """Answered on a scale from LOWEST to HIGHEST, with a label at both ends."""

    LOWEST, HIGHEST = 1, 7

    min_label = models.CharField(_("label at 1"), max_length=60)
    max_label = models.CharField(_("label at 7"), max_length=60)

    history = HistoricalRecords()

    class Meta(Question.Meta):
        verbose_name = _("scale question")
        verbose_name_plural = _("scale questions")


class NumericQuestion(Question):
    """Answered with a number in a unit, perhaps within bounds."""

    unit = models.CharField(_("unit"), max_length=30, blank=True)
    minimum = models.DecimalField(_("smallest answer"), max_digits=10, decimal_places=2, null=True, blank=True)
    maximum = models.DecimalField(_("largest answer"), max_digits=10, decimal_places=2, null=True, blank=True)

    history = HistoricalRecords()

    class Meta(Question.Meta):
        verbose_name = _("number question")
        verbose_name_plural = _("number questions")
        constraints = [
            models.CheckConstraint(
                condition=Q(minimum=None) | Q(maximum=None) | Q(minimum__lte=F("maximum")),
                name="numeric_bounds_in_order",
                violation_error_message=_("The smallest answer must not be above the largest."),
            )
        ]

    def allows(self, value: Decimal) -> bool:
        return (self.minimum is None or self.minimum <= value) and (self.maximum is None or value <= self.maximum)

    def bounds_message(self) -> str:
        """What to tell somebody whose answer is not allowed."""
        if self.minimum is None:
            return _("The answer must be %(maximum)s or less.") % {"maximum": self.maximum}
        if self.maximum is None:
            return _("The answer must be %(minimum)s or more.") % {"minimum": self.minimum}
        return _("The answer must be from %(minimum)s to %(maximum)s.") % {
            "minimum": self.minimum,
            "maximum": self.maximum,
        }


# -- When patients can come -------------------------------------------------------------------------------------------


def check_hours(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(opens_at__lt=F("closes_at")), name=name, violation_error_message=_("Closing comes after opening.")
    )


class OpeningHours(ClinicalRecord):
    """What a period of a weekday usually offers."""

    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday)
    period = models.CharField(_("period"), max_length=10, choices=Period)
    opens_at = models.TimeField(_("opens"))
    closes_at = models.TimeField(_("closes"))
    capacity = models.PositiveSmallIntegerField(_("places"), validators=[MaxValueValidator(1000)])
    is_open = models.BooleanField(_("open"), default=True)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("opening hours")
        verbose_name_plural = _("opening hours")
        ordering = ["weekday", "opens_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["weekday", "period"],
                condition=Q(hidden_at=None),
                name="one_row_per_weekday_and_period",
                violation_error_message=_("This weekday already has hours for this period: change those."),
            ),
            check_hours("opening_hours_in_order"),
        ]

    def __str__(self):
        return f"{self.get_weekday_display()} {self.get_period_display()} {self.opens_at:%H:%M}–{self.closes_at:%H:%M}"


class ClosureQuerySet(HideableQuerySet):
    def between(self, first: datetime.date, last: datetime.date):
        return self.visible().filter(starts_on__lte=last, ends_on__gte=first)


class Closure(ClinicalRecord):
    """Days (or one period of each) on which the clinic is closed, whatever the hours say."""

    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    period = models.CharField(
        _("period"), max_length=10, choices=Period, blank=True, help_text=_("Empty: the whole day.")
    )
    reason = models.CharField(_("reason"), max_length=120, help_text=_("Patients read this, such as “public holiday”."))

    objects = ClosureQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["-starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__lte=F("ends_on")),
                name="closure_days_in_order",
                violation_error_message=_("The last day comes after the first."),
            )
        ]

    def __str__(self):
        return f"{self.starts_on} – {self.ends_on}: {self.reason}"

    def covers(self, day: datetime.date, period: str) -> bool:
        return self.starts_on <= day <= self.ends_on and self.period in ("", period)


class ClinicSession(ClinicalRecord):
    """One period of one day: its places, how many are taken, and the number being served.

    `booked`, `last_number` and `current_number` change by conditional UPDATE only (booking.py), never by saving a row
    that was read before.
    """

    date = models.DateField(_("day"))
    period = models.CharField(_("period"), max_length=10, choices=Period)
    opens_at = models.TimeField(_("opens"))
    closes_at = models.TimeField(_("closes"))
    capacity = models.PositiveSmallIntegerField(_("places"))
    booked = models.PositiveSmallIntegerField(_("booked"), default=0, editable=False)
    overbooked = models.PositiveSmallIntegerField(
        _("places beyond capacity"),
        default=0,
        editable=False,
        help_text=_("Given on purpose by staff, or left over when the places were lowered."),
    )
    last_number = models.PositiveIntegerField(_("last number given"), default=0, editable=False)
    current_number = models.PositiveIntegerField(_("now serving"), default=0, editable=False)
    is_open = models.BooleanField(_("open"), default=True)
    set_by_hand = models.BooleanField(
        _("set by hand"), default=False, help_text=_("No longer follows the opening hours and closures.")
    )

    history = HistoricalRecords(excluded_fields=["booked", "last_number", "current_number"])

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-date", "opens_at"]
        constraints = [
            models.UniqueConstraint(fields=["date", "period"], name="one_session_per_day_and_period"),
            models.CheckConstraint(
                condition=Q(booked__lte=F("capacity") + F("overbooked")), name="never_booked_beyond_what_was_granted"
            ),
            check_hours("session_hours_in_order"),
        ]

    def __str__(self):
        return f"{self.date} {self.get_period_display()}"

    @property
    def slug(self) -> str:
        """What the booking form posts: `2026-11-23/morning`."""
        return f"{self.date.isoformat()}/{self.period}"

    @property
    def places_left(self) -> int:
        return max(0, self.capacity - self.booked) if self.is_open else 0

    def has_ended(self, now=None) -> bool:
        now = timezone.localtime(now)
        return (self.date, self.closes_at) <= (now.date(), now.time())

    def is_running(self, now=None) -> bool:
        now = timezone.localtime(now)
        return self.date == now.date() and self.opens_at <= now.time() < self.closes_at


# -- Visits -----------------------------------------------------------------------------------------------------------


def new_reference() -> str:
    """32 URL-safe random characters (192 bits): whoever knows it may see and change the booking."""
    return secrets.token_urlsafe(24)


class AppointmentQuerySet(HideableQuerySet):
    def active(self):
        """What holds a place: everything visible that is not cancelled."""
        return self.visible().exclude(status=Appointment.Status.CANCELLED)

    def waiting(self):
        """Who is here and has not been called, in the order of their numbers."""
        return self.visible().filter(status=Appointment.Status.CHECKED_IN).order_by("queue_number")

    def hide(self, *, by, reason: str = "") -> int:
        """Hide; a hidden appointment holds no place."""
        from clinic import booking

        return booking.hide(self, by=by, reason=reason)

    def restore(self, *, by, reason: str = "") -> int:
        """Bring back; it takes its place again, beyond capacity where that was given away meanwhile."""
        from clinic import booking

        return booking.restore(self, by=by, reason=reason)


class Appointment(ClinicalRecord):
    class Status(models.TextChoices):
        BOOKED = "booked", _("booked")
        CHECKED_IN = "checked_in", _("here")
        CALLED = "called", _("called")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")
        NO_SHOW = "no_show", _("did not come")

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
        help_text=_("The name or date of birth given with this booking is not the one on file for the national ID."),
    )
    claimed = models.JSONField(
        _("as given with the booking"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_("Only what differs from the file."),
    )
    called_at = models.DateTimeField(_("called at"), null=True, blank=True, editable=False)
    notes = models.TextField(_("notes"), blank=True)

    objects = AppointmentQuerySet.as_manager()
    history = HistoricalRecords(m2m_fields=[symptoms])

    class Meta:
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
        indexes = [models.Index(fields=["session", "status", "queue_number"], name="queue_of_a_session")]

    def __str__(self):
        return _("%(number)s · %(session)s · %(patient)s") % {
            "number": self.queue_number,
            "session": self.session,
            "patient": self.patient,
        }

    @property
    def is_active(self) -> bool:
        return not self.is_hidden and self.status != self.Status.CANCELLED


class Answer(ClinicalRecord):
    """One answer, and the question's wording as it was asked."""

    asked_as = models.CharField(_("asked as"), max_length=250, blank=True, editable=False)

    class Meta:
        abstract = True

    def save(self, **kwargs):
        if not self.asked_as:
            self.asked_as = self.question.text
        super().save(**kwargs)


class LikertAnswer(Answer):
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="likert_answers")
    question = models.ForeignKey(LikertQuestion, on_delete=models.PROTECT, related_name="answers")
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

    def __str__(self):
        return f"{self.asked_as} {self.score}"


class NumericAnswer(Answer):
    appointment = models.ForeignKey(Appointment, on_delete=models.PROTECT, related_name="numeric_answers")
    question = models.ForeignKey(NumericQuestion, on_delete=models.PROTECT, related_name="answers")
    value = models.DecimalField(_("value"), max_digits=10, decimal_places=2)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("number answer")
        verbose_name_plural = _("number answers")
        constraints = [models.UniqueConstraint(fields=["appointment", "question"], name="one_value_per_question")]

    def __str__(self):
        return f"{self.asked_as} {self.value}"

    def clean(self):
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
    date = models.DateField(_("day"))
    period = models.CharField(_("period"), max_length=10, choices=Period)
    age = models.PositiveSmallIntegerField(_("age"))
    symptoms = models.TextField(_("symptoms"), blank=True)
    answers = models.JSONField(
        _("answers"), default=dict, help_text=_("`likert_<question>` and `numeric_<question>` to the answer.")
    )
    rebuilt_at = models.DateTimeField(_("brought up to date"), auto_now=True)

    class Meta:
        verbose_name = _("intake record")
        verbose_name_plural = _("intake table")
        ordering = ["-date", "-appointment_id"]
        indexes = [models.Index(fields=["-date", "-appointment"], name="intake_by_day")]

    def __str__(self):
        return f"{self.date} {self.patient}"
