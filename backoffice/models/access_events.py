"""The trail of what people looked at."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.models.users import User, person_of
from backoffice.web.requests import ours

BATCH = 5000  # rows written or taken out at once: a lock no longer than a page takes


class AppendOnlyError(TypeError):
    """Somebody's code tries to change what happened."""

    def __init__(self) -> None:
        super().__init__("The access trail is only ever added to; `purge` takes out what is older than its retention.")


class AccessEventQuerySet(models.QuerySet):
    def record(self, request: HttpRequest, action: str, *objects: models.Model | type[models.Model]) -> None:
        """Note that this request's user did `action` to the objects: one INSERT, and no more than one for a request.

        A model's class in place of an object stands for its whole table.
        """
        asked = ours(request)
        if getattr(asked, "is_in_the_trail", False):
            return
        asked.is_in_the_trail = True
        events = [
            _event(request, action, record, None if isinstance(record, type) else record.pk, by=person_of(request))
            for record in objects
        ]
        if len(events) == 1:  # as nearly always: by itself, without a transaction around it
            events[0].save(force_insert=True)
        else:
            self.bulk_create(events)

    def record_visitor(self, request: HttpRequest, action: str, record: models.Model) -> None:
        """Note that somebody who has no account did it, such as a patient who proved who they are."""
        event = _event(request, action, record, record.pk, by=None)
        event.save(force_insert=True)

    def record_each(self, request: HttpRequest, action: str, model: type[models.Model], keys: Sequence[int]) -> None:
        """Note it of every record of these keys, however many: beside what else the request does."""
        for first in range(0, len(keys), BATCH):
            some = keys[first : first + BATCH]
            self.bulk_create([_event(request, action, model, key, by=person_of(request)) for key in some])

    def purge(self, before: datetime) -> int:
        """Take out what is older than the retention: the only way out of the trail, and only for access/trail.py, which
        notes it in the chain. Returns how many that were."""
        gone = 0
        while batch := list(self.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:BATCH]):
            gone += self.filter(pk__in=batch)._raw_delete(self.db)
        return gone

    def bulk_create(  # type: ignore[override]  # the rest is Django's
        self, objs: Iterable[Any], *, update_conflicts: bool = False, **options: Any
    ) -> list[Any]:
        if update_conflicts:
            raise AppendOnlyError
        return super().bulk_create(objs, **options)

    def update(self, **kwargs: object) -> NoReturn:
        raise AppendOnlyError

    def delete(self) -> NoReturn:
        raise AppendOnlyError

    delete.alters_data = True  # type: ignore[attr-defined]  # Django's marks
    delete.queryset_only = True  # type: ignore[attr-defined]


def _event(
    request: HttpRequest, action: str, kind: models.Model | type[models.Model], key: int | None, *, by: User | None
) -> "AccessEvent":
    return AccessEvent(
        user=by,
        action=action,
        content_type=ContentType.objects.get_for_model(kind),
        object_id=key,
        request_id=ours(request).id,
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
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="access_events",
        db_index=False,
        verbose_name=_("person"),
        help_text=_("Empty: a patient who proved who they are."),
    )
    action = models.CharField(_("what"), max_length=16, choices=Action)
    content_type = models.ForeignKey(
        ContentType, on_delete=models.PROTECT, db_index=False, verbose_name=_("kind of record")
    )
    object_id = models.PositiveBigIntegerField(_("record"), null=True, blank=True)
    target = GenericForeignKey("content_type", "object_id")
    request_id = models.CharField(_("request"), max_length=64)
    at = models.DateTimeField(_("when"), auto_now_add=True)

    objects = AccessEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("access event")
        verbose_name_plural = _("access trail")
        ordering = ["-at", "-pk"]
        default_permissions = ["view", "export"]
        # Each for one question: what happened lately, at whose hands, what of it, to which kind, and to this record.
        indexes = [
            models.Index(fields=["-at", "-id"], name="access_by_time"),
            models.Index(fields=["user", "-at", "-id"], name="access_by_person"),
            models.Index(fields=["action", "-at", "-id"], name="access_by_action"),
            models.Index(fields=["content_type", "-at", "-id"], name="access_by_kind"),
            models.Index(fields=["content_type", "object_id", "-at", "-id"], name="access_of_a_record"),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.get_action_display()} {self.content_type} {self.object_id}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnlyError
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError
