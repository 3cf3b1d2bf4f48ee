"""Fields of which people see the last signs only, wherever they are shown."""

from collections.abc import Collection

from django.contrib import admin
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest


class MaskingAdmin(admin.ModelAdmin):
    """The admin of records with such fields. The history and the pages that compare records ask for them here."""

    masked_fields: Collection[str] = ()

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """A list that says which of them begin with A tells them sign by sign."""
        return lookup.split(LOOKUP_SEP)[0] not in self.masked_fields and super().lookup_allowed(lookup, value, request)
