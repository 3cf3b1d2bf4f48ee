"""Opening hours as files: the hours in one column, as people write them."""

from collections.abc import Iterator
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.exchange.base_resource import ExchangeResource
from backoffice.exchange.cells import Cell
from backoffice.exchange.columns import ExchangeField, Row
from clinic import booking
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

    writes_in_preview = True  # only the changed hours tell whose bookings they would leave without a place

    def finish(self, *, dry_run: bool) -> Iterator[str]:
        stranded = booking.follow_hours(timezone.localdate())
        if stranded:
            sessions = ", ".join(f"{session} ({session.booked})" for session in stranded)
            yield _("These sessions have bookings that the hours no longer offer: %(sessions)s.") % {
                "sessions": sessions
            }
