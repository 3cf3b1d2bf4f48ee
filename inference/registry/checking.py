"""Models that were registered are tried before anybody is asked to believe them: here, where torch is.

First apart, by a child with little memory and time (nn/trial.py): whether the file fits its description, and whether
the network answers. Then in this process, on the device that will ask it, which says how fast it is.
"""

import logging
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from typing import IO, Any

import numpy as np
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from backoffice.files import apart
from backoffice.files.apart import Undone, Why
from backoffice.files.local import local_path
from backoffice.formats.kept import Sentence, kept_in_text, ngettext
from imaging import phantom
from inference.models import DiagnosticModel, DiagnosticModelQuerySet
from inference.nn import devices
from inference.nn.backbones import WeightsError
from inference.nn.devices import DeviceLostError
from inference.nn.engine import is_passing
from inference.nn.findings import Code, UnusableError
from inference.nn.weights_file import hash_of
from inference.registry.attempts import FatalModelError, attempt
from inference.registry.finding_words import in_words
from inference.registry.nursery import KIND, nurse
from inference.voting import CannotAnswerError, make_ensemble

logger = logging.getLogger(__name__)

TIMES_ASKED = 3  # the first is slower than those after it
PICTURE_EDGE = 512
APART_DONE = 80  # percent, of the whole

Progress = Callable[[int], None]


class BusyError(Exception):
    """Nothing is known of the model yet: other trials took all places."""


TOLD = (CannotAnswerError, BusyError, WeightsError, FatalModelError)
"""What says to people what is wrong."""


def check_new_models(models: DiagnosticModelQuerySet | None = None) -> None:
    """Try the weights of models registered since the last look.

    What is wrong with a model stays with it until somebody has it tried again. What is wrong with the machine at this
    moment is only noted: the next look tries anew. Raises DeviceLostError where that was the device.
    """
    lost: DeviceLostError | None = None
    for model in DiagnosticModel.objects.unchecked() if models is None else models.unchecked():
        try:
            check(model)
        except DeviceLostError as error:
            lost = error
    if lost:
        raise lost


def check(model: DiagnosticModel, progress: Progress = lambda percent: None) -> None:
    """Try one model, and keep what was found with it. `progress` is called with percent. Raises DeviceLostError."""

    def told(percent: int) -> None:
        DiagnosticModel.objects.filter(pk=model.pk).update(check_progress=percent)
        progress(percent)

    told(0)
    try:
        trial = _apart(model, told)
        with attempt(model):
            trial |= _on_the_device(model)
        told(100)
    except UnusableError as error:
        logger.warning("model %s cannot be used: %s", model.pk, error)
        note_check(model, _summary(error), findings=error.findings)
    except Exception as error:
        said = str(error) if isinstance(error, TOLD) else _named(error)
        logger.warning("model %s cannot be used: %s", model.pk, said, exc_info=not isinstance(error, TOLD))
        passing = isinstance(error, CannotAnswerError | BusyError) or is_passing(error)
        note_check(model, said, is_verdict=not passing)
        if devices.has_failed(error):
            raise DeviceLostError(_named(error)) from error
    else:
        note_check(model, "", trial=trial)


def _apart(model: DiagnosticModel, progress: Progress) -> dict[str, Any]:
    """What the network is. Raises UnusableError where it is not what was described."""
    with _weights_of(model) as file:
        if hash_of(file) != model.sha256:
            raise UnusableError(Code.CHANGED_FILE.found())
        description = {
            "architecture": model.architecture,
            "options": model.options,
            "labels": len(model.labels),
            "channels": len(model.mean),
            "input_size": model.input_size,
        }
        limits: dict[str, Any] = {
            "seconds": settings.WEIGHTS_SECONDS,
            "memory": settings.WEIGHTS_MEMORY_LIMIT,
            "by": nurse,
        }
        try:
            with closing(apart.values("inference.nn.trial:tried", file, kind=KIND, **limits, **description)) as said:
                return _last(said, progress)
        except Undone as undone:
            raise _as_found(undone) from undone


def _weights_of(model: DiagnosticModel) -> IO[bytes]:
    try:
        return local_path(model.weights, sha256=model.sha256).open("rb")
    except FileNotFoundError as error:
        raise UnusableError(Code.NO_FILE.found()) from error


def _last(said: Any, progress: Progress) -> dict[str, Any]:
    for value in said:
        if "progress" in value:
            progress(value["progress"] * APART_DONE // 100)
        elif value["findings"]:
            raise UnusableError(*value["findings"])
        else:
            return {"parameters": value["parameters"], "has_heat": value["has_heat"]}
    raise UnusableError(Code.BROKE_DOWN.found())


def _as_found(undone: Undone) -> Exception:
    match undone.why:
        case Why.BUSY:
            return BusyError(gettext_noop("Other models are being tried at this moment."))
        case Why.MEMORY:
            return UnusableError(Code.TOO_LARGE.found(megabytes=settings.WEIGHTS_MEMORY_LIMIT // 1024**2))
        case Why.TIME:
            return UnusableError(Code.TOO_SLOW.found(seconds=settings.WEIGHTS_SECONDS))
    return UnusableError(Code.BROKE_DOWN.found())


def _on_the_device(model: DiagnosticModel) -> dict[str, Any]:
    """How fast it is where it will be asked, by itself, about one picture at a time."""
    ensemble = make_ensemble([model])
    picture = _a_picture()
    ensemble.predict([picture])
    took = []
    for _time in range(TIMES_ASKED):
        began = time.perf_counter()
        ensemble.predict([picture])
        took.append((time.perf_counter() - began) * 1000)
    made = ensemble.provenance
    return {
        "milliseconds": round(min(took), 1),
        "device": made["device"],
        "device_name": made["device_name"],
        "dtype": made["dtype"],
        "timm": made["timm"],
    }


@cache
def _a_picture() -> np.ndarray:
    return phantom.render("Normal", 0, PICTURE_EDGE)


def _summary(error: UnusableError) -> str:
    """In each language, for lists; the findings themselves are told in their reader's."""
    n = len(error.findings)
    if n == 1:
        return kept_in_text(Sentence(lambda: in_words(error.findings)[0]))
    said = ngettext(
        "The weights do not fit their description in %d point.",
        "The weights do not fit their description in %d points.",
        n,
    )
    return kept_in_text(said % n)


def _named(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def note_check(
    model: DiagnosticModel,
    error: str,
    *,
    is_verdict: bool = True,
    findings: list | None = None,
    trial: dict | None = None,
) -> None:
    """Keep what a try found, with history: a passing fault once, and of two workers that tried it, the first's."""
    if not is_verdict and model.check_error == error:
        return
    noted = DiagnosticModel.objects.filter(pk=model.pk, checked_at=None).update(
        checked_at=timezone.now() if is_verdict else None,
        check_error=error,
        findings=findings or [],
        trial=trial or {},
        updated_at=timezone.now(),
    )
    model.refresh_from_db()
    if noted:
        DiagnosticModel.history.bulk_history_create(
            [model], update=True, default_change_reason=gettext_noop("Tried by a worker")
        )
