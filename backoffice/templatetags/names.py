"""Names of records, for whoever reads the page."""

from django import template

from backoffice.records.names import name_for

register = template.Library()
register.filter("name_for", name_for)
