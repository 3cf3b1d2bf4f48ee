"""The second opinion in the admin: asking about X-rays, the answer beside the film, and signing it."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Prefetch, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from backoffice.access.people import StaffRequest
from backoffice.admin import ClinicalAdmin
from backoffice.admin.base.filters import DayRangeFilter
from backoffice.admin.base.first_page import OnTheFirstPage
from backoffice.live.chips import Tone, chip
from backoffice.models import AccessEvent
from backoffice.records.diffs import plain
from backoffice.records.mixins import HideableQuerySet
from backoffice.records.names import name_for
from backoffice.records.relations import field_of
from backoffice.records.search import through
from backoffice.web.admin_urls import admin_url
from backoffice.web.media import send_private
from clinic.admin import PatientAdmin
from imaging.admin import XRayImageAdmin, thumbnail_of
from imaging.models import XRayImage
from inference import calibration_admin, requests, wording  # noqa: F401  (the first registers itself)
from inference.confidences import confidence_told
from inference.follow_ups.admin import AsksForFollowUps, FollowUpsBesideTheFilm
from inference.models import (
    DiagnosticModel,
    DiagnosticModelQuerySet,
    ModelResult,
    Prediction,
    PredictionQuerySet,
)
from inference.overlay import draw
from inference.registry.model_pages import RegistersModels
from inference.reports import admin_pages, holds_admin  # noqa: F401  (they register themselves)
from inference.review.blinding import reads_blind
from inference.review.comparing_pages import ComparesAnswers
from inference.review.reference_admin import LeadsToReference
from inference.review.signing import earlier_signatures
from inference.review.signing_pages import DiagnosisFilter, NeedsReviewFilter, SignsAnswers, as_seen, opened
from inference.views import AnswerBesideTheFilm, LiveStatus, announce


class AskedFilter(DayRangeFilter):
    title = _("asked at")
    field = "created_at"
    moments = {"finished": ("finished_at", _("finished")), "signed": ("reviewed_at", _("signed at"))}


class AskableXRayAdmin(LeadsToReference, AnswerBesideTheFilm, FollowUpsBesideTheFilm, LiveStatus, XRayImageAdmin):
    """The X-ray's admin lies in the layer below: this one comes down and adds the second opinion."""

    actions = [*XRayImageAdmin.actions, "ask_models", "ask_models_urgently"]
    list_display = [*XRayImageAdmin.list_display[:2], "second_opinion", *XRayImageAdmin.list_display[2:]]

    class Media:
        css = {"all": ["inference/inference.css"]}
        js = ["django_htmx/htmx-2.min.js", "inference/heat.js", "inference/worklist.js"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return (
            super()
            .get_queryset(request)
            .prefetch_related(
                Prefetch(
                    "predictions",
                    Prediction.objects.visible().with_answers_for(request.user),
                    to_attr="visible_predictions",
                )
            )
        )

    @admin.action(description=_("Ask the models"), permissions=["ask"])
    def ask_models(self, request: StaffRequest, queryset: HideableQuerySet) -> None:
        announce(request, requests.ask(queryset.visible(), by=request.user))

    @admin.action(description=_("Ask the models, urgently: before all others"), permissions=["ask"])
    def ask_models_urgently(self, request: StaffRequest, queryset: HideableQuerySet) -> None:
        announce(request, requests.ask(queryset.visible(), by=request.user, urgent=True))

    @admin.display(description=_("second opinion"))
    def second_opinion(self, xray: XRayImage) -> SafeString:
        asked: list[Prediction] = xray.visible_predictions  # type: ignore[attr-defined]  # get_queryset brings them
        return wording.status_cell(next(iter(asked), None))


class ModelResults(admin.TabularInline):
    model = ModelResult
    fields = ["model", "diagnosis", "share", "took", "weights"]
    readonly_fields = ["model", "diagnosis", "share", "took", "weights"]
    extra = max_num = 0
    can_delete = False
    verbose_name_plural = _("models' answers")

    @admin.display(description=_("confidence"))
    def share(self, result: ModelResult) -> str:
        return confidence_told(result.confidence)

    @admin.display(description=_("time taken"))
    def took(self, result: ModelResult) -> str:
        return wording.duration(result.milliseconds)

    @admin.display(description=_("weights (SHA-256)"))
    def weights(self, result: ModelResult) -> str:
        return wording.checksum(result.model_sha256)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Prediction)
