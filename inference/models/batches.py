"""What one person asked at once: they are told of it once."""

from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q


class BatchQuerySet(models.QuerySet):
    def untold(self) -> Self:
        """Of whose end its person has not heard."""
        return self.filter(told_at=None)


class Batch(models.Model):
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    told_at = models.DateTimeField(null=True)  # that all of it is over
    is_told_in_part = models.BooleanField(default=False)  # that it takes long, and how far it is

    objects: ClassVar = BatchQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["id"], condition=Q(told_at=None), name="batches_to_tell")]

    def __str__(self) -> str:
        return f"{self.asked_by} {self.asked_at}"
