"""A signature stands for one person's film. Where the film turns out to be another's, the signature is withdrawn: it
stays in the history, and a clinician looks anew, with the right record beside the film."""

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import Pattern, told
from backoffice.models import User
from backoffice.records.mixins import REASON_LENGTH
from imaging import settling
from imaging.models import XRayImage
from inference.models import Prediction
from inference.nn.consensus import Reason
from inference.review import readings

WITHDRAWN = Pattern(gettext_noop("Withdrawn: %(reason)s"), reason=told)


def connect() -> None:
    settling.moved.connect(_film_moved, sender=XRayImage, dispatch_uid="withdraw_signatures")
    if _withdrawn_by_a_move not in settling.undone_by_a_move:
        settling.undone_by_a_move.append(_withdrawn_by_a_move)


def _signed(film: XRayImage) -> list[Prediction]:
    signed = Prediction.objects.filter(xray=film, is_validated=True).order_by("pk")
    return list(signed.select_related("reviewed_by"))


def _withdrawn_by_a_move(film: XRayImage) -> list[str]:
    sentence = _("The signature of %(who)s of %(when)s is withdrawn, and its reports are hidden.")
    return [
        sentence % {"who": signed.reviewed_by, "when": date_format(localtime(signed.reviewed_at))}
        for signed in _signed(film)
        if signed.reviewed_at
    ]


def _film_moved(film: XRayImage, by: User, reason: str, **kwargs: object) -> None:
    why = WITHDRAWN(REASON_LENGTH, reason=reason)
    signed = Prediction.objects.filter(xray=film, is_validated=True).order_by("pk").select_for_update(no_key=True)
    for prediction in signed:
        if prediction.reviewed_by:
            readings.forget_signature(prediction, prediction.reviewed_by, by, why)
        prediction.is_validated, prediction.final_diagnosis, prediction.review_notes = False, "", ""
        prediction.verdict = prediction.own_diagnosis = ""
        prediction.reviewed_by = prediction.reviewed_at = prediction.own_confidence = None
        prediction.needs_review = True
        prediction.review_reasons = [*prediction.review_reasons, {"code": Reason.MOVED}]
        prediction._history_user, prediction._change_reason = by, why
        prediction.save()  # which takes along what was written from it: see reports/withdrawing.py
