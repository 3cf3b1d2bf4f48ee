"""Reading and signing in the admin: one's own answer, then the models' beside its film, several in the list, the
question before a second signature, and taking one's own back."""

from typing import cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from backoffice.access.people import StaffRequest
from backoffice.admin.base.giving_back import given_back
from backoffice.formats.lists import told_of
from backoffice.records.seen import SEEN
from backoffice.web.admin_urls import admin_url
from imaging.models import XRayImage
from imaging.neighbours import kept_filters
from inference.models import Diagnosis, Prediction, PredictionQuerySet
from inference.review import readings, signing, worklist
from inference.review.blinding import sees_answer
from inference.review.readings import CannotReadError
from inference.review.roles import may_sign
from inference.review.signing import AlreadySignedError, CannotSignError
from inference.review.taking import TakenError

IN_THE_WORKLIST = "worklist"  # in a film's address: which part of the worklist its reader goes through
JUST_SIGNED = "just_signed"

_URGENT = _(
    "Urgent: the models say %(finding)s, which this clinic calls an urgent finding. Before you go on to another case, "
    "sign this one or tell whoever treats the patient."
)


class NeedsReviewFilter(admin.BooleanFieldListFilter):
    """Yes: what waits for a clinician because of what the models say. No: everything else. Either way only of what is
    open to whoever asks."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.lookup_val not in ("0", "1"):
            return queryset
        waiting = Prediction.objects.needs_review().order_by().values("pk")
        told = opened(queryset).answers_seen_by(request.user)
        return told.filter(pk__in=waiting) if self.lookup_val == "1" else told.exclude(pk__in=waiting)


class DiagnosisFilter(admin.ChoicesFieldListFilter):
    """What the models say, of what is open to whoever asks."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet | None:
        told = opened(queryset).answers_seen_by(request.user) if self.used_parameters else queryset
        return super().queryset(request, told)


def opened(rows: QuerySet) -> PredictionQuerySet:
    """The same rows, where Django hands on just any queryset."""
    return cast(PredictionQuerySet, rows)


class SignsAnswers(admin.ModelAdmin):
    """Mixin of the predictions' admin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/own/", view(require_POST(self.own_view)), name="inference_prediction_own"),
            path("<int:pk>/sign/", view(self.sign_view), name="inference_prediction_sign"),
            path("<int:pk>/take-back/", view(require_POST(self.take_back_view)), name="inference_prediction_take_back"),
            *super().get_urls(),
        ]

    def has_sign_permission(self, request: HttpRequest) -> bool:
        return may_sign(request.user)

    def own_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Keep the reader's own answer: POST `own_diagnosis`, and `own_confidence` as readings.py offers it."""
        prediction = self._to_decide_on(request, pk)
        diagnosis = request.POST.get("own_diagnosis", "")
        confidence = readings.OWN_CONFIDENCES.get(request.POST.get("own_confidence", ""))
        if diagnosis not in dict(readings.diagnoses()) or confidence is None:
            messages.error(request, _("Choose what you see and how sure you are: both are kept."))
            return redirect(film_url(prediction, request))
        is_one_of_four = diagnosis in Diagnosis.values
        try:
            readings.answer(
                prediction, by=request.user, diagnosis=diagnosis if is_one_of_four else "", confidence=confidence
            )
        except (CannotReadError, TakenError) as error:
            messages.error(request, str(error))
        else:
            if prediction.waits_with_an_urgent_finding:
                messages.error(request, _URGENT % {"finding": prediction.get_diagnosis_display()})
        return redirect(film_url(prediction, request))

    def take_back_view(self, request: StaffRequest, pk: int) -> HttpResponse:
        """Take back the signature of whoever asks."""
        prediction = self._to_decide_on(request, pk)
        try:
            drafts = signing.take_back(prediction, by=request.user)
        except CannotSignError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Your signature is taken back."))
            if in_the_worklist(request):
                worklist.take_first_of([pk], worklist.Show.ALL, by=request.user)
            if drafts:
                told = ngettext(
                    "%d draft of a report is hidden with it.", "%d drafts of reports are hidden with it.", drafts
                )
                messages.info(request, told % drafts)
        return redirect(film_url(prediction, request))

    def _to_decide_on(self, request: StaffRequest, pk: int) -> Prediction:
        if not self.has_sign_permission(request):
            raise PermissionDenied
        prediction = self.get_object(request, str(pk))
        if prediction is None or prediction.is_gone:
            raise Http404
        return prediction

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
        if diagnosis not in dict(signing.SIGNED_AS):
            messages.error(request, _("Choose a diagnosis, then sign."))
            return redirect(film_url(prediction, request))
        show = in_the_worklist(request)
        following = worklist.after(request.user, show, prediction.pk) if show else []  # while it still stands there
        try:
            self._sign(request, prediction, diagnosis)
        except AlreadySignedError as signed:
            seen = signing.version_of(signed.prediction)
            return self._ask_to_sign(request, signed.prediction, request.POST, seen=seen)
        except CannotSignError as error:
            messages.error(request, str(error))
        else:
            if show:
                return go_on(request, following, show, signed=prediction)
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
        if not sees_answer(request.user, prediction):
            return redirect(film_url(prediction, request))
        is_signed = prediction.is_validated
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("This answer is signed already") if is_signed else _("Sign this answer"),
            "prediction": prediction,
            "earlier_signatures": signing.earlier_signatures(prediction),
            "film_url": film_url(prediction, request),
            "seen": seen,
            "choices": signing.SIGNED_AS,
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
    """The film's page, with this answer beside it, and what the list was filtered by that `request` came from, or which
    part of the worklist it goes through."""
    query = {"prediction": str(prediction.pk)} | (kept_filters(request) if request else {})
    if request and (show := in_the_worklist(request)):
        query[IN_THE_WORKLIST] = show.value
        if just_signed := request.GET.get(JUST_SIGNED):
            query[JUST_SIGNED] = just_signed
    return f"{admin_url(XRayImage, 'change', prediction.xray_id)}?{urlencode(query)}"


# -- Through the worklist ----------------------------------------------------------------------------------------------


def in_the_worklist(request: HttpRequest) -> worklist.Show | None:
    """Which part of the worklist this page's reader goes through; None where they came another way."""
    asked = request.GET.get(IN_THE_WORKLIST)
    return worklist.shown(asked) if asked else None


def case_url(case: Prediction, show: worklist.Show) -> str:
    """A case's page, for whoever goes through that part of the worklist."""
    return f"{film_url(case)}&{urlencode({IN_THE_WORKLIST: show.value})}"


def list_url(show: worklist.Show) -> str:
    return f"{reverse('worklist:list')}?{urlencode({'show': show.value})}"


def go_on(
    request: StaffRequest, keys: list[int], show: worklist.Show, signed: Prediction | None = None
) -> HttpResponse:
    """On to the first of these cases that nobody else reads; to the list, where there is none."""
    case = worklist.take_first_of(keys, show, by=request.user)
    address = case_url(case, show) if case else list_url(show)
    return redirect(f"{address}&{urlencode({JUST_SIGNED: signed.pk})}" if signed else address)
