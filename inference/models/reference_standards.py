"""What a film is known to show from elsewhere: neither the models nor who signed said so."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.readers import Reader
from backoffice.records.mixins import ClinicalRecord, HideableQuerySet
from imaging.models import XRayImage
from inference.models.diagnostic_models import Diagnosis


class ReferenceStandard(ClinicalRecord):
    """What is known of one film, by what, and since when. It is what answers and signatures are measured by."""

    class Source(models.TextChoices):
        FOLLOW_UP = "follow_up", _("a later film, or the course")
        SECOND_READER = "second_reader", _("a second reader")
        LABORATORY = "laboratory", _("a laboratory test")
        OTHER_IMAGING = "other_imaging", _("CT or other imaging")
        PATHOLOGY = "pathology", _("pathology")

    HANGS_ON = ("xray",)

    xray = models.ForeignKey(
        XRayImage, on_delete=models.PROTECT, related_name="reference_standards", verbose_name=_("X-ray")
    )
    diagnosis = models.CharField(_("diagnosis"), max_length=20, choices=Diagnosis)
    source = models.CharField(_("known by"), max_length=16, choices=Source)
    known_on = models.DateField(_("known since"))
    notes = models.TextField(_("notes"), blank=True)
    stated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("entered by"),
    )

    objects: ClassVar = HideableQuerySet.as_manager()
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("reference standard")
        verbose_name_plural = _("reference standards")
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["-created_at", "-id"], name="reference_newest_first")]
        constraints = [
            models.UniqueConstraint(
                fields=["xray"],
                condition=Q(hidden_at=None),
                name="one_reference_standard_per_film",
                violation_error_message=_("What this film shows is entered already. Open that, and change it."),
            )
        ]

    def __str__(self) -> str:
        return self.name_for(None)

    def name_for(self, user: Reader | None) -> str:
        """Without what is known, as a second opinion's name is: see Prediction.name_for."""
        return f"{self.xray.name_for(user)} · {self._meta.verbose_name}"
