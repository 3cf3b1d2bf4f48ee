"""What the software has to say to somebody who works here, and how they want to be told."""

import datetime
from typing import ClassVar, Self

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from backoffice.models.users import User


class NoticeQuerySet(models.QuerySet):
    def of(self, person: User) -> Self:
        return self.filter(to=person)

    def unread(self) -> Self:
        return self.filter(read_at=None)


class Notice(models.Model):
    """One thing, said once to one person: `key` names it. The words are made when it is read (notices/kinds.py)."""

    to = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=100)
    is_urgent = models.BooleanField(default=False)
    details = models.JSONField(default=dict)  # what the words need: numbers, days and kept reasons
    content_type = models.ForeignKey(ContentType, on_delete=models.CASCADE, null=True)
    object_id = models.PositiveBigIntegerField(null=True)
    about = GenericForeignKey("content_type", "object_id")
    at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)  # or found to need no mail

    objects: ClassVar = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at", "-pk"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["to", "key"], name="one_notice_of_a_thing_per_person")]
        indexes = [
            models.Index(fields=["key"], name="notices_of_a_thing"),
            models.Index(fields=["to", "-at", "-id"], name="notices_of_a_person"),
            models.Index(fields=["to", "-at", "-id"], condition=Q(read_at=None), name="notices_unread"),
            models.Index(fields=["at"], condition=Q(read_at=None, mailed_at=None), name="notices_to_mail"),
        ]

    def __str__(self) -> str:
        return self.key


class NoticeWishes(models.Model):
    """How somebody wants to be told. Who has no row has these defaults."""

    class ByMail(models.TextChoices):
        NOTHING = "nothing", _("no notice at all")
        URGENT = "urgent", _("urgent notices alone")
        EVERYTHING = "everything", _("all notices")

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notice_wishes")
    by_mail = models.CharField(_("by mail"), max_length=10, choices=ByMail, default=ByMail.NOTHING)
    quiet_from = models.TimeField(_("quiet from"), default=datetime.time(20))
    quiet_until = models.TimeField(_("quiet until"), default=datetime.time(7))

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.person)

    def is_quiet_at(self, hour: datetime.time) -> bool:
        """By the clinic's clock. Over midnight where it ends before it begins, and never where both are the same."""
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= hour < self.quiet_until
        return hour >= self.quiet_from or hour < self.quiet_until
