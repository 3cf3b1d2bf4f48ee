"""Import and export at import-export's own addresses, with its holes closed."""

from django.contrib import admin


class ExchangeAdmin(admin.ModelAdmin):
    """The admin of a table that is taken in from files and given out as files."""
