"""Whether the models still answer as they did: what they said of fixed pictures, and each morning's comparison."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from backoffice.live.versions import WatchedQuerySet
from inference.models.diagnostic_models import DiagnosticModel


class MorningBaseline(models.Model):
    """What one model said of the fixed pictures on one device: the newest row of both counts, first of all one of the
    same machine (`host`). None is ever changed."""

    class Because(models.TextChoices):
        FIRST = "first", _("the first answers of this model here")
        CHANGED_HERE = "changed_here", _("the model was changed in the admin, or by a command that keeps its history")
        TUNED = "tuned", _("it is computed in another way, after tuning")
        ACCEPTED = "accepted", _("accepted by a person")

    model = models.ForeignKey(DiagnosticModel, on_delete=models.PROTECT, related_name="+", verbose_name=_("model"))
    # That set it; blank: from before it was kept.
    host = models.CharField(_("machine"), max_length=80, blank=True, db_default="")
    place = models.CharField(_("device"), max_length=200)
    key = models.CharField(max_length=16)  # of the weights, and of how they are read: nn/tuning.py
    way = models.CharField(_("way"), max_length=40)
    machine = models.JSONField(_("libraries"))
    pictures = models.CharField(max_length=64)  # SHA-256 of the fixed pictures
    answers = models.JSONField()  # a probability for each picture and label; JSON keeps every bit of them
    because = models.CharField(_("because"), max_length=12, choices=Because)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    set_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("set by")
    )
    set_at = models.DateTimeField(_("set"), auto_now_add=True)

    objects: ClassVar = WatchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("baseline of the morning check")
        verbose_name_plural = _("baselines of the morning check")
        ordering = ["-pk"]
        default_permissions = ()
        indexes = [models.Index(fields=["model", "place", "-id"], name="baseline_newest_first")]

    def __str__(self) -> str:
        return f"{self.model} · {self.place}"


class MorningCheck(models.Model):
    """One comparison on one device. `found` has a line for each model, as registry/morning.py writes it."""

    class Outcome(models.TextChoices):
        SAME = "same", _("as before, bit for bit")
        NOTED = "noted", _("as before within the tolerance, and something has changed")
        CHANGED = "changed", _("not as before")

    at = models.DateTimeField(_("checked"), default=timezone.now)
    host = models.CharField(_("machine"), max_length=80, blank=True, db_default="")  # blank: from before it was kept
    place = models.CharField(_("device"), max_length=200)
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome)
    found = models.JSONField(default=list)
    seconds = models.FloatField(_("seconds"), default=0)

    objects: ClassVar = WatchedQuerySet.as_manager()

    class Meta:
        verbose_name = _("morning check")
        verbose_name_plural = _("morning checks")
        ordering = ["-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return date_format(timezone.localtime(self.at), "DATETIME_FORMAT")
