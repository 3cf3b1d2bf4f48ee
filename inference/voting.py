"""The models that vote, as one ensemble in a worker's memory."""

from django.conf import settings
from django.utils.translation import gettext as _

from backoffice.files.local import local_path
from inference.models import DiagnosticModel
from inference.nn.engine import Ensemble, ModelSpec
from inference.nn.preprocessing import Fit, Interpolation, Preprocessing


class CannotAnswerError(Exception):
    """Trying again cannot mend this. The message says what a person can do."""


# The version of the models (keys and times of change), the models, and their ensemble.
_resident: tuple[list, list[DiagnosticModel], Ensemble] | None = None


def ensemble_in_force() -> tuple[list[DiagnosticModel], Ensemble]:
    """The models that vote, and their ensemble: the one already in memory unless a model has changed since."""
    global _resident
    models = list(DiagnosticModel.objects.voting())
    if not models:
        raise CannotAnswerError(
            _("No model votes. Register models and accept one, or tick “votes” on one, then retry.")
        )
    version = [(model.pk, model.updated_at) for model in models]
    if _resident is None or _resident[0] != version:
        _resident = None  # free the old models before the new ones need the memory
        _resident = version, models, make_ensemble(models)
    return _resident[1:]


def make_ensemble(models: list[DiagnosticModel]) -> Ensemble:
    """An ensemble as the settings want it. Raises CannotAnswerError where this machine lacks the device."""
    specs = [spec_of(model) for model in models]
    try:
        return Ensemble(specs, device=settings.INFERENCE_DEVICE, memory_limit=settings.INFERENCE_MEMORY_LIMIT)
    except ValueError as error:
        raise CannotAnswerError(
            _("INFERENCE_DEVICE does not fit this machine: %(error)s.") % {"error": error}
        ) from error


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
