"""Opening hours as files: the hours in one column, as people write them."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import Cell
from backoffice.exchange.columns import ExchangeField, Row
from backoffice.formats.kept import gettext as _
from backoffice.formats.kept import ngettext
from backoffice.formats.lists import listed_apart, told_by, told_of
from backoffice.records.names import name_for, named
from clinic import booking
from clinic.hours.losses import Loss, losses_by
from clinic.hours.text import Hours, parse_hours
from clinic.models import OpeningHours


class HoursCell(Cell):
    example = "09:00-12:00"

    def clean(self, value: str, row: Row | None = None, **kwargs: Any) -> Hours:
        return parse_hours(value)

    def render(self, value: Hours | None, **kwargs: Any) -> str:
        return str(value) if value else ""

    def what(self) -> str:
        return _("Opening and closing time, such as 09:00-12:00; 14:00~17:30 and full-width digits are read too.")


class HoursColumn(ExchangeField):
    """A pair of times as one text."""

    model_fields = ("opens_at", "closes_at")

    def save(self, instance: OpeningHours, row: Row, is_m2m: bool = False, **kwargs: Any) -> None:
        instance.opens_at, instance.closes_at = self.clean(row, **kwargs)

    def get_value(self, instance: OpeningHours) -> Hours | None:
        return Hours(instance.opens_at, instance.closes_at) if instance.opens_at else None


class OpeningHoursResource(ExchangeResource):
    """A row is known by weekday and period. The sessions follow what is imported, as they follow what is typed."""

    hours = HoursColumn("hours", "hours", HoursCell(), title=gettext_lazy("hours"), required=True)

    class Meta(ExchangeResource.Meta):
        model = OpeningHours
        fields = ["weekday", "period", "hours", "capacity", "is_open"]
        import_id_fields = ["weekday", "period"]

    writes_in_preview = True  # only with all rows in it is seen whether two of them overlap

    def begin(self, **kwargs: Any) -> None:
        super().begin(**kwargs)
        self._lines: dict[tuple, int] = {}

    def before_writing(self, chunks: Iterable[Sequence[Row]]) -> None:
        """Whoever is booked is looked for behind the sessions' locks: nobody comes in before the hours are written."""
        booking.hold_timetable()
        booking.hold(timezone.localdate())

    def check(self, instance: OpeningHours, excluded: set[str]) -> None:
        try:
            super().check(instance, excluded)
        except ValidationError as error:
            if getattr(error, "code", "") != "overlap":  # another line may make room for this one: see `objections`
                raise
        self._refuse_to_take_away(instance)

    def _refuse_to_take_away(self, hours: OpeningHours) -> None:
        """A file cannot say what becomes of each booked person. Raises ValidationError."""
        slot = hours.weekday, hours.period
        losses = [loss for loss in losses_by(hours) if (loss.session.date.weekday(), loss.session.period) == slot]
        if losses:
            n = sum(len(loss.people) for loss in losses)
            raise ValidationError(
                ngettext(
                    "%(n)d person has booked what this line takes away: %(people)s. Change these hours on their own "
                    "page, which asks what becomes of each.",
                    "%(n)d people have booked what this line takes away: %(people)s. Change these hours on their own "
                    "page, which asks what becomes of each.",
                    n,
                )
                % {"n": n, "people": listed_apart(self._told(loss) for loss in losses)}
            )

    def _told(self, loss: Loss) -> str:
        """`2026-11-24 morning: 2 Lin Mei-ling, 5 Chen Wei`"""
        people = (f"{visit.queue_number} {name_for(visit.patient, self.by)}" for visit in loss.people)
        return told_of(loss.session, named(people))

    def save_instance(self, instance: OpeningHours, is_create: bool, row: Row, **kwargs: Any) -> None:
        self._lines[instance.weekday, instance.period] = row.line
        super().save_instance(instance, is_create, row, **kwargs)

    def objections(self) -> Iterable[tuple]:
        for hours in OpeningHours.objects.visible().filter(is_open=True):
            if line := self._lines.get((hours.weekday, hours.period)):
                try:
                    hours.clean()
                except ValidationError as error:
                    text = str(Hours(hours.opens_at, hours.closes_at))
                    yield line, "hours", text, told_by(error), _("Mend this line, or take it out.")

    def finish(self, *, dry_run: bool) -> Iterable[str]:
        booking.follow_hours(timezone.localdate())
        return []
