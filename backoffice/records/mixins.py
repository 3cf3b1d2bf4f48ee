"""Abstract models that every app builds on: time stamps, hiding, and the two together as a clinical record."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from backoffice.lazy import LazyText
from backoffice.live.versions import WatchedQuerySet
from backoffice.readers import Reader
from backoffice.records.hangs_on import hidden_above, without_what_is_gone_for, without_what_is_taken_along
from backoffice.records.relations import history_of
from backoffice.records.text import tidy_line, tidy_text

# Many rows at once send no post_save. Sent with the model as `sender`, `rows`, whether they were `created`, and the
# names of the `fields` that changed (None: any), inside the transaction, when rows are hidden, restored or imported.
written_at_once = Signal()

# `default_permissions` of a table that people take in from files and give out as files.
EXCHANGED = ("add", "change", "delete", "view", "import", "export")

REASON_LENGTH = 100  # of simple-history's column
BATCH = 500


class TidyText(models.Model):
    """Its texts are kept in one spelling, whichever door they come by: forms and imports clean what they save."""

    spellings: Mapping[str, Callable[[str], str]] = {}
    """By what rule a field is spelled, where not by that of every line or text. Raises ValidationError."""

    class Meta:
        abstract = True

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        errors: dict[str, Any] = {}
        left_out = set(exclude or ())
        for field in self._meta.concrete_fields:
            text = getattr(self, field.attname, None)
            is_text = isinstance(field, models.CharField | models.TextField) and isinstance(text, str)
            if not is_text or not text or field.choices or field.name in left_out or not field.editable:
                continue
            usual = tidy_text if isinstance(field, models.TextField) else tidy_line
            tidy = self.spellings.get(field.name, usual)
            try:
                setattr(self, field.attname, tidy(text))
            except ValidationError as error:
                errors[field.name] = error
        try:
            super().clean_fields(exclude=left_out | errors.keys())
        except ValidationError as error:
            errors = error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)


class TimeStamped(models.Model):
    created_at = models.DateTimeField(_("created"), auto_now_add=True, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True, editable=False)

    class Meta:
        abstract = True


class HideableQuerySet(WatchedQuerySet):
    """`objects` returns everything; `.visible()` is written out where it is meant."""

    def visible(self) -> Self:
        """Neither hidden nor hanging on what is hidden."""
        return without_what_is_taken_along(self.filter(hidden_at=None))

    def hidden(self) -> Self:
        """What is hidden itself, and can be restored."""
        return self.exclude(hidden_at=None)

    def seen_by(self, user: Reader) -> Self:
        """What this person may know of: hidden rows only where they could bring them back."""
        return without_what_is_gone_for(self, user)

    def hide(self, *, by: AbstractBaseUser | None, reason: str = "") -> int:
        """Hide what is still visible here, with history. Returns how many rows that were."""
        return self.filter(hidden_at=None)._mark(by, reason, hidden_at=timezone.now(), hidden_by=by, hide_reason=reason)

    def restore(self, *, by: AbstractBaseUser | None, reason: str = "") -> int:
        """Bring back what is hidden here, with history. Returns how many rows that were.

        Raises IntegrityError where a row would now break a rule, such as two visible patients with one national ID.
        """
        return self.hidden()._mark(by, reason, hidden_at=None, hidden_by=None, hide_reason="")

    @transaction.atomic
    def _mark(self, by: AbstractBaseUser | None, reason: str, **values: object) -> int:
        # By key, as everybody else: in the order of names, two of these could each wait for a row of the other's.
        rows: list[Any] = list(self.order_by("pk").select_for_update(of=("self",), no_key=True))
        for row in rows:
            for name, value in values.items():
                setattr(row, name, value)
        # All rows get the same values: an UPDATE says that in a fraction of the time of bulk_update's long CASE.
        for first in range(0, len(rows), BATCH):
            keys = [row.pk for row in rows[first : first + BATCH]]
            self.model._base_manager.filter(pk__in=keys).update(**values)
        history_of(self.model).bulk_history_create(
            rows,
            batch_size=BATCH,
            update=True,
            default_user=by,
            default_change_reason=reason[:REASON_LENGTH],
        )
        written_at_once.send(sender=self.model, rows=rows, created=False, fields=set(values))
        return len(rows)


def hideable(rows: models.QuerySet) -> HideableQuerySet:
    """The same rows, where Django hands on just any queryset. Raises TypeError for those that cannot be hidden."""
    if not isinstance(rows, HideableQuerySet):
        raise TypeError(f"{rows.model.__name__} cannot be hidden.")
    return rows


class Hideable(models.Model):
    """Nothing clinical is deleted by a click: it is hidden, with who, when and why, and can be brought back."""

    # Not indexed, as nearly every row is visible: SQLite would read them all by it, rather than a page by the order of
    # a list. Large tables have an index of the few that are hidden: see `hidden_only`.
    hidden_at = models.DateTimeField(_("hidden"), null=True, blank=True, editable=False)
    hidden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("hidden by"),
    )
    hide_reason = models.CharField(_("why hidden"), max_length=200, blank=True, editable=False)

    objects = HideableQuerySet.as_manager()

    HANGS_ON: tuple[str, ...] = ()
    """The relations without whose other end there is nothing to see: see hangs_on.py."""

    class Meta:
        abstract = True

    @property
    def is_hidden(self) -> bool:
        return self.hidden_at is not None

    @property
    def is_gone(self) -> bool:
        """Hidden, or hanging on what is."""
        return any(hidden_above(self))


class ClinicalRecord(TidyText, TimeStamped, Hideable):
    """The base of every clinical model. Each adds its own `history`, so that each says what its history leaves out."""

    _history_user: AbstractBaseUser | None
    _change_reason: LazyText
    """Who saves it and why, as its next version tells: simple-history's names."""

    class Meta:
        abstract = True
