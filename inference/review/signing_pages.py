"""Signing in the admin: one answer beside its film, several in the list, and the question before a second signature."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from backoffice.access.people import StaffRequest
from backoffice.admin.base.giving_back import given_back
from backoffice.formats.lists import told_of
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from imaging.models import XRayImage
from imaging.worklist import kept_filters
from inference.models import Diagnosis, Prediction, PredictionQuerySet
from inference.review import signing
from inference.review.signing import AlreadySignedError, CannotSignError


class NeedsReviewFilter(admin.BooleanFieldListFilter):
    """Yes: what waits for a clinician, as the first page counts it. No: everything else."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        waiting = Prediction.objects.needs_review().order_by().values("pk")
        if self.lookup_val == "1":
            return queryset.filter(pk__in=waiting)
        return queryset.exclude(pk__in=waiting) if self.lookup_val == "0" else queryset


class SignsAnswers(admin.ModelAdmin):
    """Mixin of the predictions' admin."""

    def get_urls(self) -> list[URLPattern]:
        sign = self.admin_site.admin_view(self.sign_view)
        return [path("<int:pk>/sign/", sign, name="inference_prediction_sign"), *super().get_urls()]

    def has_sign_permission(self, request: HttpRequest) -> bool:
        return signing.may_sign(request.user)

    def sign_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Sign an answer from the page with the film: agree, or correct it. POST `seen` is its version as it was shown
        there; `confirm` signs over a signature. GET shows what was about to be signed by who was signed out."""
        typed = given_back(request)
        if not (request.method == "POST" or typed) or not self.has_sign_permission(request):
            raise PermissionDenied
        prediction = self.get_object(request, str(pk))
        if prediction is None or prediction.is_gone:
            raise Http404
        if typed:
            return self._ask_to_sign(request, prediction, typed, seen=typed.get(SEEN, ""))
        diagnosis = request.POST.get("final_diagnosis", "")
        if diagnosis not in Diagnosis.values:
            messages.error(request, _("Choose a diagnosis, then sign."))
            return redirect(film_url(prediction, request))
        try:
            self._sign(request, prediction, diagnosis)
        except AlreadySignedError as signed:
            seen = signing.version_of(signed.prediction)
            return self._ask_to_sign(request, signed.prediction, request.POST, seen=seen)
        except CannotSignError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is signed."))
        return redirect(film_url(prediction, request))

    def _sign(self, request: StaffRequest, prediction: Prediction, diagnosis: str) -> None:
        signing.decide(
            prediction,
            by=request.user,
            diagnosis=diagnosis,
            notes=request.POST.get("review_notes", "").strip(),
            seen=request.POST.get(SEEN, ""),
            again="confirm" in request.POST,
        )

    def _ask_to_sign(
        self, request: StaffRequest, prediction: Prediction, sent: QueryDict, *, seen: str
    ) -> HttpResponse:
        """What is about to be signed, beside what somebody has signed already."""
        is_signed = prediction.is_validated
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("This answer is signed already") if is_signed else _("Sign this answer"),
            "prediction": prediction,
            "earlier_signatures": signing.earlier_signatures(prediction),
            "film_url": film_url(prediction, request),
            "seen": seen,
            "choices": Diagnosis.choices,
            "chosen": sent.get("final_diagnosis"),
            "notes": sent.get("review_notes", ""),
            "media": self.media,
        }
        return TemplateResponse(request, "inference/sign_again.html", context)

    @admin.action(description=_("Sign: agree with the models"), permissions=["sign"])
    def validate(self, request: StaffRequest, queryset: PredictionQuerySet) -> None:
        """Of those that this person has opened; each of the others says why not."""
        seen = dict(shown.partition(":")[::2] for shown in request.POST.getlist(SEEN))
        signed = sum(self._agree(request, row, seen.get(str(row.pk), "")) for row in queryset.visible())
        if signed:
            told = ngettext("%d is signed.", "%d are signed.", signed) % signed
            self.message_user(request, told, messages.SUCCESS)

    def _agree(self, request: StaffRequest, prediction: Prediction, seen: str) -> bool:
        try:
            signing.decide(prediction, by=request.user, diagnosis=prediction.diagnosis, seen=seen)
        except CannotSignError as error:
            link = format_html('<a href="{}">{}</a>', film_url(prediction), prediction)
            self.message_user(request, format_html(told_of("{}", "{}"), link, error), messages.ERROR)
            return False
        return True


def as_seen(prediction: Prediction) -> SafeString:
    """What the list's form says of an answer that it shows: `<key>:<version>`. A page of one says the version."""
    shown = f"{prediction.pk}:{signing.version_of(prediction)}"
    return format_html('<input type="hidden" name="{}" value="{}">', SEEN, shown)


def film_url(prediction: Prediction, request: HttpRequest | None = None) -> str:
    """The film's page, with this answer beside it, and what the list was filtered by that `request` came from."""
    query = {"prediction": prediction.pk} | (kept_filters(request) if request else {})
    return f"{admin_url(XRayImage, 'change', prediction.xray_id)}?{urlencode(query)}"
