"""The mails that must go out."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.live.versions import WatchedQuerySet
from backoffice.records.leases import LeasedJob, LeasedJobQuerySet


class MailQuerySet(LeasedJobQuerySet, WatchedQuerySet):  # type: ignore[override]  # the plugin knows one base's manager
    def waiting(self) -> Self:
        """What has not been sent and has not been given up."""
        return self.filter(sent_at=None, attempts__lt=Mail.MAX_ATTEMPTS)

    def given_up(self) -> Self:
        """What was refused so often that a person has to look."""
        return self.filter(sent_at=None, attempts__gte=Mail.MAX_ATTEMPTS)

    def still_to_come(self, about: str) -> Self:
        """What tells of the same thing, and no worker has taken yet."""
        return self.filter(about=about, sent_at=None, attempts=0, lease_token="")

    def sent(self) -> Self:
        return self.exclude(sent_at=None)

    def due(self) -> Self:
        return self.waiting().free().order_by("pk")


class Mail(LeasedJob):
    """A mail that must go out, written in the transaction of the change that it tells of. jobs/mail.py sends it."""

    MAX_ATTEMPTS = 10  # refused for 17 hours: somebody has to look

    to = models.EmailField(_("to"))
    about = models.CharField(max_length=60, blank=True, editable=False)
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"), blank=True, help_text=_("Forgotten once it is sent: it holds a private link."))
    written_at = models.DateTimeField(_("written"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    error = models.CharField(_("what went wrong"), max_length=200, blank=True)

    objects: ClassVar = MailQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["lease_until"], condition=Q(sent_at=None), name="mails_to_send")]

    def __str__(self) -> str:
        return self.subject

    @property
    def is_given_up(self) -> bool:
        return self.sent_at is None and self.attempts >= self.MAX_ATTEMPTS
