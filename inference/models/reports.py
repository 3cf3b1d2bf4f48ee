"""What the clinic says about an X-ray, and what keeps it beyond its time."""

import secrets
from typing import Any, ClassVar, Self

from django.conf import settings
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.readers import Reader
from backoffice.records.mixins import ClinicalRecord, HideableQuerySet
from backoffice.web.media import RandomName
from clinic.models import Patient
from inference.models.predictions import Prediction

LONGEST_BODY = 20_000  # characters: some ten pages
BECAUSE_LENGTH = 200


class PublishedError(Exception):
    """Somebody's code tries to change what patients have been given. Database and code both refuse: see
    reports/unchangeable.py."""

    def __init__(self) -> None:
        super().__init__("What is published never changes: amend it by a new version, or withdraw it.")


def new_key() -> str:
    """32 URL-safe random characters: the part of its address that nobody can guess."""
    return secrets.token_urlsafe(24)


def clinics_language() -> str:
    return settings.LANGUAGE_CODE


class ReportQuerySet(HideableQuerySet):
    def published(self) -> Self:
        """What patients have been given, also what was withdrawn since."""
        return self.filter(status=Report.Status.PUBLISHED)

    def standing(self) -> Self:
        """What is published and not withdrawn."""
        return self.published().filter(withdrawn_at=None)


class Report(ClinicalRecord):
    """What the clinic says about an X-ray: drafted from a signed prediction, then published. An amendment is a new
    version; both stay."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")

    HANGS_ON = ("prediction",)
    FIXED = (
        "prediction_id", "version", "status", "body", "pdf", "generated_by_id", "published_at", "language",
        "shows_film", "amendment", "key", "sha256", "text_sha256",
    )  # fmt: skip
    """The columns that never change once it is published."""

    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, related_name="reports", verbose_name=_("second opinion")
    )
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default=clinics_language)
    body = models.TextField(_("text"), validators=[MaxLengthValidator(LONGEST_BODY)])
    shows_film = models.BooleanField(_("shows the film"), default=True, help_text=_("As a small picture."))
    amendment = models.CharField(
        _("what is amended, and why"),
        max_length=BECAUSE_LENGTH,
        blank=True,
        help_text=_("It stands in the report, for who has read the earlier version."),
    )
    pdf = models.FileField(_("PDF"), upload_to=RandomName("reports"), blank=True, editable=False)
    sha256 = models.CharField(_("SHA-256 of the PDF"), max_length=64, blank=True, editable=False)
    text_sha256 = models.CharField(_("SHA-256 of its text"), max_length=64, blank=True, editable=False)
    key = models.CharField(_("key of its address"), max_length=43, unique=True, default=new_key, editable=False)
    generated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="reports",
        verbose_name=_("written by"),
    )
    published_at = models.DateTimeField(_("published at"), null=True, editable=False)
    # Whom it was published for. A film that turns out to be another's takes its reports along, and not whose they were.
    patient = models.ForeignKey(
        Patient,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="reports",
        verbose_name=_("patient"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, editable=False)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("withdrawn by"),
    )
    withdrawn_because = models.CharField(
        _("why it was withdrawn"), max_length=BECAUSE_LENGTH, blank=True, editable=False
    )

    objects: ClassVar = ReportQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["key"])

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-created_at", "-pk"]
        default_permissions = ("add", "change", "delete", "view", "export")
        permissions = [("publish_report", "Can write, publish and withdraw a report")]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="report_newest_first"),
            models.Index(fields=["published_at", "id"], name="report_by_publication"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["prediction", "version"], name="one_report_per_version"),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False), name="published_means_a_time"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None) | (Q(status="published") & ~Q(withdrawn_because="")),
                name="withdrawn_means_published_and_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.name_for(None)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            published = Report.objects.published().filter(pk=self.pk).values(*self.FIXED).first()
            if published and any(str(getattr(self, name)) != str(value) for name, value in published.items()):
                raise PublishedError
        super().save(*args, **kwargs)

    def take_next_version(self) -> None:
        """Number a new report after all that there are. In the transaction that saves it: who writes another one about
        the same answer at this moment waits for its end."""
        Prediction.objects.select_for_update(of=("self",), no_key=True).get(pk=self.prediction_id)
        newest = Report.objects.filter(prediction=self.prediction_id).aggregate(newest=models.Max("version"))["newest"]
        self.version = (newest or 0) + 1

    def name_for(self, user: Reader | None) -> str:
        return f"{self.prediction.name_for(user)} · {self.version}"

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED

    @property
    def is_withdrawn(self) -> bool:
        return self.withdrawn_at is not None

    @property
    def newest_published(self) -> "Report | None":
        """Of all versions about the same answer, the last that was given to the patient, withdrawn or not."""
        return Report.objects.published().filter(prediction=self.prediction_id).order_by("-version").first()

    @property
    def amended_by(self) -> "Report | None":
        """The newest version that took the place of this one."""
        newest = self.newest_published
        return newest if newest and newest.version > self.version else None


def has_published(prediction: Prediction) -> bool:
    """Whether patients were given what this signature says: it is not undone any more, only amended or withdrawn."""
    return Report.objects.standing().filter(prediction=prediction).exists()


class Hold(ClinicalRecord):
    """Keeps a report, or all of a patient's, beyond its time: a complaint, a court, an insurer. Hiding it lifts it."""

    patient = models.ForeignKey(
        Patient,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="holds",
        verbose_name=_("patient"),
        help_text=_("All reports about this patient are kept."),
    )
    report = models.ForeignKey(
        Report,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="holds",
        verbose_name=_("report"),
        help_text=_("This report alone is kept."),
    )
    reason = models.CharField(_("reason"), max_length=BECAUSE_LENGTH)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(patient=None, report__isnull=False) | Q(patient__isnull=False, report=None),
                name="a_hold_is_on_one_thing",
                violation_error_message=_("Name either a patient or a report."),
            )
        ]

    def __str__(self) -> str:
        return self.reason
