"""Two patient records that turned out to be one person."""

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.sealing.fields import SealedJSONField
from clinic.models.patients import Patient


class PatientMergeQuerySet(models.QuerySet):
    def standing(self) -> Self:
        """What has not been undone."""
        return self.filter(undone_at=None)


class PatientMerge(models.Model):
    """What clinic/merging.py did, so that it can be undone. Both records keep their histories."""

    kept = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges", verbose_name=_("kept"))
    merged = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merged_into", verbose_name=_("merged"))
    moved = models.JSONField(
        _("moved"), default=dict, help_text=_("`clinic.appointment.patient` to the keys of the rows.")
    )
    hidden = models.JSONField(_("copies hidden"), default=dict, help_text=_("`clinic.appointment` to the keys."))
    changed = SealedJSONField(
        _("taken over"),
        sealed_as="clinic.merge.changed",
        default=dict,
        help_text=_("Field to what was there, and is now."),
    )
    reason = models.CharField(_("reason"), max_length=100)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("merged by")
    )
    at = models.DateTimeField(_("merged at"), auto_now_add=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("undone by")
    )
    undone_at = models.DateTimeField(_("undone at"), null=True)

    objects = PatientMergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge of two patients")
        verbose_name_plural = _("merges of patients")
        default_permissions = ()
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.merged} → {self.kept}"
