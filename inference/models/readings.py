"""What a clinician saw by themselves, before the models' answer was shown, and what they signed after it."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from backoffice.records.mixins import ClinicalRecord
from inference.models.diagnostic_models import Diagnosis
from inference.models.predictions import Prediction


class Reading(ClinicalRecord):
    """One clinician's reading of one case. Whether it was blind is kept with it, for the two are compared: what was
    read blind has an answer of its own from before the models' was shown, the other has none."""

    HANGS_ON = ("prediction",)

    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, related_name="readings", verbose_name=_("second opinion")
    )
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="readings", verbose_name=_("read by")
    )
    is_blind = models.BooleanField(_("read blind"), help_text=_("The models' answer was shown after the reader's own."))
    opened_at = models.DateTimeField(_("opened"))
    own_diagnosis = models.CharField(_("own diagnosis"), max_length=20, choices=Diagnosis, blank=True)
    own_confidence = models.FloatField(
        _("own confidence"), null=True, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)]
    )
    answered_at = models.DateTimeField(_("own answer given"), null=True)
    final_diagnosis = models.CharField(_("final diagnosis"), max_length=20, choices=Diagnosis, blank=True)
    signed_at = models.DateTimeField(_("signed at"), null=True)
    seconds = models.FloatField(
        _("seconds"), null=True, help_text=_("From opening the case to its signature, without what lay between.")
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        ordering = ["-opened_at", "-pk"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["prediction", "reader"], name="one_reading_of_a_case_per_reader")
        ]

    def __str__(self) -> str:
        return f"{self.reader} · {self.prediction_id}"
