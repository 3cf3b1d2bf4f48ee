"""What the clinic says about an X-ray."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.readers import Reader
from backoffice.records.mixins import ClinicalRecord
from backoffice.web.media import RandomName
from inference.models.predictions import Prediction


class Report(ClinicalRecord):
    """What the clinic says about an X-ray: drafted from a signed prediction, then published."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("draft")
        PUBLISHED = "published", _("published")

    HANGS_ON = ("prediction",)

    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, related_name="reports", verbose_name=_("second opinion")
    )
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT, editable=False)
    body = models.TextField(_("text"))
    pdf = models.FileField(_("PDF"), upload_to=RandomName("reports"), blank=True, editable=False)
    generated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="reports",
        verbose_name=_("written by"),
    )
    published_at = models.DateTimeField(_("published at"), null=True, editable=False)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="report_newest_first")]
        constraints = [
            models.UniqueConstraint(fields=["prediction", "version"], name="one_report_per_version"),
            models.CheckConstraint(
                condition=Q(status="draft") | Q(published_at__isnull=False), name="published_means_a_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name_for(None)

    def take_next_version(self) -> None:
        """Number a new report after all that there are. In the transaction that saves it: who writes another one about
        the same answer at this moment waits for its end."""
        Prediction.objects.select_for_update(of=("self",), no_key=True).get(pk=self.prediction_id)
        newest = Report.objects.filter(prediction=self.prediction_id).aggregate(newest=models.Max("version"))["newest"]
        self.version = (newest or 0) + 1

    def name_for(self, user: Reader | None) -> str:
        return f"{self.prediction.name_for(user)} · {self.version}"
