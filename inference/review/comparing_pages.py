"""“Run again and compare” in the admin: the same film, today's models, and what is otherwise."""

from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from backoffice.access.people import StaffRequest
from backoffice.models import AccessEvent, User
from backoffice.records.numbers import number_in
from backoffice.web.admin_urls import admin_url
from inference import requests, wording
from inference.models import ModelResult, Prediction, PredictionQuerySet
from inference.review import comparing
from inference.review.blinding import sees_answer


class ComparesAnswers(admin.ModelAdmin):
    """Mixin of the predictions' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/again/", view(self.again_view), name="inference_prediction_again"),
            path("<int:pk>/compare/", view(self.compare_view), name="inference_prediction_compare"),
            *super().get_urls(),
        ]

    def page_links(self, request: HttpRequest, obj: Prediction) -> list[tuple[str, str]]:
        links = super().page_links(request, obj)  # type: ignore[misc]  # of ClinicalAdmin, beside which it is mixed in
        if obj.status != Prediction.Status.COMPLETED or not sees_answer(request.user, obj):
            return links
        return [*links, (_("Run again and compare"), admin_url(obj, "compare", obj.pk))]

    def again_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Ask today's models about the same film, and wait beside what was said before."""
        before = self._answered(request, pk)
        if request.method != "POST" or not request.user.has_perm("inference.add_prediction"):
            raise PermissionDenied
        if before.is_gone:
            raise Http404
        asked = requests.ask([before.xray], by=request.user)
        if asked.over_limit:
            messages.warning(
                request, _("You have asked as often today as you may. Ask a colleague, or again tomorrow.")
            )
            return redirect(admin_url(Prediction, "compare", before.pk))
        new = asked.predictions[0] if asked.predictions else before.xray.predictions.visible().unfinished().first()
        query = f"?{urlencode({'with': new.pk})}" if new else ""
        return redirect(f"{admin_url(Prediction, 'compare', before.pk)}{query}")

    def compare_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """GET `with` is the other answer; without it, the newest one about the same film."""
        this = self._answered(request, pk)
        others = self._of_the_film(request, this)
        other = next((one for one in others if one.pk == number_in(request.GET.get("with"))), None)
        if other is None and "with" in request.GET:
            raise Http404
        other = other or next((one for one in others if one.status == Prediction.Status.COMPLETED), None)
        before, after = sorted([this, other], key=lambda one: one.pk) if other else (this, None)
        is_there = after is not None and after.status == Prediction.Status.COMPLETED
        closed = other if other and not other.is_open else None
        AccessEvent.objects.record(request, AccessEvent.Action.VIEW, this)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Run again and compare"),
            "before": before,
            "after": after,
            "others": [
                one for one in others if one != other and one.status == Prediction.Status.COMPLETED and one.is_open
            ],
            "this": this,
            "film_url": _film_with(this),
            "comparison": comparing.compared(before, after) if is_there and after and not closed else None,
            "closed_url": closed
            and f"{admin_url(closed.xray, 'change', closed.xray_id)}?{urlencode({'prediction': closed.pk})}",
            "waits": after is not None and after.is_unfinished,
            "queue": wording.queue_told(after) if after and after.status == Prediction.Status.PENDING else "",
            "may_ask": request.user.has_perm("inference.add_prediction") and not this.is_gone,
            "media": self.media,
        }
        return TemplateResponse(request, "inference/compare.html", context)

    def _answered(self, request: StaffRequest, pk: int) -> Prediction:
        """Raises PermissionDenied, also for whom what the models said is closed to, and Http404 where there is none."""
        found = self._with_results(self.get_queryset(request), request.user).filter(pk=pk).first()
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        if found is None or found.status != Prediction.Status.COMPLETED:
            raise Http404
        if not found.is_open:
            raise PermissionDenied
        return found

    def _of_the_film(self, request: StaffRequest, this: Prediction) -> list[Prediction]:
        """The other answers about its film, the newest first, each with its `is_open` for this person."""
        others = self._with_results(self.get_queryset(request), request.user)
        return list(others.filter(xray=this.xray_id, hidden_at=None).exclude(pk=this.pk).order_by("-pk"))

    @staticmethod
    def _with_results(rows: QuerySet, user: User) -> QuerySet:
        results = ModelResult.objects.select_related("model").defer("heatmap")
        answers = cast(PredictionQuerySet, rows).with_answers_for(user)
        return answers.select_related("xray__patient").prefetch_related(Prefetch("results", results))


def _is_told(answer: Prediction) -> bool:
    return answer.status == Prediction.Status.COMPLETED and answer.is_open


def _film_with(answer: Prediction) -> str:
    return f"{admin_url(answer.xray, 'change', answer.xray_id)}?{urlencode({'prediction': answer.pk})}"
