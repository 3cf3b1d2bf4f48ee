"""The backups that were made, and what became of each when it was restored in a drill."""

from typing import Any, ClassVar, Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from backoffice.live.versions import WatchedQuerySet


class BackupQuerySet(WatchedQuerySet):
    def made(self) -> Self:
        """Those that are whole as far as their writer knows."""
        return self.filter(error="")

    def drilled(self) -> Self:
        return self.exclude(drilled_at=None)


class Backup(models.Model):
    """One archive, or one try that left none: that has an `error`. backups/recorded.py writes it.

    `findings` are what its last drill found amiss, as sentences that are kept; empty where everything was the same.
    `is_drilled_whole`: it was restored; else, without its private key, only its file was compared.
    """

    name = models.CharField(_("archive"), max_length=100, unique=True)
    folder = models.CharField(_("folder"), max_length=500, blank=True)
    made_at = models.DateTimeField(_("made"))
    seconds = models.PositiveIntegerField(_("seconds"), default=0)
    size = models.PositiveBigIntegerField(_("size"), default=0)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    rows = models.PositiveBigIntegerField(_("rows"), default=0)
    files = models.PositiveIntegerField(_("files"), default=0)
    missing = models.PositiveIntegerField(_("files that were missing"), default=0)
    is_encrypted = models.BooleanField(_("encrypted"), default=False)
    error = models.TextField(_("error"), blank=True)
    drilled_at = models.DateTimeField(_("drilled"), null=True)
    is_drilled_whole = models.BooleanField(default=False)
    findings = models.JSONField(_("what the drill found"), default=list)

    objects: ClassVar[Any] = BackupQuerySet.as_manager()

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ["-made_at", "-pk"]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["-made_at", "-id"], name="backups_by_moment"),
            models.Index(fields=["-drilled_at"], name="backups_by_drill"),
        ]

    def __str__(self) -> str:
        return self.name
