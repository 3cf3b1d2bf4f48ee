"""Names of records, lists of them and reasons of changes, for whoever reads the page."""

from django import template

from backoffice.formats.lists import listed
from backoffice.records.changes import reason_told
from backoffice.records.names import name_for

register = template.Library()
register.filter("name_for", name_for)
register.filter("listed", listed)
register.filter("reason_told", reason_told)
