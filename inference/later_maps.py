"""Heat maps for answers that were stored without, from the very weights and picture that answered. A worker's or a
command's: it asks the networks."""

import hashlib
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from imaging import pixels
from imaging.derived import open_pixels
from inference.calibrating import how, uncalibrated
from inference.models import ModelResult, Prediction
from inference.nn.engine import ModelAnswer
from inference.nn.families import shows_where
from inference.nn.tuning import FARTHEST
from inference.voting import make_ensemble


class CannotDrawError(Exception):
    """A map drawn now would not explain the answer that stands. The message says why, and what a person can do."""


def draw(prediction: Prediction) -> int:
    """Draw what the answer's heat maps lack, and return how many were drawn: not all networks have one.

    Raises CannotDrawError, WeightsError or voting.CannotAnswerError; then nothing is stored.
    """
    without = prediction.results.filter(heatmap=None).select_related("model").order_by("pk")
    lacking = [result for result in without if shows_where(result.model.architecture)]
    if not lacking:
        return 0
    for result in lacking:
        if result.model.sha256 != result.model_sha256:
            raise CannotDrawError(
                _("%(model)s has other weights by now. Ask the models anew.") % {"model": result.model}
            )
    with open_pixels(prediction.xray) as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != prediction.provenance["pixels_sha256"]:
        raise CannotDrawError(_("The picture is no longer the one that was answered about. Ask the models anew."))
    [answers] = make_ensemble([result.model for result in lacking]).predict([pixels.decode(content)])
    made_by = {made["sha256"]: made.get("calibration") for made in prediction.provenance["models"]}
    for result, answer in zip(lacking, answers, strict=True):
        if strays(answer, result, made_by.get(result.model_sha256)):
            told = {"model": result.model}
            raise CannotDrawError(_("%(model)s answers otherwise by now. Ask the models anew.") % told)
    return sum(_store(result, answer) for result, answer in zip(lacking, answers, strict=True))


def strays(answer: ModelAnswer, result: ModelResult, made_by: dict[str, Any] | None) -> bool:
    """Farther than another way of computing the same model may, however each was calibrated (`made_by`: the answer)."""
    labels, now = list(answer.probabilities), {"temperature": result.model.temperature}
    today = uncalibrated(answer.probabilities, now, labels)
    then = uncalibrated(result.probabilities, made_by or how(result.model), labels)
    return bool(np.abs(np.exp(today) - np.exp(then)).max() > FARTHEST)


def _store(result: ModelResult, answer: ModelAnswer) -> int:
    """A map is no change of the answer, and in no history of it. One of another diagnosis is not of this answer."""
    if answer.heatmap is None or answer.diagnosis != result.diagnosis:
        return 0
    return ModelResult.objects.filter(pk=result.pk, heatmap=None).update(heatmap=pixels.encode(answer.heatmap))
