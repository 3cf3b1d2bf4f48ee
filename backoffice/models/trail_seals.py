"""The chain by which the access trail proves that it is whole: see backoffice/access/trail.py."""

from django.db import models


class TrailSeal(models.Model):
    """One link: of a batch of events, or of a purge that took some out. Each names the one before by its digest, and is
    only ever added."""

    class Kind(models.TextChoices):
        EVENTS = "events"
        PURGE = "purge"

    number = models.PositiveBigIntegerField(primary_key=True)  # 1, 2, 3 … without a gap
    kind = models.CharField(max_length=6, choices=Kind)
    until = models.DateTimeField()  # a batch goes from the one before up to here, a purge from the beginning; exclusive
    count = models.PositiveIntegerField()
    content = models.CharField(max_length=64)  # SHA-256 of the events; of a purge, the days of its retention
    sealed_at = models.DateTimeField()
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of all this, and of the digest before
    seal = models.CharField(max_length=32)  # the digest, by a key: its name, and a keyed hash

    class Meta:
        default_permissions = ()
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.digest[:8]}"
