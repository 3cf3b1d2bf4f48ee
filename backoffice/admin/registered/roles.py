"""The roles: what they may do is in roles.py; what is decided here is whether they need a second factor, and whether
they read a film before they see what the models say."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401  (registers Group, which is taken out below)
from django.contrib.auth.models import Group
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.admin.base.concurrent_changes import MergesWhatWasShown
from backoffice.admin.base.giving_back import GivesFormsBack
from backoffice.admin.base.history import HistoryAdmin
from backoffice.admin.registered.sign_in_help import asking_for_the_code
from backoffice.models import Role


@admin.register(Role)
class RoleAdmin(GivesFormsBack, MergesWhatWasShown, HistoryAdmin):
    list_display = ["__str__", "people", "needs_second_factor", "reads_first"]
    list_select_related = ["group"]
    fields = ["needs_second_factor", "reads_first"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        active = Count("group__user", filter=Q(group__user__is_active=True))
        return super().get_queryset(request).annotate(people=active)

    def get_form(
        self, request: HttpRequest, obj: Role | None = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        """A role may be one's own: what it requires is not taken back at a desk left open."""
        return asking_for_the_code(super().get_form(request, obj, change, **kwargs), request)

    @admin.display(description=_("people"), ordering="people")
    def people(self, role: Role) -> int:
        return role.people  # type: ignore[attr-defined]  # get_queryset counts them

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # roles are made by the code

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


admin.site.unregister(Group)  # its permissions would be set back with the next migration
