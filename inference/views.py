"""Pieces of admin pages that refresh themselves while a worker runs."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_htmx.http import HttpResponseStopPolling

from backoffice.access.people import StaffRequest
from backoffice.models import AccessEvent
from backoffice.records.numbers import number_in
from backoffice.web.admin_urls import admin_url
from imaging.models import XRayImage
from imaging.neighbours import kept_filters
from inference import requests, wording
from inference.confidences import own_confidence_told
from inference.models import Diagnosis, ModelResult, Prediction
from inference.reports.beside_the_film import results_of
from inference.requests import Asked
from inference.review import blinding, readings, signing, worklist_pages
from inference.review.roles import may_sign
from inference.review.signing_pages import in_the_worklist

MOST_AT_ONCE = 200  # as many as a list shows


def announce(request: HttpRequest, asked: Asked) -> None:
    """Tell whoever asked what became of the request."""
    if n := len(asked.predictions):
        said = ngettext(
            "The models are asked about %d X-ray. You may leave: the answer waits for you.",
            "The models are asked about %d X-rays. You may leave: the answers wait for you.",
            n,
        )
        messages.success(request, said % n)
    if n := asked.hurried:
        said = ngettext(
            "%d X-ray that was waiting is urgent from now on.", "%d X-rays that were waiting are urgent from now on.", n
        )
        messages.success(request, said % n)
    if n := len(asked.already) - asked.hurried:
        said = ngettext("%d X-ray is being answered already.", "%d X-rays are being answered already.", n)
        messages.info(request, said % n)
    if n := len(asked.over_limit):
        said = ngettext(
            "%(n)d X-ray is over your limit of %(limit)d for today: ask about it tomorrow, or ask a colleague.",
            "%(n)d X-rays are over your limit of %(limit)d for today: ask about them tomorrow, or ask a colleague.",
            n,
        )
        messages.warning(request, said % {"n": n, "limit": settings.MAX_PREDICTIONS_PER_DAY})


class LiveStatus(admin.ModelAdmin):
    """Mixin of an admin whose list shows predictions: one small request refreshes all that still run, in place, so
    that scroll, filters and ticked rows stay."""

    change_list_template = "inference/live_change_list.html"

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_live"
        return [path("live/", self.admin_site.admin_view(self.live_view), name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"live_url": "live/", **(extra_context or {})})

    def live_view(self, request: HttpRequest) -> HttpResponse:
        """The cells of the predictions named by `live`; the answer that none runs any more ends the asking."""
        if not request.user.has_perm("inference.view_prediction"):
            raise PermissionDenied
        pks = [key for text in request.GET.getlist("live")[:MOST_AT_ONCE] if (key := number_in(text))]
        told = Prediction.objects.visible().with_standing().with_answers_for(request.user)
        predictions = list(told.filter(pk__in=pks))
        response = render(request, "inference/live.html", {"predictions": predictions})
        if not any(prediction.is_unfinished for prediction in predictions):
            response.status_code = HttpResponseStopPolling.status_code
        return response


class AnswerBesideTheFilm(admin.ModelAdmin):
    """Mixin of the X-ray's admin: the answer on its page, asking for one, and the answer's progress."""

    change_form_template = "inference/xray.html"

    def has_ask_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("inference.add_prediction")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/ask/", view(self.ask_view), name="imaging_xrayimage_ask"),
            path("<int:pk>/cancel/", view(self.cancel_view), name="imaging_xrayimage_cancel"),
            path("<int:pk>/answer/", view(self.answer_view), name="imaging_xrayimage_answer"),
            *super().get_urls(),
        ]

    def render_change_form(
        self,
        request: Any,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj and request.user.has_perm("inference.view_prediction"):
            context.update(self.answer_context(request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def ask_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        if not self.has_ask_permission(request):
            raise PermissionDenied
        xray = self._posted_about(request, pk)
        announce(request, requests.ask([xray], by=request.user, urgent="urgent" in request.POST))
        return self._back_to(xray, request)

    def cancel_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Cancel what this film waits for, or what a worker is at."""
        if not request.user.has_perm("inference.change_prediction"):
            raise PermissionDenied
        xray = self._posted_about(request, pk)
        n = requests.cancel(Prediction.objects.filter(xray=xray), by=request.user)
        if n:
            messages.success(request, _("It is cancelled."))
        else:
            messages.info(request, _("Nothing was left to cancel: it is answered already."))
        return self._back_to(xray, request)

    def _posted_about(self, request: StaffRequest, pk: int) -> XRayImage:
        xray = self.get_object(request, str(pk))
        if request.method != "POST":
            raise PermissionDenied
        if xray is None or xray.is_gone:
            raise Http404
        return xray

    def _back_to(self, xray: XRayImage, request: StaffRequest) -> HttpResponse:
        return redirect(f"{admin_url(xray, 'change', xray.pk)}?{urlencode(kept_filters(request))}".rstrip("?"))

    def answer_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """The answer's card alone, for a page that waits for it. That it arrived there is noted."""
        xray = self.get_object(request, str(pk))
        if not (self.has_view_permission(request, xray) and request.user.has_perm("inference.view_prediction")):
            raise PermissionDenied
        if xray is None:
            raise Http404
        context = self.answer_context(request, xray)
        if context["prediction"] and not context["prediction"].is_unfinished:
            AccessEvent.objects.record(request, AccessEvent.Action.VIEW, xray)
        return render(request, "inference/answer_arrives.html", context)

    def answer_context(self, request: StaffRequest, xray: XRayImage) -> dict:
        """What the page shows of the models: the newest answer, or the one that the address names."""
        predictions = list(
            xray.predictions.seen_by(request.user)
            .filter(hidden_at=None)  # not `visible`: the page of a hidden film, for who may see it, shows what it had
            .with_standing()
            .with_answers_for(request.user)
            .select_related("requested_by", "reviewed_by", "taken_by")
            .prefetch_related(Prefetch("results", ModelResult.objects.select_related("model")))
        )
        named = request.GET.get("prediction", "")
        prediction = next((p for p in predictions if str(p.pk) == named), predictions[0] if predictions else None)
        context: dict[str, Any] = {
            "xray": xray,
            "prediction": prediction,
            "earlier": [p for p in predictions if p != prediction],
            "may_ask": self.has_ask_permission(request) and not xray.is_gone,
        }
        if prediction and prediction.is_unfinished:
            context |= {
                "queue": wording.queue_told(prediction) if prediction.status == Prediction.Status.PENDING else "",
                "may_cancel": request.user.has_perm("inference.change_prediction") and not xray.is_gone,
                "may_hurry": context["may_ask"] and not prediction.is_urgent,
            }
        if prediction and prediction.status == Prediction.Status.COMPLETED:
            context["may_sign"] = may_sign(request.user) and not xray.is_gone
            context |= self._answered(request, prediction) if prediction.is_open else self._closed(request)
        if prediction and (show := in_the_worklist(request)):
            context["worklist"] = worklist_pages.place_of(request, prediction, show)
        return context

    def _closed(self, request: StaffRequest) -> dict[str, Any]:
        """Of an answer that its reader is not told yet: what they are asked."""
        keys = "7890"
        return {
            "own_choices": readings.diagnoses(),
            "own_confidences": [
                (sent, own_confidence_told(confidence), key)
                for (sent, confidence), key in zip(readings.OWN_CONFIDENCES.items(), keys, strict=True)
            ],
            "reading_rule": blinding.rule_told(request.user),
        }

    def _answered(self, request: StaffRequest, prediction: Prediction) -> dict[str, Any]:
        results = list(prediction.results.all())
        reading = readings.reading_of(request.user, prediction) if may_sign(request.user) else None
        own = reading.own_diagnosis if reading and reading.answered_at else ""
        return {
            "reasons": wording.in_words(prediction.review_reasons),
            "doubts": list(wording.doubt_told(prediction.doubt)),
            "is_demonstration": wording.is_demonstration(prediction),
            "votes": wording.votes(results, prediction.diagnosis),
            "agreeing": sum(result.diagnosis == prediction.diagnosis for result in results),
            "without_a_map": wording.without_a_map(results),
            "heatmaps": [result for result in results if result.heatmap],
            "reading": reading,
            "reading_rule": "" if reading or not may_sign(request.user) else blinding.rule_told(request.user),
            "compared": wording.compared(reading, prediction) if reading else [],
            "differs": bool(reading) and own != prediction.diagnosis,
            "keeps_own": bool(own) and own != prediction.diagnosis,
            "may_take_back": signing.may_take_back(request.user, prediction),
            **results_of(prediction, request.user),
            "seen": signing.version_of(prediction),
            "earlier_signatures": signing.earlier_signatures(prediction),
            "corrections": [choice for choice in Diagnosis.choices if choice[0] != prediction.diagnosis],
            "took": wording.duration(sum(result.milliseconds for result in results)),
        }
