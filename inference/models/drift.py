"""Whether films and answers still look as they did: what is kept of each film, of what period, and each week's look."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from backoffice.live.versions import WatchedQuerySet
from inference.models.predictions import Prediction


class Embedding(models.Model):
    """How an answered film looks, in few numbers (nn/embedding.py). Nothing points back from an answer: no page, list
    or history comes by it. What is hidden is left out where it is read, through its answer."""

    MADE_BY = 1  # goes up with every change of what the numbers are: only like is compared with like
    DTYPE = "<f2"

    prediction = models.OneToOneField(Prediction, on_delete=models.PROTECT, related_name="+")
    made_by = models.PositiveSmallIntegerField()
    numbers = models.BinaryField()  # of DTYPE

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.prediction_id)


class DriftReference(models.Model):
    """The period that others are compared with: the newest row counts, and none is changed afterwards."""

    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    films = models.PositiveIntegerField(_("films"))
    reason = models.CharField(_("reason"), max_length=200)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("set by")
    )
    set_at = models.DateTimeField(_("set"), auto_now_add=True)

    objects: ClassVar = WatchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("reference period")
        verbose_name_plural = _("reference periods")
        ordering = ["-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return date_format(timezone.localtime(self.ends_at), "DATETIME_FORMAT")


class DriftCheck(models.Model):
    """One look at the newest films beside the reference period. `channels` are as shifts.py found them."""

    at = models.DateTimeField(_("looked"), default=timezone.now)
    reference = models.ForeignKey(DriftReference, on_delete=models.PROTECT, related_name="checks")
    films = models.PositiveIntegerField(_("films"))
    channels = models.JSONField(default=list)
    models_changed = models.JSONField(default=list)  # [name, version then, version now] of those that vote otherwise
    is_drifting = models.BooleanField(_("something drifts"), default=False)

    objects: ClassVar = WatchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("drift check")
        verbose_name_plural = _("drift checks")
        ordering = ["-pk"]
        default_permissions = ()
        permissions = [("watch_figures", "Can watch how good the models are")]

    def __str__(self) -> str:
        return date_format(timezone.localtime(self.at), "DATETIME_FORMAT")
