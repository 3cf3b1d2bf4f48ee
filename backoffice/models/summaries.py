"""What a day was like, in numbers: one row a day, as it was told to the administrators."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.formats.days import day_told


class DailySummary(models.Model):
    """Made once, in the morning after, by jobs/daily.py."""

    day = models.DateField(_("day"), unique=True)
    sections = models.JSONField(_("what was counted"), default=list)
    made_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("daily summary")
        verbose_name_plural = _("daily summaries")
        ordering = ["-day"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return day_told(self.day)
