"""How what runs by the clock ran last: django-q2 keeps the last thousand tasks, of which a nightly one is soon none."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ScheduledRun(models.Model):
    """The last run of one schedule, whoever began it: the clock, a nudge, or a person."""

    function = models.CharField(max_length=200, primary_key=True)
    began_at = models.DateTimeField(_("began"))
    began_before = models.DateTimeField(null=True)  # the run before that one
    ended_at = models.DateTimeField(_("ended"), null=True)  # None: under way, or its worker died
    succeeded_at = models.DateTimeField(_("succeeded"), null=True)
    error = models.TextField(_("error"), blank=True)  # of the last one that ended; blank where it did well

    class Meta:
        default_permissions = ()
        permissions = [("run_schedule", "Can run at once what runs by the clock")]

    def __str__(self) -> str:
        return self.function
