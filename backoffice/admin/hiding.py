"""Hiding in place of deleting: the filter, and the two actions."""

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext


class HiddenFilter(admin.SimpleListFilter):
    """Visible rows unless asked for: hidden ones leave every list."""

    title = _("hidden")
    parameter_name = "hidden"

    def lookups(self, request, model_admin):
        return [("yes", _("Hidden")), ("all", _("All"))]

    def choices(self, changelist):
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Visible"),
        }
        for value, title in self.lookup_choices:
            yield {
                "selected": self.value() == value,
                "query_string": changelist.get_query_string({self.parameter_name: value}),
                "display": title,
            }

    def queryset(self, request, queryset):
        return {"yes": queryset.hidden, "all": queryset.all}.get(self.value(), queryset.visible)()


class HideableAdmin(admin.ModelAdmin):
    """The admin of a hideable record: nothing is ever deleted by a click."""

    actions = ["hide", "restore"]

    def get_list_filter(self, request):
        return [*super().get_list_filter(request), HiddenFilter]

    def has_delete_permission(self, request, obj=None):
        return False

    def has_hide_permission(self, request):
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    @admin.action(description=_("Hide"), permissions=["hide"])
    def hide(self, request, queryset):
        n = queryset.hide(by=request.user)
        self.message_user(
            request,
            ngettext(
                "%d record is hidden. The filter “Hidden” shows it; “Restore” brings it back.",
                "%d records are hidden. The filter “Hidden” shows them; “Restore” brings them back.",
                n,
            )
            % n,
            messages.SUCCESS,
        )

    @admin.action(description=_("Restore"), permissions=["hide"])
    def restore(self, request, queryset):
        try:
            n = queryset.restore(by=request.user)
        except IntegrityError:
            self.message_user(
                request,
                _("Nothing was restored: a visible record has taken one of these places since. Hide that one first."),
                messages.ERROR,
            )
            return
        self.message_user(request, ngettext("%d record is back.", "%d records are back.", n) % n, messages.SUCCESS)
