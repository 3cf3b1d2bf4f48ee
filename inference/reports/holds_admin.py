"""Holds in the admin: what is kept beyond its time, and why."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin import ClinicalAdmin
from backoffice.records.mixins import HideableQuerySet
from inference.models import Hold


@admin.register(Hold)
class HoldAdmin(ClinicalAdmin):
    list_display = ["reason", "patient", "report", "created_at"]
    list_select_related = ["patient", "report__prediction__xray__patient"]
    list_display_links = ["reason"]
    fields = ["patient", "report", "reason"]
    autocomplete_fields = ["patient", "report"]
    sortable_by = []
    empty_text = gettext_lazy(
        "Nothing is held. What a court, an insurer or a complaint needs is kept beyond its time here."
    )

    def what_hiding_does(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        return [_("The hold is lifted: what has had its time is taken out by the next “purge”.")]
