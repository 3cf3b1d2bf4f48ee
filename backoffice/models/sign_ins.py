"""Who signed in, and who tried to: django-axes' rows under names that a reader understands."""

from axes.models import AccessFailureLog, AccessLog
from django.utils.translation import gettext_lazy as _


class SignIn(AccessLog):
    class Meta:
        proxy = True
        ordering = ["-attempt_time", "-pk"]
        verbose_name = _("sign-in")
        verbose_name_plural = _("sign-ins")


class FailedSignIn(AccessFailureLog):
    class Meta:
        proxy = True
        ordering = ["-attempt_time", "-pk"]
        verbose_name = _("failed sign-in")
        verbose_name_plural = _("failed sign-ins")
