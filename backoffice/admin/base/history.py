"""A record's history in the admin: one timeline, each version on a page of its own, and the way back to it.

simple-history's own version page saves a POST for anybody who may *view*, and asks no `get_queryset`; none of it is
used here. Going back fills in the record's own form, so it can do what that form can do and nothing else.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from simple_history.admin import SimpleHistoryAdmin
from simple_history.models import HistoricalChanges

from backoffice.admin.base.giving_back import initial_from, seen_on
from backoffice.admin.base.going_back import filled_in, stays
from backoffice.admin.base.masking import MaskingAdmin
from backoffice.formats.kept import told
from backoffice.lazy import LazyText
from backoffice.models import AccessEvent, User
from backoffice.records import withheld
from backoffice.records.diffs import Kind, Told, Words, kind_of
from backoffice.records.fields import LineField
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.names import name_for
from backoffice.records.numbers import number_in
from backoffice.records.relations import history_of
from backoffice.records.timeline import Change, Timeline
from backoffice.web.admin_urls import admin_url


@dataclass(frozen=True)
class Entry:
    """One line of the timeline, as the template shows it."""

    change: Change
    kind: Kind
    name: str
    diffs: list[Told]
    is_own: bool
    url: str
    version_url: str

    @property
    def reason(self) -> str:
        hidden_because = self.change.version.hide_reason if self.kind == Kind.HIDDEN else ""
        return told(hidden_because or self.change.version.history_change_reason)

    @property
    def what(self) -> LazyText | None:
        return self.change.model._meta.verbose_name


class ReasonForm(forms.Form):
    reason = LineField(label=gettext_lazy("Reason"), max_length=REASON_LENGTH)


class HistoryAdmin(MaskingAdmin, SimpleHistoryAdmin):
    """The timeline of a record and of all that hangs on it, for those who may see the record."""

    history_leaves_out: Collection[str] = ()
    """Relations by whose other end the timeline would be endless, such as every answer to a question."""

    def also_history_of(self, obj: Any) -> list[int]:
        """Keys of records whose histories are also this one's."""
        return []

    # -- The timeline -------------------------------------------------------------------------------------------------

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        obj = self._seen_by(request, object_id)
        by = number_in(request.GET.get("by"))
        page_number = number_in(request.GET.get("p")) or 1
        timeline = Timeline(
            self.model,
            [obj.pk, *self.also_history_of(obj)],
            reader=request.user,
            leave_out=self.history_leaves_out,
            by=by,
        )
        page = timeline.page(page_number)
        context = {
            **self._page_context(request, obj),
            "title": _("History of %(record)s") % {"record": name_for(obj, request.user)},
            "entries": self._entries(request, obj, page.changes),
            "older": page_number + 1 if page.has_older else None,
            "newer": page_number - 1,
            "by": by and User.objects.filter(pk=by).first(),
            **(extra_context or {}),
        }
        AccessEvent.objects.record(request, AccessEvent.Action.HISTORY, obj)
        return TemplateResponse(request, "admin/history.html", context)

    def _entries(self, request: HttpRequest, obj: models.Model, changes: list[Change]) -> list[Entry]:
        words = self._words(request)
        return [
            self._entry(obj, change, diffs, words) for change, diffs in zip(changes, words.diffs(changes), strict=True)
        ]

    def _entry(self, obj: models.Model, change: Change, diffs: list[Told], words: Words) -> Entry:
        row = getattr(change.version, change.model._meta.pk.attname)
        is_own = change.model is self.model and row == obj.pk
        return Entry(
            change,
            kind_of(change),
            words.name_of(change),
            diffs,
            is_own,
            "" if is_own else url_if_any(change.model, "change", row),
            url_if_any(change.model, "simple_history", row, change.version.pk),
        )

    def _words(self, request: HttpRequest) -> Words:
        return Words(request.user, self._masked_fields_of)

    def _masked_fields_of(self, model: type[models.Model]) -> Collection[str]:
        registered = self.admin_site.is_registered(model) and self.admin_site.get_model_admin(model)
        return getattr(registered, "masked_fields", ())

    # -- One version --------------------------------------------------------------------------------------------------

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A version, beside the record as it is now; POST with a `reason` goes back to it."""
        obj = self._seen_by(request, object_id)
        version = self._version(request, obj, version_id)
        current = self._last_version(obj)
        self._version(request, obj, str(current.pk))  # the page compares with it
        form = ReasonForm(request.POST or None, initial=initial_from(request))
        problems: list[str] = []
        if request.method not in ("GET", "HEAD"):
            if not self.has_change_permission(request, obj):
                raise PermissionDenied
            if form.is_valid():
                done, problems = self._go_back(request, obj, version, form.cleaned_data["reason"])
                if done:
                    return done
                current = self._last_version(obj)
        facts = self._words(request).facts(version, current)
        staying = stays(self._version_form(request, obj, version), facts)
        differing = [fact for fact in facts if fact.differs]
        context = {
            **self._page_context(request, obj),
            "title": _("%(record)s as of %(when)s")
            % {"record": name_for(obj, request.user), "when": said(version.history_date)},
            "version": version,
            "facts": facts,
            "form": form,
            "problems": problems,
            "is_now": not differing,
            "nothing_comes_back": len(staying) == len(differing),
            "may_go_back": self.has_change_permission(request, obj),
            "stays": staying,
            "seen": seen_on(request, current and str(current.history_id)),
            **(extra_context or {}),
        }
        AccessEvent.objects.record(request, AccessEvent.Action.HISTORY, obj)
        return TemplateResponse(request, "admin/history_version.html", context)

    def _version(self, request: HttpRequest, obj: models.Model, version_id: str) -> HistoricalChanges:
        """Raises Http404, also for what this person is not told yet."""
        key = number_in(version_id)
        if key is None:
            raise Http404
        of_this_one = history_of(self.model).filter(**{self.opts.pk.attname: obj.pk}).select_related("history_user")
        return get_object_or_404(withheld.told_to(request.user, self.model, of_this_one), history_id=key)

    def _last_version(self, obj: models.Model) -> Any:
        return history_of(self.model).filter(**{self.opts.pk.attname: obj.pk}).order_by("-history_id").first()

    def _version_form(self, request: HttpRequest, obj: models.Model, version: HistoricalChanges) -> forms.ModelForm:
        """The form of the record's page, as it would be shown with this version in it."""
        form_class = self.get_form(request, obj, change=True)
        chosen = {
            field.name: [
                getattr(row, f"{field.m2m_reverse_field_name()}_id") for row in getattr(version, field.name).all()
            ]
            for field in version._history_m2m_fields
        }
        return form_class(instance=version.instance, initial=chosen)

    @transaction.atomic
    def _go_back(
        self, request: HttpRequest, obj: Any, version: HistoricalChanges, reason: str
    ) -> tuple[HttpResponse | None, list[str]]:
        """Save the record's form with what the version would show in it: the answer, or what is in the way. POST `seen`
        is the last version that the page showed."""
        obj = self._seen_by(request, str(obj.pk))  # again, behind its lock
        if not self.has_change_permission(request, obj):
            raise PermissionDenied
        last = self._last_version(obj)
        if request.POST.get("seen") not in (None, str(last.history_id)):
            told = {"who": last.history_user or _("Somebody")}
            return None, [_("%(who)s changed this meanwhile. Compare once more, then go back.") % told]
        shown = self._version_form(request, obj, version)
        form = type(shown)(filled_in(shown), instance=obj)
        if not form.fields:
            return None, [_("Nothing of this can go back this way: it follows from what was done, and stays.")]
        if not form.is_valid():
            return None, [str(message) for errors in form.errors.values() for message in errors]
        obj = self.save_form(request, form, change=True)
        obj._history_user, obj._change_reason = request.user, reason
        self.save_model(request, obj, form, change=True)
        form.save_m2m()
        changed = self.construct_change_message(request, form, [])  # type: ignore[arg-type]  # Django gives it this one
        self.log_change(request, obj, changed)
        messages.success(request, _("It is as it was on %(when)s again.") % {"when": said(version.history_date)})
        return redirect(admin_url(self.model, "history", obj.pk)), []

    # -- Both ---------------------------------------------------------------------------------------------------------

    def _seen_by(self, request: HttpRequest, object_id: str) -> models.Model:
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        return obj

    def _page_context(self, request: HttpRequest, obj: models.Model) -> dict:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "object": obj,
            "change_url": admin_url(self.model, "change", obj.pk),
            "history_url": admin_url(self.model, "history", obj.pk),
        }


def url_if_any(model: type[models.Model], page: str, *arguments: object) -> str:
    """`admin_url`; empty where the admin has no such page."""
    try:
        return admin_url(model, page, *arguments)
    except NoReverseMatch:
        return ""


def said(when: datetime) -> str:
    return date_format(timezone.localtime(when), "DATETIME_FORMAT")
