"""Do the models answer as they did? Fixed pictures, each model as it is loaded, tuned and asked here: every night, and
when somebody presses. Whichever worker is given that job asks each one that lives; each looks once it has time.

On one device, with the same libraries, in the same way, the answers are equal to the last bit, or something is wrong.
Another library may move them by FARTHEST, as another way may (nn/tuning.py): it is noted all the same until a person
has accepted it. What was changed on purpose, in the admin or by tuning, makes a new baseline by itself, which says so.
"""

import hashlib
import logging
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from django.conf import settings

from imaging import phantom
from inference import heartbeat
from inference.models import DiagnosticModel, MorningBaseline, MorningCheck, Worker
from inference.nn import devices, machine
from inference.nn.devices import DeviceLostError
from inference.nn.engine import Ensemble
from inference.nn.tuning import FARTHEST, key_of
from inference.voting import forget_the_ensemble, make_ensemble

logger = logging.getLogger(__name__)

SEEDS, EDGE = (21, 22), 320  # of the fixed pictures, one of each diagnosis and seed
DRIVER = Path("/proc/driver/nvidia/version")

Because, Outcome = MorningBaseline.Because, MorningCheck.Outcome

# What a line says. figures/mornings.py tells it in words.
SAME, FIRST, CHANGED_HERE, TUNED = "same", "first", "changed_here", "tuned"
LIBRARY, ELSEWHERE = "library", "elsewhere"
BITS, STRAYS, PICTURES, PAST_THE_HISTORY, FAILS = "bits", "strays", "pictures", "past_the_history", "fails"
OUTCOMES = {
    **dict.fromkeys((SAME, FIRST, CHANGED_HERE, TUNED), Outcome.SAME),
    **dict.fromkeys((LIBRARY, ELSEWHERE), Outcome.NOTED),
    **dict.fromkeys((BITS, STRAYS, PICTURES, PAST_THE_HISTORY, FAILS), Outcome.CHANGED),
}
WORST_FIRST = (Outcome.CHANGED, Outcome.NOTED, Outcome.SAME)


@dataclass(frozen=True)
class Answers:
    """What a model said of the fixed pictures: a probability for each picture and label, and all that decides it."""

    key: str
    way: str
    machine: dict[str, str]
    pictures: str
    answers: list[dict[str, float]]


def check_everywhere() -> MorningCheck | None:
    """Have every worker check its models, this one at once."""
    Worker.objects.ask_for_a_check()
    Worker.objects.checks_itself(heartbeat.name())
    return check()


def check_where_asked() -> MorningCheck | None:
    """What this worker was asked for; None where it was not."""
    return check() if Worker.objects.checks_itself(heartbeat.name()) else None


def check() -> MorningCheck | None:
    """Ask every model that votes, and keep what was found; None where none votes. Raises DeviceLostError where another
    process has to go on."""
    models = list(DiagnosticModel.objects.voting())
    if not models:
        return None
    forget_the_ensemble()  # what is in memory is not what is on disk, and needs the memory
    began, host, place, found = time.monotonic(), heartbeat.host(), "", []
    for model in models:
        line, ensemble = _line_of(model)
        found.append({"model": model.pk, "name": model.name, "version": model.version, **line})
        if ensemble:
            host, place = host_of(ensemble), place_of(ensemble)
    outcome = min((OUTCOMES[line["code"]] for line in found), key=WORST_FIRST.index)
    return MorningCheck.objects.create(
        host=host, place=place, outcome=outcome, found=found, seconds=round(time.monotonic() - began, 2)
    )


def _line_of(model: DiagnosticModel) -> tuple[dict[str, Any], Ensemble | None]:
    """What is said of one model, and what was asked; None where it could not be."""
    try:
        ensemble = make_ensemble([model])
        now = _asked(ensemble)
    except Exception as error:
        logger.exception("model %s cannot be checked", model.pk)
        if devices.has_failed(error):
            raise DeviceLostError(f"{type(error).__name__}: {error}") from error
        return {"code": FAILS, "error": f"{type(error).__name__}: {error}"[:300]}, None
    return _compared(model, now, host_of(ensemble), place_of(ensemble)), ensemble


def host_of(ensemble: Ensemble) -> str:
    """Which GPU of it, too: each has a worker of its own."""
    named, device = heartbeat.host(), ensemble.device
    return named if device.index is None else f"{named} {device}"


def place_of(ensemble: Ensemble) -> str:
    return f"{ensemble.device.type} · {machine.described(ensemble.device)['device']}"[:200]


def _asked(ensemble: Ensemble) -> Answers:
    rows = ensemble.predict(fixed_pictures(), settings.INFERENCE_HEATMAPS)
    return Answers(
        key_of(ensemble.models[0]),
        str(ensemble.ways[0]),
        _libraries(ensemble),
        _hash_of_pictures(),
        [answer.probabilities for (answer,) in rows],
    )


