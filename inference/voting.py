"""The models that vote, as one ensemble in a worker's memory."""

import logging
from collections.abc import Callable
from functools import cache

from django.conf import settings

from backoffice.files.local import local_path
from inference import failures, heartbeat
from inference.models import DiagnosticModel, Worker
from inference.nn import devices
from inference.nn.devices import Device
from inference.nn.engine import Ensemble, ModelSpec
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
        device = device_in_force(settings.INFERENCE_DEVICE)
        return Ensemble(
            specs,
            device=device.name,
            memory_limit=settings.INFERENCE_MEMORY_LIMIT,
            tuned=settings.DATA_DIR / "tuned",
        )
    except ValueError as error:
        raise CannotAnswerError(failures.NO_DEVICE(error=error)) from error


@cache
def device_in_force(wanted: str) -> Device:
    """What this process computes on, chosen at the first question. Raises ValueError where there is no such device."""
    return devices.choose(wanted, settings.DATA_DIR / "run")


_announced = ""


def announce_device() -> None:
    """Say what this worker computes on, in its log and on the first page; once, unless it changes."""
    global _announced
    wanted = settings.INFERENCE_DEVICE
    try:
        device = device_in_force(wanted)
    except ValueError as error:
        told = {"device": "", "device_name": "", "trouble": Worker.Trouble.NO_SUCH_DEVICE, "detail": str(error)}
        level, line = logging.ERROR, f"INFERENCE_DEVICE={wanted} does not fit this machine: {error}"
    else:
        trouble = device.fallback.value if device.fallback else ""
        told = {"device": device.name, "device_name": device.model, "trouble": trouble, "detail": device.detail}
        level, line = logging.INFO, f"computing on {device.name} ({device.model})"
        if trouble:
            level, line = logging.WARNING, f"{line}, no GPU: {device.detail}"
    if line != _announced:
        logger.log(level, "%s", line)
        heartbeat.report(**told)
        _announced = line


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
