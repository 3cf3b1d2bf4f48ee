"""The roles: what they may do is in roles.py; what is decided here is whether they need a second factor, and whether
they read a film before they see what the models say.

Where something would be left to nobody by it (gaps.py), the page asks before it is saved.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth import admin as auth_admin  # noqa: F401  (registers Group, which is taken out below)
from django.contrib.auth.models import Group
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from backoffice.access.gaps import gaps
from backoffice.access.kept_forms import ASKED
from backoffice.admin.base.concurrent_changes import MergesWhatWasShown
from backoffice.admin.base.giving_back import GivesFormsBack, sent_on
from backoffice.admin.base.history import HistoryAdmin
from backoffice.admin.registered.sign_in_help import asking_for_the_code
from backoffice.models import Role


class LeavesAGapError(Exception):
    """What was being saved leaves something to nobody, and it was not said that this is meant: `told`, in sentences."""

    def __init__(self, told: list[str]) -> None:
        self.told = told


@admin.register(Role)
class RoleAdmin(GivesFormsBack, MergesWhatWasShown, HistoryAdmin):
    list_display = ["__str__", "people", "needs_second_factor", "reads_first"]
    list_select_related = ["group"]
    fields = ["needs_second_factor", "reads_first"]
    change_list_template = "backoffice/roles.html"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"gaps": list(gaps().values()), **(extra_context or {})})

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_ask(super().changeform_view, request, *args, **kwargs)

    def history_form_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._or_ask(super().history_form_view, request, *args, **kwargs)

    def _or_ask(
        self, view: Callable[..., HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except LeavesAGapError as left:
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Is this meant?"),
                "told": left.told,
                "typed": sent_on(request),
            }
            return TemplateResponse(request, "backoffice/role_asked.html", context)

    def save_model(self, request: HttpRequest, obj: Role, form: forms.ModelForm, change: bool) -> None:
        before = gaps()
        super().save_model(request, obj, form, change)
        told = [str(said) for name, said in gaps().items() if name not in before]
        if told and ASKED not in request.POST:
            raise LeavesAGapError(told)  # which undoes the save

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