class PredictionAdmin(ComparesAnswers, SignsAnswers, AsksForFollowUps, OnTheFirstPage, LiveStatus, ClinicalAdmin):
    actions = [*ClinicalAdmin.actions, "validate", "retry", "hurry", "cancel"]
    list_display = ["film", "patient", "answer", "agree", "created_at", "requested_by", "signed"]
    list_display_links = ["film"]
    list_select_related = ["xray__patient", "requested_by", "reviewed_by"]
    list_filter = [
        "status",
        "is_urgent",
        ("diagnosis", DiagnosisFilter),
        ("needs_review", NeedsReviewFilter),
        "is_validated",
        AskedFilter,
    ]
    search = through("xray__patient", PatientAdmin.search)
    search_help_text = PatientAdmin.search_help_text
    sortable_by = ["patient", "answer", "created_at", "signed"]
    links_by = ["batch__id__exact"]
    date_hierarchy = "created_at"
    empty_text = _("No second opinions yet. Tick X-rays in their list, and choose “Ask the models”.")
    inlines = [ModelResults]

    class Media:
        css = {"all": ["imaging/xray.css", "inference/inference.css"]}
        js = ["django_htmx/htmx-2.min.js"]

    readonly_fields = [
        "open_film", "status", "is_urgent", "requested_by", "diagnosis", "sure", "agree", "why", "what_else", "closed",
        "attempts", "error",
        "started_at", "finished_at", "how_made", "is_validated", "verdict", "final_diagnosis", "reviewed_by",
        "reviewed_at", "review_notes", "own", "signed_before",
    ]  # fmt: skip
    fieldsets = [
        (None, {"fields": ["open_film", "status", "diagnosis", "sure", "agree", "why", "what_else"]}),
        (
            _("Signature"),
            {
                "fields": [
                    "is_validated",
                    "verdict",
                    "final_diagnosis",
                    "reviewed_by",
                    "reviewed_at",
                    "review_notes",
                    "own",
                    "signed_before",
                ]
            },
        ),
        (
            _("Job"),
            {"fields": ["requested_by", "is_urgent", "attempts", "error", "started_at", "finished_at", "how_made"]},
        ),
    ]

    closed_fieldsets = [
        (None, {"fields": ["open_film", "status", "closed"]}),
        (_("Job"), {"fields": ["requested_by", "is_urgent", "attempts", "started_at", "finished_at"]}),
    ]
    """Of an answer that its reader is not told yet: see review/blinding.py."""
    unanswered_fieldsets = [
        (None, {"fields": ["open_film", "status", "error"]}),
        (_("Job"), {"fields": ["requested_by", "is_urgent", "attempts", "started_at", "finished_at"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # predictions are asked for on the X-ray

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return opened(super().get_queryset(request)).with_standing().with_answers_for(request.user)

    def get_sortable_by(self, request: HttpRequest) -> list[Any]:
        """Sorted by confidence a list tells it, also of what it does not show."""
        return [name for name in self.sortable_by if name != "answer" or not reads_blind(request.user)]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What the models say is asked for by the filters alone, which know what is open to whom."""
        name, _sign, way = lookup.partition("__")
        if name in ("diagnosis", "needs_review") and way != "exact" and reads_blind(request.user):
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_fieldsets(self, request: HttpRequest, obj: Prediction | None = None) -> Any:
        if obj and not obj.is_open:
            return self.closed_fieldsets
        return self.unanswered_fieldsets if obj and self._is_unanswered(obj) else self.fieldsets

    def get_inlines(self, request: HttpRequest, obj: Prediction | None) -> list[Any]:
        return [] if obj and (not obj.is_open or self._is_unanswered(obj)) else [*self.inlines]

    def _is_unanswered(self, prediction: Prediction) -> bool:
        return prediction.status != Prediction.Status.COMPLETED

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        # Nothing is typed here: it is signed beside the film, or from the list.
        context.update(show_save=False, show_save_and_continue=False)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Prediction, form: forms.ModelForm, change: bool) -> None:
        """Nothing is typed, so nothing is written over what a worker or a reader may have written meanwhile."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("heatmap/<int:pk>/", view(self.heatmap_view), name="inference_modelresult_heatmap"),
            *super().get_urls(),
        ]

    def heatmap_view(self, request: HttpRequest, pk: int) -> FileResponse:
        """Where one model looked, as a glow to lay over the film."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        results = ModelResult.objects.select_related("prediction")
        told = opened(self.get_queryset(request)).answers_seen_by(request.user)
        result = results.filter(pk=pk, prediction__in=told).first()
        if result is None or not result.heatmap:
            raise Http404
        AccessEvent.objects.record(request, AccessEvent.Action.PICTURE, result.prediction)
        return send_private(BytesIO(draw(bytes(result.heatmap))), content_type="image/png")

    @admin.action(description=_("Try again"), permissions=["change"])
    def retry(self, request: StaffRequest, queryset: PredictionQuerySet) -> None:
        n = requests.retry(queryset, by=request.user)
        self.message_user(request, ngettext("%d waits again.", "%d wait again.", n) % n, messages.SUCCESS)

    @admin.action(description=_("Make urgent what is not answered yet"), permissions=["change"])
    def hurry(self, request: StaffRequest, queryset: PredictionQuerySet) -> None:
        n = requests.hurry(queryset, by=request.user)
        self.message_user(request, ngettext("%d is urgent now.", "%d are urgent now.", n) % n, messages.SUCCESS)

    @admin.action(description=_("Cancel what is not answered yet"), permissions=["change"])
    def cancel(self, request: StaffRequest, queryset: PredictionQuerySet) -> None:
        n = requests.cancel(queryset, by=request.user)
        self.message_user(request, ngettext("%d is cancelled.", "%d are cancelled.", n) % n, messages.SUCCESS)

    @admin.display(description=_("film"))
    def film(self, prediction: Prediction) -> SafeString:
        return thumbnail_of(prediction.xray)

    @admin.display(description=_("patient"), ordering="xray__patient__full_name")
    def patient(self, prediction: Prediction) -> SafeString:
        url = admin_url(XRayImage, "change", prediction.xray_id)
        return format_html('<a href="{}">{}</a>', url, name_for(prediction.xray.patient, None))

    @admin.display(description=_("answer"), ordering="confidence")
    def answer(self, prediction: Prediction) -> SafeString:
        return format_html("{}{}", wording.status_cell(prediction), as_seen(prediction) if prediction.is_open else "")

    @admin.display(description=_("confidence"))
    def sure(self, prediction: Prediction) -> str:
        return "–" if prediction.confidence is None else confidence_told(prediction.confidence)

    @admin.display(description=_("agree"), ordering="agreement")
    def agree(self, prediction: Prediction) -> str:
        is_told = prediction.is_open and prediction.agreement is not None
        return f"{prediction.agreement:.0%}" if is_told else "–"

    @admin.display(description=_("signed"), ordering="reviewed_at")
    def signed(self, prediction: Prediction) -> str:
        if not prediction.is_validated:
            return "–"
        if not prediction.is_open:
            return str(prediction.reviewed_by)
        return f"{wording.signed_as(prediction)} · {prediction.reviewed_by}"

    @admin.display(description=_("signed before"))
    def signed_before(self, prediction: Prediction) -> str:
        signatures = earlier_signatures(prediction)
        return format_html_join("", "<p>{}</p>", ([wording.signature_told(one)] for one in signatures)) or "–"

    @admin.display(description=_("why it needs review"))
    def why(self, prediction: Prediction) -> str:
        return wording.reasons_told(prediction.review_reasons)

    @admin.display(description=_("what else it may be"))
    def what_else(self, prediction: Prediction) -> str:
        return wording.doubts_told(prediction.doubt)

    @admin.display(description=_("own answer"))
    def own(self, prediction: Prediction) -> str:
        """Of who signed, where they had not seen the models' before."""
        return wording.own_told(prediction.own_diagnosis, prediction.own_confidence) or "–"

    @admin.display(description=_("the models’ answer"))
    def closed(self, prediction: Prediction) -> str:
        return gettext("Not shown before your own: open the film, and say what you see.")

    @admin.display(description=_("how it was made"))
    def how_made(self, prediction: Prediction) -> str:
        told = wording.how_it_was_made(prediction.provenance, digits=64)
        return format_html_join("", "<p>{}</p>", ([sentence] for sentence in told)) or "–"

    @admin.display(description=_("X-ray"))
    def open_film(self, prediction: Prediction) -> SafeString:
        url = admin_url(XRayImage, "change", prediction.xray_id)
        return format_html('<a href="{}?prediction={}">{}</a>', url, prediction.pk, _("Open the film with this answer"))


def as_read(name: str) -> Callable[[DiagnosticModel], str]:
    """A field of a model, without JSON's signs and with no more digits than say something."""
    field = field_of(DiagnosticModel, name)

    @admin.display(description=field.verbose_name)
    def shown(model: DiagnosticModel) -> str:
        return plain(field, wording.in_our_words(getattr(model, name))) or "–"

    shown.__name__ = name  # by which the page finds the help for it
    return shown


@admin.register(DiagnosticModel)
class DiagnosticModelAdmin(RegistersModels):
    actions = [*ClinicalAdmin.actions, "retry"]
    history_leaves_out = ["results"]  # every answer it ever gave
    list_display = ["name", "version", "architecture", "state", "is_active", "held_out_accuracy", "vote_weight"]
    list_filter = ["stage", "is_active", "is_demo"]
    empty_text = _("No model yet. Register one here, or with the command “register_model”.")
    empty_action = _("Register the first")
    search_fields = ["name", "architecture", "sha256"]
    fields: ClassVar[list[Any]] = [
        "name", "version", "stage", "is_active", "vote_weight", as_read("temperature"), "architecture",
        as_read("options"), as_read("labels"), "input_size", as_read("mean"), as_read("std"), "fit",
        as_read("crop_share"), "interpolation", "clahe", "sha256", "is_demo", as_read("metrics"), "accepted_on",
    ]  # fmt: skip
    readonly_fields = [name for name in fields if name not in ("is_active", "vote_weight")]

    class Media:
        css = {"all": ["inference/inference.css"]}

    @admin.action(description=_("Try again"), permissions=["change"])
    def retry(self, request: StaffRequest, queryset: DiagnosticModelQuerySet) -> HttpResponse | None:
        n = requests.try_again(queryset, by=request.user)
        told = ngettext("A worker tries %d model again.", "A worker tries %d models again.", n)
        self.message_user(request, told % n, messages.SUCCESS)
        return self._back(request)

    def what_hiding_does(self, request: HttpRequest, queryset: Any) -> list[str]:
        return [str(_("It votes no more, and answers no more in the shadow. The answers that it gave stay."))]

    @admin.display(description=_("state"))
    def state(self, model: DiagnosticModel) -> SafeString:
        demonstration = chip(_("demonstration"), Tone.WAIT) if model.is_demo else ""
        return format_html("{} {}", self._state_of(model), demonstration)

    def _state_of(self, model: DiagnosticModel) -> SafeString:
        if model.check_error:
            if model.checked_at:
                return chip(_("cannot be used"), Tone.BAD)
            return chip(_("could not be tried yet"), Tone.WAIT)
        if model.checked_at is None:
            return chip(_("not tried yet"), Tone.WAIT)
        tones = {DiagnosticModel.Stage.ACCEPTED: Tone.GOOD, DiagnosticModel.Stage.SHADOW: Tone.WAIT}
        return chip(model.get_stage_display(), tones.get(DiagnosticModel.Stage(model.stage), Tone.QUIET))

    @admin.display(description=_("accepted on"))
    def accepted_on(self, model: DiagnosticModel) -> SafeString | str:
        told = wording.acceptance_told(model.acceptance)
        return format_html_join("", "<p>{}</p>", ([sentence] for sentence in told)) or "–"

    @admin.display(description=_("held-out accuracy"))
    def held_out_accuracy(self, model: DiagnosticModel) -> str:
        accuracy = model.metrics.get("accuracy")
        return "–" if accuracy is None else f"{accuracy:.1%}"


admin.site.unregister(XRayImage)
admin.site.register(XRayImage, AskableXRayAdmin)
