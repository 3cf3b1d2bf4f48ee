"""The trail of what people looked at."""

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _


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
