"""Patients, and what brings them here."""

import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.readers import Reader
from backoffice.records.indexes import SearchIndex, hidden_only
from backoffice.records.mixins import EXCHANGED, ClinicalRecord
from backoffice.records.two_languages import InTwoLanguages, Shown, other_text
from backoffice.sealing.fields import IndexOf, SealedCharField, SealedOnce
from clinic.identity import validate_national_id
from clinic.phones import normalise_phone, phone_key_of
from clinic.spelling import normalise_name

OLDEST = 130  # years; nobody on record was older


def born_within_living_memory(day: datetime.date) -> None:
    today = timezone.localdate()
    if day > today:
        raise ValidationError(_("This day is still to come: check the year."))
    if today.year - day.year > OLDEST:
        raise ValidationError(_("This is more than %(years)d years ago: check the year."), params={"years": OLDEST})


def may_name_hidden(user: Reader | None) -> bool:
    """Whether this person reads a hidden patient's name where visits and films are listed."""
    return user is not None and user.has_perm("clinic.name_hidden_patient")


def shown_name(full_name: str, is_hidden: bool, *, may_be_named: bool) -> str:
    """A patient's name as a list shows it. The visit of a hidden patient still holds its place, and names nobody."""
    if not is_hidden:
        return full_name
    return gettext("%(name)s (hidden)") % {"name": full_name} if may_be_named else gettext("hidden patient")


class Patient(ClinicalRecord):
    class Sex(models.TextChoices):
        FEMALE = "female", _("female")
        MALE = "male", _("male")
        OTHER = "other", _("other")

    full_name = models.CharField(_("full name"), max_length=120)
    date_of_birth = models.DateField(_("date of birth"))
    sex = models.CharField(_("sex"), max_length=6, choices=Sex)
    national_id = SealedCharField(
        _("national ID"),
        sealed_as="clinic.patient.national_id",
        max_length=20,
        blank=True,
        validators=[validate_national_id],
        help_text=_("Such as A123456789."),
    )
    phone = models.CharField(_("phone"), max_length=30, blank=True)
    phone_key = models.GeneratedField(
        expression=phone_key_of("phone"), output_field=models.CharField(max_length=30), db_persist=True
    )  # what a search for a number compares
    email = models.EmailField(_("email"), blank=True)
    notes = models.TextField(_("notes"), blank=True)

    spellings = {"full_name": normalise_name, "phone": normalise_phone}
    history = HistoricalRecords(excluded_fields=["phone_key"])

    class Meta:
        default_permissions = EXCHANGED
        verbose_name = _("patient")
        verbose_name_plural = _("patients")
        ordering = ["full_name", "pk"]
        permissions = [
            ("reveal_national_id", "Can read a national ID, which is noted"),
            ("merge_patient", "Can merge two records of one person"),
            ("name_hidden_patient", "Can read a hidden patient's name in lists"),
        ]
        indexes = [
            models.Index(fields=["full_name", "id"], name="patient_by_name"),
            models.Index(IndexOf("national_id"), name="patient_by_national_id"),
            models.Index(fields=["date_of_birth", "id"], name="patient_by_age"),
            hidden_only("full_name", "id", name="patient_hidden"),
            SearchIndex(Upper("full_name"), name="patient_search_name"),
            SearchIndex(Upper("phone_key"), name="patient_search_phone"),
            SearchIndex(Upper("email"), name="patient_search_email"),
        ]
        constraints = [
            # A walk-in may have none; a hidden record (one of two that were the same person) keeps its own.
            *(
                SealedOnce(
                    field="national_id",
                    by_guard=by_guard,
                    condition=~Q(national_id="") & Q(hidden_at=None),
                    name=name,
                    violation_error_message=_("Another patient already has this national ID."),
                )
                for name, by_guard in [
                    ("one_visible_patient_per_national_id", False),
                    ("one_visible_patient_as_guarded", True),
                ]
            )
        ]

    def __str__(self) -> str:
        return self.full_name

    def name_for(self, user: Reader | None) -> str:
        """As other records' lists and pages name the patient; `user` is None where anybody may read it."""
        return shown_name(self.full_name, self.is_hidden, may_be_named=may_name_hidden(user))

    def clean(self) -> None:
        super().clean()
        if self.date_of_birth:
            try:
                born_within_living_memory(self.date_of_birth)
            except ValidationError as error:
                raise ValidationError({"date_of_birth": error}) from None

    def age_on(self, day: datetime.date) -> int:
        """Whole years lived on that day."""
        born = self.date_of_birth
        return day.year - born.year - ((day.month, day.day) < (born.month, born.day))

    @property
    def age(self) -> int:
        return self.age_on(timezone.localdate())


class Symptom(InTwoLanguages, ClinicalRecord):
    name = models.CharField(_("name"), max_length=80, unique=True)
    name_other = other_text(_("name in the other language"), 80)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("offered"), default=True, help_text=_("Old records keep it either way."))

    history = HistoricalRecords()
    shown_name = Shown("name")

    class Meta:
        default_permissions = EXCHANGED
        verbose_name = _("symptom")
        verbose_name_plural = _("symptoms")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.shown_name
