"""The people who work here, the trail of what they looked at, and the mails that must go out."""

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class User(AbstractUser):
    """Somebody who works in the clinic. What they may do comes from their roles: see roles.py."""

    history = HistoricalRecords(excluded_fields=["password", "last_login"])

    class Meta(AbstractUser.Meta):
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self):
        return self.get_full_name() or self.username


class AccessEventQuerySet(models.QuerySet):
    def record(self, request, action: str, obj) -> "AccessEvent":
        """Note that this request's user did `action` to `obj`: one INSERT."""
        return self.create(
            user=request.user,
            action=action,
            content_type=ContentType.objects.get_for_model(obj),
            object_id=obj.pk,
            request_id=request.id,
        )


class AccessEvent(models.Model):
    """Reading is audited, not only writing: who opened whose record, who downloaded what. Never changed, never deleted
    by a person."""

    class Action(models.TextChoices):
        VIEW = "view", _("viewed")
        HISTORY = "history", _("viewed the history")
        PICTURE = "picture", _("viewed the picture")
        DOWNLOAD = "download", _("downloaded")
        EXPORT = "export", _("exported")
        REVEAL = "reveal", _("revealed the national ID")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_events", verbose_name=_("person")
    )
    action = models.CharField(_("what"), max_length=16, choices=Action)
    content_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, verbose_name=_("kind of record"))
    object_id = models.PositiveBigIntegerField(_("record"), null=True, blank=True)
    target = GenericForeignKey("content_type", "object_id")
    request_id = models.CharField(_("request"), max_length=64)
    at = models.DateTimeField(_("when"), auto_now_add=True, db_index=True)

    objects = AccessEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("access event")
        verbose_name_plural = _("access trail")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["content_type", "object_id"], name="access_of_a_record")]

    def __str__(self):
        return f"{self.user} {self.get_action_display()} {self.content_type} {self.object_id}"


class NoticeQuerySet(models.QuerySet):
    def waiting(self):
        """What has not been sent and has not been given up."""
        return self.filter(sent_at=None, attempts__lt=Notice.MAX_ATTEMPTS)

    def due(self):
        return self.waiting().filter(try_after__lte=timezone.now()).order_by("pk")


class Notice(models.Model):
    """A mail that must go out, written in the transaction of the change that it tells of. outbox.py sends it."""

    MAX_ATTEMPTS = 10  # refused for 17 hours: somebody has to look

    to = models.EmailField(_("to"))
    subject = models.CharField(_("subject"), max_length=200)
    body = models.TextField(_("text"), blank=True, help_text=_("Forgotten once it is sent: it holds a private link."))
    written_at = models.DateTimeField(_("written"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    try_after = models.DateTimeField(_("next attempt"), default=timezone.now)
    error = models.CharField(_("what went wrong"), max_length=200, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["try_after"], condition=Q(sent_at=None), name="notices_to_send")]

    def __str__(self):
        return self.subject
