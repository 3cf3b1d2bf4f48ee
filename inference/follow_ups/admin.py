"""Follow-ups in the admin: their list, a page for each with what can be decided, and the section on other pages."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import BooleanField, Case, QuerySet, Value, When
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.giving_back import given_back, seen_on
from backoffice.formats.days import day_told
from backoffice.lazy import LazyText
from backoffice.models.users import person_of
from backoffice.records.mixins import HideableQuerySet
from backoffice.records.names import name_for
from backoffice.records.search import through
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from clinic.admin import PatientAdmin
from clinic.models import Patient
from imaging.admin import PatientWithXRaysAdmin
from imaging.models import XRayImage
from inference.follow_ups import deciding, wording
from inference.follow_ups.deciding import FollowUpError
from inference.follow_ups.forms import AskForm, CloseForm, FilmForm, HandOverForm, PostponeForm, WhyForm
from inference.follow_ups.section import section_of
from inference.models import FollowUp, FollowUpQuerySet, Report
from inference.review.blinding import reads_blind

UNPROCESSABLE = 422
ON_HIDDEN_RECORDS = "on_hidden_records"


class WhoseFilter(admin.SimpleListFilter):
    title = _("whose")
    parameter_name = "whose"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, LazyText]]:
        return [("mine", _("Mine")), ("common", _("The common list"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        rows = cast(FollowUpQuerySet, queryset)
        if self.value() == "mine":
            return rows.of(person_of(request))
        return rows.of_nobody() if self.value() == "common" else rows


class StateFilter(admin.SimpleListFilter):
    """What is open unless asked for: the list is what is still to be done."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, LazyText]]:
        return [
            ("overdue", _("Overdue")),
            ("to_decide", _("To be decided")),
            ("left", _("Whose owner has left")),
            (ON_HIDDEN_RECORDS, _("On hidden records")),
            ("closed", pgettext_lazy("follow-up", "Closed")),
            ("all", _("All")),
        ]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """What is on hidden records is behind the filter of hidden ones, too."""
        first, *others = super().choices(changelist)
        yield {**first, "display": pgettext_lazy("follow-up", "Open")}
        for (value, _title), choice in zip(self.lookup_choices, others, strict=True):
            asked = {self.parameter_name: value} | ({"hidden": "all"} if value == ON_HIDDEN_RECORDS else {})
            yield {**choice, "query_string": changelist.get_query_string(asked)}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        rows = cast(FollowUpQuerySet, queryset)
        chosen = {
            "overdue": rows.overdue,
            "to_decide": rows.to_decide,
            "left": rows.open().whose_owner_left,
            ON_HIDDEN_RECORDS: rows.on_hidden_records,
            "closed": rows.closed,
            "all": rows.all,
        }
        return chosen.get(self.value() or "", rows.open)()


class DueFilter(DayRangeFilter):
    title = _("due on")
    field = "due_on"
    moments = {"asked": ("created_at", _("Asked for")), "closed": ("closed_at", _("closed on"))}

    def ranges(self, today: datetime.date) -> list[tuple]:
        return [(_("Today"), today, today), (_("Next 7 days"), today, today + datetime.timedelta(days=6))]


Decide = Callable[..., None]
DECISIONS: dict[str, tuple[LazyText, type[forms.Form], Decide]] = {
    "close": (_("Close it"), CloseForm, deciding.close),
    "film": (_("A film answers it"), FilmForm, deciding.close),
    "postpone": (_("Postpone it"), PostponeForm, deciding.postpone),
    "hand-over": (_("Hand it over"), HandOverForm, deciding.hand_over),
    "keep": (_("It still holds"), WhyForm, deciding.keep),
    "open-again": (_("Open it again"), WhyForm, deciding.open_again),
}
"""By the `decision` that a form names: what its button says, what it asks, and what does it."""


def form_of(decision: str, follow_up: FollowUp, typed: QueryDict | None = None) -> forms.Form:
    form = DECISIONS[decision][1]
    more: dict[str, Any] = {"follow_up": follow_up} if form is FilmForm else {}
    return form(typed, auto_id=f"id_{decision}_%s", **more)


