"""The roles: what they may do is in roles.py; what is decided here is whether they need a second factor."""

from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401  (registers Group, which is taken out below)
from django.contrib.auth.models import Group
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.giving_back import GivesFormsBack
from backoffice.admin.base.history import HistoryAdmin
from backoffice.models import Role


@admin.register(Role)
class RoleAdmin(GivesFormsBack, HistoryAdmin):
    list_display = ["group", "people", "needs_second_factor"]
    list_select_related = ["group"]
    fields = ["group", "needs_second_factor"]
    readonly_fields = ["group"]

    def get_queryset(self, request):
        active = Count("group__user", filter=Q(group__user__is_active=True))
        return super().get_queryset(request).annotate(people=active)

    @admin.display(description=_("people"), ordering="people")
    def people(self, role):
        return role.people

    def has_add_permission(self, request):
        return False  # roles are made by the code

    def has_delete_permission(self, request, obj=None):
        return False


admin.site.unregister(Group)  # its permissions would be set back with the next migration
