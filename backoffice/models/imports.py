"""Files that people bring in to fill or change a table."""

from typing import ClassVar, Self

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_lazy as _

from backoffice.models.users import User
from backoffice.records.leases import LeasedJob, LeasedJobQuerySet
from backoffice.sealing.fields import SealedJSONField
from backoffice.web.media import RandomName


class TableImportQuerySet(LeasedJobQuerySet):
    def waiting(self) -> Self:
        """What a worker may take: nobody has it, or its worker's lease has lapsed. The oldest first."""
        return self.filter(status__in=(*TableImport.WAITING, *TableImport.RUNNING)).free().order_by("pk")

    def unfinished(self) -> Self:
        """Neither written nor given up: a worker or a person is to do something about it."""
        unfinished = (*TableImport.WAITING, *TableImport.RUNNING, TableImport.Status.CHECKED)
        return self.filter(status__in=unfinished).order_by("pk")

    def not_made_up_for(self) -> Self:
        """What failed, and whoever brought it has not imported into that table since."""
        since = TableImport.objects.filter(
            pk__gt=OuterRef("pk"),
            content_type=OuterRef("content_type"),
            uploaded_by=OuterRef("uploaded_by"),
            status=TableImport.Status.DONE,
        )
        return self.filter(~Exists(since), status=TableImport.Status.FAILED)

    def unconfirmed(self) -> Self:
        """What was looked at and waits for a person to say yes or no."""
        return self.filter(status=TableImport.Status.CHECKED)

    def of_model(self, model: type[models.Model]) -> Self:
        return self.filter(content_type=ContentType.objects.get_for_model(model))

    def seen_by(self, user: User) -> Self:
        """One's own; everybody's for those who may see imports. The permission of the table itself comes on top."""
        return self if user.has_perm("backoffice.view_tableimport") else self.filter(uploaded_by=user)


class TableImport(LeasedJob):
    """A file that somebody uploaded into a table. The row is the job: imports/runs.py checks it, and writes it once a
    person has confirmed."""

    class Status(models.TextChoices):
        TO_CHECK = "to_check", _("waits to be checked")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("to be confirmed")
        TO_WRITE = "to_write", _("waits to be written")
        WRITING = "writing", _("being written")
        DONE = "done", _("imported")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    WAITING = (Status.TO_CHECK, Status.TO_WRITE)
    RUNNING = (Status.CHECKING, Status.WRITING)

    content_type = models.ForeignKey(ContentType, on_delete=models.PROTECT, verbose_name=_("table"))
    name = models.CharField(_("file"), max_length=200)
    file = models.FileField(_("kept file"), upload_to=RandomName("imports"), blank=True)
    sha256 = models.CharField("SHA-256", max_length=64)
    row_count = models.PositiveIntegerField(_("rows"), null=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="table_imports", verbose_name=_("person")
    )
    uploaded_at = models.DateTimeField(_("when"), auto_now_add=True)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.TO_CHECK)
    language = models.CharField(_("language"), max_length=16, help_text=_("Of whoever uploaded it."))
    skip_invalid = models.BooleanField(_("without the rows that have errors"), default=False)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("confirmed by"),
    )
    outcome = models.JSONField(_("outcome"), null=True)
    details = SealedJSONField(
        _("rows of the outcome"),
        sealed_as="backoffice.import.details",
        null=True,
        help_text=_("Forgotten soon: they hold the file's values."),
    )
    error = models.TextField(_("what went wrong"), blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects: ClassVar = TableImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-pk"]
        default_permissions = ["view", "change"]
        indexes = [
            models.Index(fields=["status"], name="imports_by_status"),
            models.Index(fields=["content_type", "-id"], name="imports_of_a_table"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_at_work(self) -> bool:
        """Checked or written by a worker, now or soon."""
        return self.status in (*self.WAITING, *self.RUNNING)

    @property
    def has_table(self) -> bool:
        """Not where an app was taken out since."""
        return self.content_type.model_class() is not None

    @property
    def model(self) -> type[models.Model]:
        model = self.content_type.model_class()
        if model is None:
            raise LookupError(f"No app here has the table {self.content_type} any more.")
        return model