@admin.register(FollowUp)
class FollowUpAdmin(ClinicalAdmin):
    list_display = ["patient_link", "what_is_to_be_done", "due", "whose", "state", "film"]
    list_display_links = ["what_is_to_be_done"]
    list_filter = [WhoseFilter, StateFilter, DueFilter, "kind"]
    search = through("prediction__xray__patient", PatientAdmin.search)
    search_help_text = PatientAdmin.search_help_text
    sortable_by = ["due"]
    empty_text = _("Nothing is to be followed up. A signed answer's page asks for another film, a call or a referral.")
    change_form_template = "inference/follow_ups/page.html"
    fields = ["asked_by"]  # its page shows the rest, to whom that is told
    readonly_fields = ["asked_by"]

    class Media:
        css = {"all": ["imaging/xray.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = cast(FollowUpQuerySet, super().get_queryset(request)).with_records().with_told(request.user)
        undecided = FollowUp.objects.to_decide().order_by().values("pk")
        return rows.annotate(
            must_be_decided=Case(When(pk__in=undecided, then=Value(True)), default=False, output_field=BooleanField())
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        return [path("<int:pk>/decide/", view, name="inference_followup_decide"), *super().get_urls()]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """What is to be done is no question of whoever may not be told it of each."""
        offered = super().get_list_filter(request)
        return [one for one in offered if one != "kind" or not reads_blind(request.user)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # it is asked for beside a signed answer

    def why_not_hide(self, request: HttpRequest, queryset: HideableQuerySet) -> list[str]:
        is_open = cast(FollowUpQuerySet, queryset).open().exists()
        return [str(_("What is open is never hidden: close it first, with a reason."))] if is_open else []

    # -- Its page -----------------------------------------------------------------------------------------------------

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
            context |= self._what_it_shows(request, obj)
        context.update(show_save=False, show_save_and_continue=False)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _what_it_shows(self, request: HttpRequest, follow_up: Any) -> dict[str, Any]:
        offered = self._decisions_on(request, follow_up)
        return {
            "follow_up": follow_up,
            "what": wording.what_is_to_be_done(follow_up),
            "whose": wording.whose(follow_up),
            "grounds": list(wording.what_became_of_its_ground(follow_up)) if follow_up.must_be_decided else [],
            "state_chip": self.state(follow_up),
            "patient_name": name_for(follow_up.patient, request.user),
            "decisions": [(name, DECISIONS[name][0], form_of(name, follow_up)) for name in offered],
            "films": list(deciding.films_after(follow_up)[:10]) if "film" in offered else [],
            "seen": deciding.version_of(follow_up),
        }

    def _decisions_on(self, request: HttpRequest, follow_up: Any) -> list[str]:
        if not self.has_change_permission(request, follow_up) or not follow_up.is_told:
            return []
        if not follow_up.is_open:
            return ["open-again"]
        has_films = deciding.films_after(follow_up).exists()
        return [*(["keep"] if follow_up.must_be_decided else []), *(["film"] if has_films else []), "close", "postpone",
                "hand-over"]  # fmt: skip

    def decide_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """POST `decision` is one of DECISIONS, with what its form asks and the version that was `seen`. GET gives back
        what was typed by who was signed out."""
        typed = given_back(request) or request.POST
        decision = typed.get("decision", "")
        follow_up = self.get_object(request, str(pk))
        if not self.has_change_permission(request) or decision not in DECISIONS:
            raise PermissionDenied
        if follow_up is None or follow_up.is_gone:
            raise Http404
        if not follow_up.is_told:
            return redirect(admin_url(FollowUp, "change", pk))  # which says what comes first
        form = form_of(decision, follow_up, typed)
        if request.method == "POST" and form.is_valid():
            asked = {"ending": FollowUp.Ending.FILM, **form.cleaned_data} if decision == "film" else form.cleaned_data
            try:
                DECISIONS[decision][2](follow_up, by=request.user, seen=typed.get(SEEN, ""), **asked)
            except FollowUpError as refusal:
                messages.error(request, str(refusal))
                return redirect(admin_url(FollowUp, "change", pk))
            messages.success(request, _("It is noted."))
            return redirect(admin_url(FollowUp, "change", pk))
        return self._decision_page(request, follow_up, decision, form)

    def _decision_page(
        self, request: StaffRequest, follow_up: FollowUp, decision: str, form: forms.Form
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": DECISIONS[decision][0],
            "follow_up": follow_up,
            "decision": decision,
            "form": form,
            "seen": seen_on(request, request.POST.get(SEEN)),
            "media": self.media,
        }
        status = UNPROCESSABLE if request.method == "POST" else 200
        return TemplateResponse(request, "inference/follow_ups/decide.html", context, status=status)

    # -- Columns ------------------------------------------------------------------------------------------------------

    @admin.display(description=_("patient"))
    def patient_link(self, follow_up: FollowUp) -> SafeString:
        url = admin_url(Patient, "change", follow_up.patient.pk)
        return format_html('<a href="{}">{}</a>', url, name_for(follow_up.patient, None))

    @admin.display(description=_("what is to be done"))
    def what_is_to_be_done(self, follow_up: FollowUp) -> str:
        return wording.what_is_to_be_done(follow_up)

    @admin.display(description=_("due on"), ordering="due_on")
    def due(self, follow_up: FollowUp) -> str:
        return day_told(follow_up.due_on)

    @admin.display(description=_("owner"))
    def whose(self, follow_up: FollowUp) -> str:
        return str(follow_up.owner or _("the common list"))

    @admin.display(description=_("state"))
    def state(self, follow_up: Any) -> SafeString:
        return wording.state_chip(follow_up, must_be_decided=follow_up.must_be_decided)

    @admin.display(description=_("film"))
    def film(self, follow_up: FollowUp) -> SafeString:
        film = follow_up.prediction.xray
        url = f"{admin_url(XRayImage, 'change', film.pk)}?prediction={follow_up.prediction_id}"
        return format_html('<a href="{}">{}</a>', url, film.short_name)


# -- On other pages ---------------------------------------------------------------------------------------------------


class AsksForFollowUps(admin.ModelAdmin):
    """Mixin of the predictions' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.follow_up_view)
        return [path("<int:pk>/follow-up/", view, name="inference_prediction_follow_up"), *super().get_urls()]

    def follow_up_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Have something done about a signed answer; `report` names the report that says so, if one does."""
        if not request.user.has_perm("inference.add_followup"):
            raise PermissionDenied
        prediction = self.get_object(request, str(pk))
        if prediction is None or prediction.is_gone:
            raise Http404
        typed = given_back(request) or request.POST
        report = Report.objects.visible().filter(prediction=prediction, pk=_key_in(typed.get("report"))).first()
        form = AskForm(typed or None, by=request.user, report=report)
        if request.method == "POST" and form.is_valid():
            try:
                deciding.ask_once(prediction, by=request.user, report=report, **form.cleaned_data)
            except FollowUpError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("It is on the list."))
                return redirect(f"{admin_url(XRayImage, 'change', prediction.xray_id)}?prediction={prediction.pk}")
        context = {
            **self.admin_site.each_context(request),
            "opts": FollowUp._meta,
            "title": _("Ask for a follow-up"),
            "prediction": prediction,
            "report": report,
            "form": form,
            "media": self.media,
        }
        status = UNPROCESSABLE if form.is_bound and request.method == "POST" else 200
        return TemplateResponse(request, "inference/follow_ups/ask.html", context, status=status)


def _key_in(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 18 else 0


class FollowUpsBesideTheFilm(admin.ModelAdmin):
    """Mixin of the X-ray's admin: the film's follow-ups, and those that it may answer."""

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
            rows = FollowUp.objects.filter(prediction__xray=obj)
            context["followed_up"] = section_of(person_of(request), rows, answer=context.get("prediction"), film=obj)
        return super().render_change_form(request, context, add, change, form_url, obj)


class PatientWithFollowUpsAdmin(PatientWithXRaysAdmin):
    """The patient's page, with what is to be followed up: as the films are added in the layer below."""

    change_form_template = "inference/patient.html"

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
            context["followed_up"] = section_of(person_of(request), FollowUp.objects.of_patient(obj))
        return super().render_change_form(request, context, add, change, form_url, obj)


admin.site.unregister(Patient)
admin.site.register(Patient, PatientWithFollowUpsAdmin)
