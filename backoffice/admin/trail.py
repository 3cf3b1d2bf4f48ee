"""The access trail: who looked at what."""

from django.contrib import admin

from backoffice.admin.lists import ReadOnlyAdmin
from backoffice.models import AccessEvent


class TrailAdmin(admin.ModelAdmin):
    """Opening a record's page is noted."""

    def change_view(self, request, object_id, form_url="", extra_context=None):
        response = super().change_view(request, object_id, form_url, extra_context)
        if request.method == "GET" and response.status_code == 200:
            AccessEvent.objects.record(request, AccessEvent.Action.VIEW, self.get_object(request, object_id))
        return response


@admin.register(AccessEvent)
class AccessEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "user", "action", "content_type", "object_id", "request_id"]
    list_filter = ["action", "content_type", "at"]
    list_select_related = ["user", "content_type"]
    search_fields = ["user__username", "request_id"]
    date_hierarchy = "at"
    list_per_page = 100
    show_full_result_count = False
