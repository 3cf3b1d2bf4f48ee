"""Hiding in place of deleting: the filter, the question before it, and the way back."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_permission_codename
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.access.people import StaffRequest
from backoffice.admin.base.giving_back import initial_from
from backoffice.admin.base.history import url_if_any
from backoffice.formats.lists import told_of
from backoffice.lazy import LazyText
from backoffice.records.fields import LineField
from backoffice.records.hiding import Obstacle, obstacles_to, tied_to
from backoffice.records.mixins import HideableQuerySet, hideable
from backoffice.records.seen import last_to_change
from backoffice.web.admin_urls import admin_url

NAMED = 20  # of what is hidden, so that ten thousand rows make no endless page
OBSTACLES = 10
FROM_PAGE = "_from_page"
"""Sent by the buttons on a record's own page: the answer leads back there."""

SENT_ALONG = ("action", "index", "select_across", ACTION_CHECKBOX_NAME, FROM_PAGE)


class HiddenFilter(admin.SimpleListFilter):
    """Visible rows unless asked for: hidden ones leave every list."""

    title = _("hidden")
    parameter_name = "hidden"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, LazyText]]:
        return [("yes", _("Hidden")), ("all", _("All"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
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

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        rows = hideable(queryset)
        return {"yes": rows.hidden, "all": rows.all}.get(self.value() or "", rows.visible)()


class HideForm(forms.Form):
    """What hiding asks for. An admin may ask for more with a `hide_form_for` of its own."""

    reason = LineField(
        label=_("Reason"),
        max_length=200,
        help_text=_("Such as “entered twice”. Whoever looks for it later reads this."),
    )


class HideableAdmin(admin.ModelAdmin):
    """The admin of a hideable record: nothing is ever deleted by a click."""

    actions = ["hide", "restore"]

    # -- For the admins of single records -----------------------------------------------------------------------------

    def why_not_hide(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        """What has to be done first, in sentences; empty where these rows can be hidden."""
        return []

    def what_hiding_does(self, request: HttpRequest, queryset: Any) -> list[str]:
        """What else changes when these rows are hidden, in sentences."""
        return []

    def hide_form_for(self, request: HttpRequest, queryset: HideableQuerySet) -> type[HideForm]:
        return HideForm

    def lock_rows(self, queryset: QuerySet) -> None:
        """So that nothing comes in the way between the look and the hiding or restoring, such as a booking."""
        list(queryset.order_by("pk").select_for_update(of=("self",), no_key=True))

    def hide_rows(self, request: StaffRequest, queryset: HideableQuerySet, *, reason: str, **asked: Any) -> int:
        """Hide what is visible here; `asked` is what the form of `hide_form_for` asked beside the reason."""
        return queryset.hide(by=request.user, reason=reason)

    def why_not_restore(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        """What has to be done instead, in sentences; empty where these rows can be restored."""
        return []

    def restore_rows(self, request: StaffRequest, queryset: HideableQuerySet) -> int:
        """Bring back what is hidden here."""
        return queryset.restore(by=request.user)

    def notices(self, request: HttpRequest, obj: Any) -> list[str | SafeString]:
        """What somebody who opens this record must know before anything else."""
        return []

    def page_links(self, request: HttpRequest, obj: Any) -> list[tuple[str, str]]:
        """(words, address) of what can be done with this record on a page of its own."""
        return []

    # -- Who may ------------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """So that lists, pages, actions, choices and files know nothing of what this person could not bring back."""
        return hideable(super().get_queryset(request)).seen_by(request.user)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [*super().get_list_filter(request), HiddenFilter]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is hidden is restored before it is changed."""
        is_gone = obj is not None and obj.is_gone
        return not is_gone and super().has_change_permission(request, obj)

    def has_hide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('change', self.opts)}")

    # -- Hiding -------------------------------------------------------------------------------------------------------

    @admin.action(description=_("Hide"), permissions=["hide"])
    def hide(self, request: StaffRequest, queryset: HideableQuerySet) -> HttpResponse | None:
        """Asks first, and says what else is affected; with `confirm` and a reason it is done."""
        chosen, queryset = queryset, queryset.visible()
        if not queryset.exists():
            told = {"who": last_to_change(self.model, chosen.order_by().values_list("pk", flat=True)[:NAMED])}
            self.message_user(request, _("Nothing to hide: %(who)s has hidden this already.") % told, messages.WARNING)
            return self._back(request)
        is_confirmed = "confirm" in request.POST
        with transaction.atomic():
            if is_confirmed:
                self.lock_rows(queryset)
            obstacles = self.why_not_hide(request, queryset)
            form = self.hide_form_for(request, queryset)(
                request.POST if is_confirmed else None, initial=initial_from(request)
            )
            if obstacles or not form.is_valid():
                return self._ask(request, queryset, form, obstacles)
            n = self.hide_rows(request, queryset, **form.cleaned_data)
        self.message_user(request, self._hidden_in_words(n), messages.SUCCESS)
        return self._back(request)

    def _hidden_in_words(self, n: int) -> str:
        return (
            ngettext(
                "%d record is hidden. The filter “Hidden” shows it; “Restore” brings it back.",
                "%d records are hidden. The filter “Hidden” shows them; “Restore” brings them back.",
                n,
            )
            % n
        )

    def _ask(
        self, request: HttpRequest, queryset: HideableQuerySet, form: HideForm, obstacles: list[str]
    ) -> HttpResponse:
        count = queryset.count()
        one = count == 1
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Hide this %(kind)s?") % {"kind": self.opts.verbose_name}
            if one
            else _("Hide %(n)d %(kind)s?") % {"n": count, "kind": self.opts.verbose_name_plural},
            "rows": [(row, admin_url(self.model, "change", row.pk)) for row in queryset[:NAMED]],
            "more": max(0, count - NAMED),
            "tied": tied_to(queryset, request.user),
            "consequences": self.what_hiding_does(request, queryset),
            "obstacles": obstacles,
            "form": form,
            "media": self.media + form.media,
            "sent_along": sent_along(request),
            "back": request.POST.get(FROM_PAGE) and admin_url(self.model, "change", queryset[0].pk),
        }
        return TemplateResponse(request, "admin/hide.html", context)

    # -- Restoring ----------------------------------------------------------------------------------------------------

    @admin.action(description=_("Restore"), permissions=["hide"])
    def restore(self, request: StaffRequest, queryset: HideableQuerySet) -> HttpResponse | None:
        try:
            with transaction.atomic():
                self.lock_rows(queryset)
                obstacles = self.why_not_restore(request, queryset)
                n = 0 if obstacles else self.restore_rows(request, queryset)
        except IntegrityError:
            self._say_what_stands_in_the_way(request, queryset)
            return self._back(request)
        if obstacles:
            for sentence in obstacles[:OBSTACLES]:
                self.message_user(request, sentence, messages.ERROR)
            return self._back(request)
        if not n:
            last = {"who": last_to_change(self.model, queryset.order_by().values_list("pk", flat=True)[:NAMED])}
            told = _("Nothing to restore: this is visible, and %(who)s was the last to change it.") % last
            self.message_user(request, told, messages.WARNING)
            return self._back(request)
        self.message_user(request, ngettext("%d record is back.", "%d records are back.", n) % n, messages.SUCCESS)
        return self._back(request)

    def _say_what_stands_in_the_way(self, request: HttpRequest, queryset: HideableQuerySet) -> None:
        self.message_user(
            request, _("Nothing was restored. Hide or change what stands in the way first:"), messages.ERROR
        )
        for obstacle in obstacles_to(queryset.hidden()[: 50 * OBSTACLES], OBSTACLES):
            self.message_user(request, _in_words(obstacle), messages.ERROR)

    # -- The record's own page ----------------------------------------------------------------------------------------

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            context["notices"] = self.notices(request, obj)
            context["page_links"] = self.page_links(request, obj)
            itself = self.model.objects.filter(pk=obj.pk)
            context["may_restore"] = obj.is_hidden and not self.why_not_restore(request, itself)
            context["may_hide"] = self.has_hide_permission(request) and not context.get("is_popup")
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _back(self, request: HttpRequest) -> HttpResponse | None:
        """To the record's page, if that is where the button was; None leads to the list, as after any action."""
        row = request.POST.get(ACTION_CHECKBOX_NAME)
        return redirect(admin_url(self.model, "change", row)) if request.POST.get(FROM_PAGE) else None


def sent_along(request: HttpRequest) -> list[tuple[str, str]]:
    """What says which rows are meant: of “all of them” one key stands for all, as Django wants at least one."""
    across = request.POST.get("select_across", "0") not in ("", "0")
    return [
        (name, value)
        for name in SENT_ALONG
        for value in (request.POST.getlist(name)[:1] if across else request.POST.getlist(name))
    ]


def _in_words(obstacle: Obstacle) -> str:
    if obstacle.other is None:
        return told_of(obstacle.row, obstacle.why)
    url = url_if_any(type(obstacle.other), "change", obstacle.other.pk)
    return format_html('{} <a href="{}">{}</a>', told_of(obstacle.row, obstacle.why), url, obstacle.other)
