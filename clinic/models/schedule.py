"""When patients can come: the usual hours, the exceptions, and the sessions made of both."""

import datetime
from typing import ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, pgettext
from simple_history.models import HistoricalRecords

from backoffice.formats.days import day_told
from backoffice.formats.lists import told_of
from backoffice.records.changes import record
from backoffice.records.labels import label_of
from backoffice.records.mixins import EXCHANGED, ClinicalRecord, HideableQuerySet
from backoffice.records.two_languages import InTwoLanguages, Shown, other_text


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


def check_hours(name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(opens_at__lt=F("closes_at")), name=name, violation_error_message=_("Closing comes after opening.")
    )


def refuse_overlap(row: "OpeningHours | ClinicSession", others: models.QuerySet) -> None:
    """Two periods of one day do not share an hour: nobody could say which of them is being served."""
    if row.opens_at is None or row.closes_at is None or not row.is_open:
        return
    others = others.exclude(pk=row.pk).exclude(period=row.period)
    if other := others.filter(opens_at__lt=row.closes_at, closes_at__gt=row.opens_at).first():
        raise ValidationError(
            _("This overlaps with %(other)s. Change the hours of one of them."), params={"other": other}, code="overlap"
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
        default_permissions = EXCHANGED
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

    def clean(self) -> None:
        super().clean()
        refuse_overlap(self, OpeningHours.objects.visible().filter(weekday=self.weekday, is_open=True))

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.get_period_display()} {self.opens_at:%H:%M}–{self.closes_at:%H:%M}"


class ClosureQuerySet(HideableQuerySet):
    def between(self, first: datetime.date, last: datetime.date) -> Self:
        return self.visible().filter(starts_on__lte=last, ends_on__gte=first)


class Closure(InTwoLanguages, ClinicalRecord):
    """Days (or one period of each) on which the clinic is closed, whatever the hours say."""

    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    period = models.CharField(
        _("period"), max_length=10, choices=Period, blank=True, help_text=_("Empty: the whole day.")
    )
    reason = models.CharField(_("reason"), max_length=120, help_text=_("Patients read this, such as “public holiday”."))
    reason_other = other_text(_("reason in the other language"), 120)

    objects: ClassVar = ClosureQuerySet.as_manager()
    history = HistoricalRecords()
    shown_reason = Shown("reason")

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

    def __str__(self) -> str:
        days = dict.fromkeys([self.starts_on, self.ends_on])
        return told_of(" – ".join(map(day_told, days)), self.shown_reason)

    def covers(self, day: datetime.date, period: str) -> bool:
        return self.starts_on <= day <= self.ends_on and self.period in ("", period)


class ClinicSessionQuerySet(HideableQuerySet):
    """Places are counted by conditional UPDATEs, never by counting rows.

    So the last place is not sold twice, whoever else is booking, on SQLite and PostgreSQL alike. Constraints in the
    database stand behind it. Only clinic.booking asks for a place; see there for what goes with one.
    """

    def take_place(self, *, overbook: bool = False) -> bool:
        """Count one more place as taken where the session is open and, unless `overbook`, has one left."""
        here = self.visible().filter(is_open=True)
        if not overbook:
            here = here.filter(booked__lt=F("capacity"))
        return bool(here.update(booked=F("booked") + 1, last_number=F("last_number") + 1, overbooked=_granted(1)))

    def take_back(self, places: int) -> None:
        """Count places as taken again, beyond capacity where they were given away meanwhile."""
        self.update(booked=F("booked") + places, overbooked=_granted(places))

    def free(self, places: int = 1) -> None:
        self.update(booked=F("booked") - places)


def _granted(places: int) -> Greatest:
    """What is beyond capacity with so many more booked; it stays granted when bookings go."""
    return Greatest(F("overbooked"), F("booked") + places - F("capacity"))


class ClinicSession(ClinicalRecord):
    """One period of one day: its places, how many are taken, and the number being served.

    `booked`, `last_number` and `current_number` change by conditional UPDATE only (clinic.booking), never by saving
    a row that was read before.
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

    objects: ClassVar = ClinicSessionQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["booked", "last_number", "current_number"])

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-date", "opens_at"]
        indexes = [models.Index(fields=["-date", "opens_at"], name="sessions_by_day")]
        constraints = [
            models.UniqueConstraint(fields=["date", "period"], name="one_session_per_day_and_period"),
            models.CheckConstraint(
                condition=Q(booked__lte=F("capacity") + F("overbooked")), name="never_booked_beyond_what_was_granted"
            ),
            check_hours("session_hours_in_order"),
        ]

    def clean(self) -> None:
        super().clean()
        refuse_overlap(self, ClinicSession.objects.visible().filter(date=self.date, is_open=True))

    def __str__(self) -> str:
        return f"{day_told(self.date)} {self.get_period_display()}"

    def get_period_display(self) -> str:  # type: ignore[no-redef]  # in place of the one that Django makes
        return label_of(Period, self.period)

    @property
    def in_full(self) -> str:
        """Which day and which part of it, as patients read it: Friday 27 November, morning."""
        return self._told("LONG_DAY_FORMAT")

    @property
    def in_short(self) -> str:
        """The same for lists and buttons: Fri 27 Nov, morning."""
        return self._told("SHORT_DAY_FORMAT")

    def _told(self, day_format: str) -> str:
        told = {"day": day_told(self.date, day_format), "period": self.get_period_display()}
        return pgettext("a day and the part of it that is booked", "%(day)s, %(period)s") % told

    @classmethod
    def parse(cls, slug: str) -> "ClinicSession":
        """What `slug` writes → a session that is not saved. Raises ValueError for anything else."""
        day, _slash, period = slug.partition("/")
        return cls(date=datetime.date.fromisoformat(day), period=Period(period))

    @property
    def slug(self) -> str:
        """What the booking form posts: `2026-11-23/morning`."""
        return f"{self.date.isoformat()}/{self.period}"

    @property
    def places_left(self) -> int:
        return max(0, self.capacity - self.booked) if self.is_open else 0

    def note_overbooking(self, by: AbstractBaseUser | None) -> None:
        """Where a place beyond capacity was given, the session's history says who gave it."""
        if self.booked > self.capacity:
            record(self, by, gettext_noop("Booked beyond capacity"))

    def has_ended(self, now: datetime.datetime | None = None) -> bool:
        now = timezone.localtime(now)
        return (self.date, self.closes_at) <= (now.date(), now.time())

    def is_running(self, now: datetime.datetime | None = None) -> bool:
        now = timezone.localtime(now)
        return self.date == now.date() and self.opens_at <= now.time() < self.closes_at
