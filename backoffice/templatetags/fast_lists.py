"""Pieces of a list's page that ask the database for next to nothing."""

import datetime

from django import template
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import Field
from django.utils import timezone
from django.utils.dates import MONTHS
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.records.numbers import number_in

register = template.Library()

PARTS = {"year": range(1, 10_000), "month": range(1, 13), "day": range(1, 32)}


@register.simple_tag
def page_links(table: ChangeList) -> list[dict]:
    """The numbers under a list; one without a link is this page, or a gap."""
    if not table.multi_page or (table.show_all and table.can_show_all):
        return []
    return [
        {
            "number": number,
            "is_here": number == table.page_num,
            "link": table.get_query_string({PAGE_VAR: number}) if isinstance(number, int) else "",
        }
        for number in table.paginator.get_elided_page_range(table.page_num, on_each_side=2, on_ends=1)
    ]


@register.inclusion_tag("admin/date_hierarchy.html")
def days(table: ChangeList) -> dict:
    """Django's date hierarchy, between the first and the last day that there is, whether or not each day has rows:
    to find out, Django would read the whole table."""
    field = get_fields_from_path(table.model, table.date_hierarchy)[-1]
    first, last = first_and_last(field)
    if first is None or last is None:
        return {"show": False}
    year, month, day = (chosen(table, part) for part in ("year", "month", "day"))
    if first.year == last.year:
        year = year or first.year

    def link(**parts: int) -> str:
        lookups = {f"{table.date_hierarchy}__{part}": value for part, value in parts.items()}
        return table.get_query_string(lookups, [f"{table.date_hierarchy}__"])

    if year and month and day and (day <= len(dates_of(year, month))):
        title = capfirst(date_format(datetime.date(year, month, day), "MONTH_DAY_FORMAT"))
        return shown([{"title": title}], link(year=year, month=month), month_of(year, month))
    if year and month:
        inside = [date for date in dates_of(year, month) if first <= date <= last]
        choices = [
            {"title": date_format(date, "MONTH_DAY_FORMAT"), "link": link(year=year, month=month, day=date.day)}
            for date in inside
        ]
        return shown(choices, link(year=year), str(year))
    if year:
        months = [m for m in MONTHS if (first.year, first.month) <= (year, m) <= (last.year, last.month)]
        choices = [{"title": month_of(year, month), "link": link(year=year, month=month)} for month in months]
        return shown(choices, link(), _("All dates"))
    years = range(first.year, last.year + 1)
    return {"show": True, "choices": [{"title": str(year), "link": link(year=year)} for year in years]}


def shown(choices: list[dict], back: str, back_title: str) -> dict:
    return {"show": True, "choices": choices, "back": {"link": back, "title": back_title}}


def chosen(table: ChangeList, part: str) -> int | None:
    number = number_in(table.params.get(f"{table.date_hierarchy}__{part}"))
    return number if number in PARTS[part] else None


def first_and_last(field: Field) -> tuple[datetime.date | None, datetime.date | None]:
    """The ends of an index; by the clinic's clock where the field is a moment."""
    every = field.model._default_manager.exclude(**{field.name: None}).values_list(field.name, flat=True)
    return as_day(every.order_by(field.name).first()), as_day(every.order_by(f"-{field.name}").first())


def as_day(value: datetime.date | datetime.datetime | None) -> datetime.date | None:
    return timezone.localtime(value).date() if isinstance(value, datetime.datetime) else value


def dates_of(year: int, month: int) -> list[datetime.date]:
    first = datetime.date(year, month, 1)
    every = (first + datetime.timedelta(days=days) for days in range(31))
    return [date for date in every if date.month == month]


def month_of(year: int, month: int) -> str:
    return capfirst(date_format(datetime.date(year, month, 1), "YEAR_MONTH_FORMAT"))
