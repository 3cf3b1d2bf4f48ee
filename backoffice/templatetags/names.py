"""Names of records, lists of them and reasons of changes, for whoever reads the page."""

from django import template
from django.utils.html import format_html

from backoffice.formats.kept import told
from backoffice.formats.lists import counted, listed, told_of
from backoffice.records.names import name_for

register = template.Library()
register.filter("name_for", name_for)
register.filter("listed", listed)
register.filter("counted", counted)
register.filter("told", told)


@register.filter("told_of")
def told_of_in_html(name: object, what: object) -> str:
    return format_html(told_of("{}", "{}"), name, what)
