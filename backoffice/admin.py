"""The base of every admin here: history without its hole, hiding in place of deleting, and the access trail; and the
admins of people."""

from django.contrib import admin, messages
from django.contrib.auth import get_permission_codename
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from simple_history.admin import SimpleHistoryAdmin

from backoffice.forms import ClinicalForm
from backoffice.models import AccessEvent, Notice, User


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


class ClinicalAdmin(HistoryAdmin):
    """The admin of a hideable record with history."""

    form = ClinicalForm
    actions = ["hide", "restore"]
    list_per_page = 50
    show_full_result_count = False

    def get_list_filter(self, request):
        return [*super().get_list_filter(request), HiddenFilter]

    def has_delete_permission(self, request, obj=None):
        return False  # nothing clinical is ever deleted by a click

    def has_hide_permission(self, request):
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    def change_view(self, request, object_id, form_url="", extra_context=None):
        response = super().change_view(request, object_id, form_url, extra_context)
        if request.method == "GET" and response.status_code == 200:
            AccessEvent.objects.record(request, AccessEvent.Action.VIEW, self.get_object(request, object_id))
        return response

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


class ReadOnlyAdmin(admin.ModelAdmin):
    """The admin of what the software writes and people only read."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(User)
class PersonAdmin(HistoryAdmin, UserAdmin):
    list_display = ["username", "get_full_name", "email", "roles", "is_active", "last_login"]
    list_filter = ["groups", "is_active"]
    fieldsets = [
        (None, {"fields": ["username", "password"]}),
        (_("Person"), {"fields": ["first_name", "last_name", "email"]}),
        (_("Access"), {"fields": ["is_active", "is_staff", "groups"]}),
    ]
    add_fieldsets = [
        (
            None,
            {
                "classes": ["wide"],
                "fields": ["username", "first_name", "last_name", "usable_password", "password1", "password2"],
            },
        ),
        (_("Access"), {"fields": ["is_staff", "groups"]}),
    ]

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("roles"))
    def roles(self, person):
        return ", ".join(group.name for group in person.groups.all()) or "–"

    def has_delete_permission(self, request, obj=None):
        return False  # a person's name stays on what they did: take their access away instead

    def get_readonly_fields(self, request, obj=None):
        # Only a superuser decides over a superuser, or an administrator could take the account over.
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return [field for _title, options in self.fieldsets for field in options["fields"]]
        return super().get_readonly_fields(request, obj)

    def user_change_password(self, request, id, form_url=""):  # noqa: A002  (Django's own signature)
        person = self.get_object(request, id)
        if person is not None and person.is_superuser and not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, id, form_url)


@admin.register(AccessEvent)
class AccessEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "user", "action", "content_type", "object_id", "request_id"]
    list_filter = ["action", "content_type", "at"]
    list_select_related = ["user", "content_type"]
    search_fields = ["user__username", "request_id"]
    date_hierarchy = "at"
    list_per_page = 100
    show_full_result_count = False


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """What was sent, what waits, and why: nobody writes or changes a mail here."""

    list_display = ["subject", "to", "written_at", "sent_at", "attempts", "error"]
    list_filter = [("sent_at", admin.EmptyFieldListFilter), "written_at"]
    search_fields = ["to"]
