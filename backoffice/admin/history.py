"""simple-history in the admin, without its hole."""

from django.core.exceptions import PermissionDenied
from simple_history.admin import SimpleHistoryAdmin

from backoffice.models import AccessEvent


class HistoryAdmin(SimpleHistoryAdmin):
    """simple-history's pages, closed to those who may not see or not change the record.

    The library's own version page saves a POST for anybody who may *view*, and asks no `get_queryset`.
    """

    def history_form_view(self, request, object_id, version_id, extra_context=None):
        obj = self.get_object(request, object_id)
        if obj is None or not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD") and not self.has_change_permission(request, obj):
            raise PermissionDenied
        return super().history_form_view(request, object_id, version_id, extra_context)

    def history_view(self, request, object_id, extra_context=None):
        obj = self.get_object(request, object_id)
        if obj is None:
            raise PermissionDenied
        response = super().history_view(request, object_id, extra_context)
        AccessEvent.objects.record(request, AccessEvent.Action.HISTORY, obj)
        return response