def _libraries(ensemble: Ensemble) -> dict[str, str]:
    """With their versions, and the driver's: whatever may change an answer without anybody's touching a model."""
    told = {name: said for name, said in machine.described(ensemble.device).items() if name != "device"}
    told |= {"opencv": cv2.__version__, "numpy": np.__version__, "python": sys.version.split()[0]}
    if ensemble.device.type == "cuda" and DRIVER.exists():
        told["driver"] = DRIVER.read_text().partition("\n")[0][:150]
    return told


@cache
def fixed_pictures() -> tuple[np.ndarray, ...]:
    return tuple(phantom.render(diagnosis, seed, EDGE) for diagnosis in phantom.DIAGNOSES for seed in SEEDS)


def _hash_of_pictures() -> str:
    found = hashlib.sha256()
    for picture in fixed_pictures():
        found.update(repr(picture.shape).encode() + picture.tobytes())
    return found.hexdigest()


# -- Comparing --------------------------------------------------------------------------------------------------------


def _compared(model: DiagnosticModel, now: Answers, host: str, place: str) -> dict[str, Any]:
    """A machine that has no baseline of its own is held to the newest of the same device: one of them differs, then."""
    ours = MorningBaseline.objects.filter(model=model).order_by("-pk")
    of_place = ours.filter(place=place)
    here = of_place.filter(host=host).first() or of_place.first()
    set_new = partial(_new_baseline, model, now, host=host, place=place)
    if here is None:
        return _first_here(now, place, ours.filter(key=now.key).first(), set_new)
    if here.key != now.key:
        if not history_tells_of(model):
            return _line(PAST_THE_HISTORY, now)
        return set_new(Because.CHANGED_HERE, CHANGED_HERE)
    if here.pictures != now.pictures:
        return _line(PICTURES, now, changed=changed_libraries(here.machine, now.machine))
    apart, changed = _apart(here.answers, now.answers), changed_libraries(here.machine, now.machine)
    if apart is None or apart > FARTHEST:
        return _line(STRAYS, now, apart=apart, changed=changed)
    if changed:
        return _line(LIBRARY, now, apart=apart, changed=changed)
    if here.way != now.way:
        return set_new(Because.TUNED, TUNED, apart=apart, ways=[here.way, now.way])
    return _line(SAME) if here.answers == now.answers else _line(BITS, now, apart=apart)


def _first_here(
    now: Answers, place: str, elsewhere: MorningBaseline | None, set_new: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    """A device that has no baseline of this model yet is held to another one's."""
    if elsewhere is None or elsewhere.pictures != now.pictures:
        return set_new(Because.FIRST, FIRST)
    apart = _apart(elsewhere.answers, now.answers)
    if apart is None or apart > FARTHEST:
        return _line(STRAYS, now, apart=apart, changed=[["device", elsewhere.place, place]])
    return set_new(Because.FIRST, FIRST, apart=apart)


def _line(code: str, now: Answers | None = None, **said: Any) -> dict[str, Any]:
    """`now` stays with what a person may accept."""
    return {"code": code, **said, **({"now": asdict(now)} if now else {})}


def _new_baseline(
    model: DiagnosticModel, now: Answers, because: str, code: str, *, host: str, place: str, **said: Any
) -> dict[str, Any]:
    MorningBaseline.objects.create(model=model, host=host, place=place, because=because, **asdict(now))
    return _line(code, **said)


def _apart(before: list[dict[str, float]], now: list[dict[str, float]]) -> float | None:
    """The farthest that a probability has moved; None where a diagnosis has changed, or the labels are others."""
    if len(before) != len(now):
        return None
    farthest = 0.0
    for was, said in zip(before, now, strict=True):
        if was.keys() != said.keys() or max(was, key=was.__getitem__) != max(said, key=said.__getitem__):
            return None
        farthest = max(farthest, *(abs(was[label] - p) for label, p in said.items()))
    return farthest


def changed_libraries(before: dict[str, str], now: dict[str, str]) -> list[list[str]]:
    return [
        [name, before.get(name, "–"), now.get(name, "–")]
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def history_tells_of(model: DiagnosticModel) -> bool:
    """Whether the model is as its newest version in the history: whoever writes past it leaves no name."""
    newest = model.history.order_by("-history_id").first()
    names = ("sha256", "architecture", "options", "input_size", "mean", "std", "temperature", "labels", "fit",
             "interpolation", "clahe", "crop_share")  # fmt: skip
    return newest is not None and all(getattr(newest, name) == getattr(model, name) for name in names)
