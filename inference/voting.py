"""The models that vote, as one ensemble in a worker's memory."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings

from backoffice.files.local import local_path
from inference import chosen_device, failures
from inference.models import DiagnosticModel, Prediction
from inference.nn.engine import Ensemble, ModelAnswer, ModelSpec
from inference.nn.preprocessing import Fit, Interpolation, Preprocessing

logger = logging.getLogger(__name__)


class CannotAnswerError(Exception):
    """Trying again cannot mend this. The message says what a person can do, as it is kept: see failures.py."""


# The version of the models (keys and times of change), the models, and their ensemble.
_resident: tuple[list, list[DiagnosticModel], Ensemble] | None = None


def ensemble_in_force() -> tuple[list[DiagnosticModel], Ensemble]:
    """The models that vote, and their ensemble: the one already in memory unless a model has changed since."""
    global _resident
    models = list(DiagnosticModel.objects.voting())
    if not models:
        raise CannotAnswerError(failures.NO_MODEL)
    version = [(model.pk, model.updated_at) for model in models]
    if _resident is None or _resident[0] != version:
        _resident = None  # free the old models before the new ones need the memory
        _resident = version, models, make_ensemble(models)
    return _resident[1:]


def make_ensemble(models: list[DiagnosticModel]) -> Ensemble:
    """An ensemble as the settings want it. Raises CannotAnswerError where this machine lacks the device."""
    specs = [spec_of(model) for model in models]
    try:
        device = chosen_device.of(settings.INFERENCE_DEVICE)
        return Ensemble(
            specs,
            device=device.name,
            memory_limit=settings.INFERENCE_MEMORY_LIMIT,
            tuned=settings.DATA_DIR / "tuned",
        )
    except ValueError as error:
        raise CannotAnswerError(failures.NO_DEVICE(error=error)) from error


def columns_of(prediction: Prediction, model: DiagnosticModel, answer: ModelAnswer) -> dict[str, Any]:
    """What is kept of a model's answer, whether it votes or is in the shadow."""
    return {
        "prediction": prediction,
        "model": model,
        "model_sha256": answer.sha256,
        "diagnosis": answer.diagnosis,
        "confidence": answer.confidence,
        "probabilities": answer.probabilities,
        "milliseconds": answer.milliseconds,
    }


def forget_the_ensemble() -> None:
    """Build it anew for the next batch: what failed may lie in what is in memory."""
    global _resident
    _resident = None


def tune_the_models(goes_on: Callable[[], bool]) -> None:
    """Look for the fastest way of each model that votes, where this machine has not yet; in time that nobody needs."""
    if not settings.INFERENCE_TUNING or not DiagnosticModel.objects.voting().exists():
        return
    _models, ensemble = ensemble_in_force()
    if ensemble.is_tuned:
        return
    try:
        ensemble.tune(goes_on)
    except Exception:
        logger.exception("the models could not be tuned; they answer as they did")


def spec_of(model: DiagnosticModel) -> ModelSpec:
    """The row as the engine, which knows no Django, takes it."""
    return ModelSpec(
        name=model.name,
        architecture=model.architecture,
        options=model.options,
        weights=local_path(model.weights, sha256=model.sha256),
        sha256=model.sha256,
        labels=tuple(model.labels),
        input_size=model.input_size,
        mean=tuple(model.mean),
        std=tuple(model.std),
        temperature=model.temperature,
        preprocessing=Preprocessing(Fit(model.fit), Interpolation(model.interpolation), model.clahe, model.crop_share),
    )
