"""Models in the shadow answer too, when nobody waits: for their figures alone.

What they say is kept in a table that no page, list or file of an answer reads. They are asked about what the ensemble
has answered: what is signed already, so that there are figures from the first day, and whatever came after them.
"""

import logging
from collections.abc import Callable, Iterator

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from backoffice.files.apart import Undone
from imaging import pixels
from imaging.decoded import Refused
from imaging.derived import open_pixels
from inference.calibrating import calibrated
from inference.models import DiagnosticModel, Prediction, PredictionQuerySet, ShadowAnswer
from inference.nn import devices
from inference.nn.devices import DeviceLostError
from inference.nn.engine import Ensemble, ModelAnswer, WeightsError, is_passing
from inference.registry.attempts import FatalModelError, attempt
from inference.registry.checking import note_check
from inference.voting import CannotAnswerError, columns_of, make_ensemble

logger = logging.getLogger(__name__)

AT_ONCE = 4  # so that a film which somebody asks about meanwhile waits for no more
MOST_LOOKED_AT = 2000  # of the newest answers


def answer_beside(may_go_on: Callable[[], bool]) -> int:
    """Ask the models in the shadow about what they have not seen; between pictures, ask whether to go on. Returns how
    many answers were kept. Raises DeviceLostError where another process has to go on."""
    kept = 0
    for model in DiagnosticModel.objects.in_the_shadow():
        try:
            kept += sum(_answers_of(model, may_go_on))
        except FatalModelError as error:
            _give_up_on(model, error)
        except Exception as error:
            logger.warning("model %s cannot answer in the shadow", model.pk, exc_info=True)
            passing = isinstance(error, CannotAnswerError) or is_passing(error)
            if isinstance(error, WeightsError) or not passing:
                _give_up_on(model, error)
            if devices.has_failed(error):
                raise DeviceLostError(f"{type(error).__name__}: {error}") from error
    return kept


def _answers_of(model: DiagnosticModel, may_go_on: Callable[[], bool]) -> Iterator[int]:
    unseen = list(_unseen_by(model).values_list("pk", flat=True))
    ensemble: Ensemble | None = None
    for start in range(0, len(unseen), AT_ONCE):
        if not may_go_on():
            return
        some = list(Prediction.objects.filter(pk__in=unseen[start : start + AT_ONCE]).select_related("xray"))
        readable, pictures = _read(some)
        with attempt(model):
            ensemble = ensemble or make_ensemble([model])
            answers = ensemble.predict(pictures, heatmaps=False)
        yield keep(model, readable, [calibrated(answer, model.vector_scaling) for (answer,) in answers])


def _unseen_by(model: DiagnosticModel) -> PredictionQuerySet:
    newest = Prediction.objects.filter(status=Prediction.Status.COMPLETED).order_by("-pk").values_list("pk", flat=True)
    answered = Prediction.objects.visible().filter(pk__in=list(newest[:MOST_LOOKED_AT]))
    counts = Q(is_validated=True) | Q(finished_at__gte=model.created_at)
    seen = ShadowAnswer.objects.filter(model=model, prediction=OuterRef("pk"))
    return answered.filter(counts, ~Exists(seen)).exclude(diagnosis="").order_by("-is_validated", "-pk")


def _read(predictions: list[Prediction]) -> tuple[list[Prediction], list[np.ndarray]]:
    """Those whose canonical picture can be read, uint8 H×W. Others were answered when theirs was there, and say so on
    their own page."""
    readable, pictures = [], []
    for prediction in predictions:
        try:
            with open_pixels(prediction.xray) as file:
                pictures.append(pixels.decode(file.read()))
        except (OSError, ValueError, Refused, Undone):
            continue
        readable.append(prediction)
    return readable, pictures


@transaction.atomic
def keep(model: DiagnosticModel, predictions: list[Prediction], answers: list[ModelAnswer]) -> int:
    """Keep what a model said, unless it has left the shadow meanwhile: each answer once, whichever worker gave it."""
    locked = DiagnosticModel.objects.select_for_update(of=("self",), no_key=True)
    if not locked.in_the_shadow().filter(pk=model.pk, sha256=model.sha256).exists():
        return 0
    rows = [
        ShadowAnswer(**columns_of(prediction, model, answer))
        for prediction, answer in zip(predictions, answers, strict=True)
    ]
    return len(ShadowAnswer.objects.bulk_create(rows, ignore_conflicts=True))


def _give_up_on(model: DiagnosticModel, error: Exception) -> None:
    """It answers no more until somebody has it tried again."""
    told = str(error) if isinstance(error, WeightsError | FatalModelError) else f"{type(error).__name__}: {error}"
    DiagnosticModel.objects.filter(pk=model.pk).update(checked_at=None)
    note_check(model, told)
