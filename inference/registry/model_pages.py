"""A model's way in the admin: registered, tried, in the shadow, accepted on its figures or rejected, gone back to."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django_htmx.http import HttpResponseStopPolling

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.giving_back import initial_from, seen_on
from backoffice.formats.kept import told as as_told
from backoffice.formats.lists import listed_apart
from backoffice.models.users import person_of
from backoffice.records.fields import LineField
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from inference import wording
from inference.figures import of_models
from inference.figures.shares import FEW
from inference.models import Diagnosis, DiagnosticModel
from inference.registry import stages
from inference.registry.finding_words import in_words
from inference.registry.registration_form import RegistrationForm
from inference.registry.stages import StageError

REASON_LENGTH = 80  # of a history's 100, beside what was done
Stage = DiagnosticModel.Stage


class RejectionForm(forms.Form):
    reason = LineField(label=gettext_lazy("Reason"), max_length=REASON_LENGTH)


class RegistersModels(ClinicalAdmin):
    """Mixin of the models' admin."""

    add_form = RegistrationForm
    add_form_template = "inference/register_model.html"
    change_form_template = "inference/model.html"
    takes_files = {**ClinicalAdmin.takes_files, "add": "has_add_permission"}
    largest_files = {"add": settings.WEIGHTS_MAX_SIZE}

    def get_urls(self) -> list[URLPattern]:
        def view(one: Any) -> Any:
            return self.admin_site.admin_view(never_cache(one))

        return [
            path("<int:pk>/trial/", view(self.trial_view), name="inference_diagnosticmodel_trial"),
            path("<int:pk>/figures/", view(self.figures_view), name="inference_diagnosticmodel_figures"),
            *super().get_urls(),
        ]

    def page_links(self, request: HttpRequest, obj: DiagnosticModel) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)
        if not self.has_change_permission(request, obj):
            return links
        return [*links, (_("Figures on signed cases"), admin_url(obj, "figures", obj.pk))]

    # -- Registering --------------------------------------------------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[forms.ModelForm]:
        if obj is None:
            kwargs["form"] = self.add_form
        return super().get_form(request, obj, change=change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[tuple[Any, Any]]:
        return REGISTERED if obj is None else list(super().get_fieldsets(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        if obj is None:
            return []
        readonly = list(super().get_readonly_fields(request, obj))
        # The others come to the vote on their figures, or by going back: never by a tick.
        return readonly if obj.stage == Stage.ACCEPTED else [*readonly, "is_active"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
        else:
            form.register(by=person_of(request))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        told = _("%(name)s, version %(version)s, is registered. A worker tries it now; this page follows.")
        messages.success(request, told % {"name": obj.name, "version": obj.version})
        return redirect(admin_url(obj, "change", obj.pk))

    # -- Being tried --------------------------------------------------------------------------------------------------

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        context.update(show_save_and_add_another=False, show_save_and_continue=False)
        if obj is not None:
            context.update(self.trial_context(request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def trial_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far a worker is with trying it; the answer that it is done ends the asking."""
        model = self.get_object(request, str(pk))
        if not self.has_view_permission(request, model):
            raise PermissionDenied
        if model is None:
            raise Http404
        response = render(request, "inference/model_trial.html", self.trial_context(request, model))
        if model.checked_at is not None or model.is_gone:
            response.status_code = HttpResponseStopPolling.status_code
        return response

    def trial_context(self, request: HttpRequest, model: DiagnosticModel) -> dict[str, Any]:
        may_change = self.has_change_permission(request, model)
        return {
            "model": model,
            "is_being_tried": model.checked_at is None and not model.is_gone,
            "findings": in_words(model.findings) or ([as_told(model.check_error)] if model.check_error else []),
            "trial": listed_apart(wording.trial_told(model.trial)),
            "may_try_again": may_change and bool(model.check_error),
            "may_look_at_figures": may_change and model.stage == Stage.SHADOW,
            "may_go_back": may_change and model.stage == Stage.RETIRED,
        }

    # -- Deciding -----------------------------------------------------------------------------------------------------

    def figures_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """What it says beside what was signed. POST `answer` is `accept`, `reject` (with a `reason`), `shadow` or
        `back`; `seen` is the version of the figures that the page showed."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        model = self.get_object(request, str(pk))
        if model is None or model.is_gone:
            raise Http404
        answer = request.POST.get("answer", "")
        form = RejectionForm(request.POST if answer == "reject" else None, initial=initial_from(request))
        if request.method == "POST" and (answer != "reject" or form.is_valid()):
            try:
                self._change_stage(request, model, answer, form)
            except StageError as refusal:
                messages.error(request, str(refusal))
            return redirect(admin_url(model, "figures", model.pk))
        return self._figures_page(request, model, form)

    def _change_stage(self, request: StaffRequest, model: DiagnosticModel, answer: str, form: RejectionForm) -> None:
        """Raises StageError."""
        told = {"name": model.name, "version": model.version}
        if answer == "accept":
            stages.accept(model, by=request.user, seen=request.POST.get(SEEN, ""))
            messages.success(request, _("%(name)s, version %(version)s, votes from now on.") % told)
        elif answer == "reject":
            stages.reject(model, by=request.user, reason=form.cleaned_data["reason"])
            messages.success(request, _("%(name)s, version %(version)s, is rejected and answers no more.") % told)
        elif answer == "shadow":
            stages.into_the_shadow(model, by=request.user)
            messages.success(request, _("%(name)s, version %(version)s, answers in the shadow.") % told)
        elif answer == "back":
            stages.go_back(model, by=request.user)
            messages.success(request, _("%(name)s, version %(version)s, votes again.") % told)

    def _figures_page(self, request: StaffRequest, model: DiagnosticModel, form: RejectionForm) -> HttpResponse:
        figures = of_models.of(model)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Figures on signed cases"),
            "model": model,
            "figures": figures,
            "columns": [_title_of(column, figures) for column in figures.columns],
            "rows": list(_rows(figures)),
            "few": FEW,
            "seen": seen_on(request, of_models.version_of(model, figures)),
            "form": form,
            "is_in_the_shadow": model.stage == Stage.SHADOW,
            "may_accept": model.stage == Stage.SHADOW and model.checked_at and not model.check_error,
            "may_go_into_the_shadow": model.stage in (Stage.ASIDE, Stage.REJECTED),
            "may_go_back": model.stage == Stage.RETIRED and model.checked_at and not model.check_error,
            "standing": of_models.beside(model),
            "acceptance": wording.acceptance_told(model.acceptance),
            "media": self.media,
        }
        return TemplateResponse(request, "inference/of_models.html", context)


REGISTERED: list[tuple[Any, Any]] = [
    (None, {"fields": ["weights", "card", "name", "version", "set_aside"]}),
    (
        gettext_lazy("Network"),
        {"fields": ["architecture", "options", "labels", "temperature", "vote_weight", "is_demo"]},
    ),
    (
        gettext_lazy("Its pictures"),
        {"fields": ["input_size", "mean", "std", "fit", "crop_share", "interpolation", "clahe"]},
    ),
]


def _title_of(column: of_models.Column, figures: of_models.Figures) -> str:
    if column.model is None:
        return _("All that vote, together")
    if column is figures.own:
        return _("This version, %(version)s") % {"version": column.model.version}
    return _("The version that votes, %(version)s") % {"version": column.model.version}


def _rows(figures: of_models.Figures) -> Iterator[dict[str, Any]]:
    """The table: what is measured, and each column's share of it."""
    yield {"what": _("Agrees with the signature"), "shares": [column.agreement for column in figures.columns]}
    for place, diagnosis in enumerate(Diagnosis):
        classes = [column.classes[place] for column in figures.columns]
        told = {"diagnosis": diagnosis.label}
        yield {
            "what": _("%(diagnosis)s: finds it (sensitivity)") % told,
            "shares": [one.sensitivity for one in classes],
        }
        yield {
            "what": _("%(diagnosis)s: leaves others alone (specificity)") % told,
            "shares": [one.specificity for one in classes],
        }
