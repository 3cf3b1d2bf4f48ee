"""Who signed in, and who tried to: django-axes' rows under names that a reader understands."""

from axes.models import AccessFailureLog, AccessLog
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _


def _when(row: AccessLog | AccessFailureLog) -> str:
    return date_format(timezone.localtime(row.attempt_time), "DATETIME_FORMAT")


class SignIn(AccessLog):
    class Meta:
        proxy = True
        ordering = ["-attempt_time", "-pk"]
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")

    def __str__(self) -> str:
        return f"{self.username} · {_when(self)}"


class FailedSignIn(AccessFailureLog):
    class Meta:
        proxy = True
        ordering = ["-attempt_time", "-pk"]
        verbose_name = _("failed sign-in")
        verbose_name_plural = _("failed sign-ins")

    def __str__(self) -> str:
        return f"{self.username} · {_when(self)}"
