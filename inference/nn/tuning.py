"""Each machine finds out which way of computing a model is the fastest here, and remembers it. Torch; no Django.

The ways are timed on fixed pictures. One whose answers stray from those in single precision, or that fails, is refused,
and why is kept beside what was found.
"""

import fcntl
import hashlib
import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from imaging import phantom
from inference.nn import machine
from inference.nn.by_openvino import tidy
from inference.nn.networks import Network
from inference.nn.residence import prepare
from inference.nn.specs import ModelSpec
from inference.nn.ways import REFERENCE, Way, shapes_on, ways_on

logger = logging.getLogger(__name__)

FARTHEST = 0.01  # that a probability may be from the reference's
WORTH_IT = 0.95  # of the reference's time: less is not worth another's bits
SEEDS, EDGE = (11, 12), 320  # of the fixed pictures, one of each diagnosis and seed
LEAST, MOST, SECONDS = 5, 30, 1.0  # how often a way is timed, and for how long
FILE = "ways.json"


@dataclass
class Tuned:
    """What was found of one model: the way that was chosen, by name; of each way its milliseconds for a picture (the
    mean over the shapes of a batch), or why it was refused."""

    way: str
    milliseconds: dict[str, float] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def tune(spec: ModelSpec, device: torch.device, kept: Path | None = None) -> Tuned:
    """Time every way there is here. Raises what the reference raises: then nothing is known of the model."""
    pictures = fixed_pictures(spec).to(device)
    reference, milliseconds = _tried(prepare(spec, REFERENCE, device), spec, pictures)
    found = Tuned(str(REFERENCE), {str(REFERENCE): milliseconds})
    for way in ways_on(device)[1:]:
        try:
            answers, milliseconds = _tried(prepare(spec, way, device, kept), spec, pictures)
        except Exception as error:  # whatever a library has against this network, there is another way
            found.refused[str(way)] = f"{type(error).__name__}: {error}"[:300]
            logger.info("%s cannot be computed by %s", spec.name, way, exc_info=True)
        else:
            if why := objection_to(answers, reference):
                found.refused[str(way)] = why
            else:
                found.milliseconds[str(way)] = milliseconds
    fastest = min(found.milliseconds, key=found.milliseconds.__getitem__)
    if found.milliseconds[fastest] <= WORTH_IT * found.milliseconds[str(REFERENCE)]:
        found.way = fastest
    logger.info("%s is computed by %s: %s", spec.name, found.way, asdict(found))
    return found


def objection_to(answers: Tensor, reference: Tensor) -> str:
    """Why a way's probabilities (N×classes) will not do beside the reference's; empty where they will."""
    if not answers.isfinite().all():
        return "its answers are not finite"
    farthest = float((answers - reference).abs().max())
    if farthest > FARTHEST:
        return f"a probability moves by {farthest:.4f}"
    if changed := int((answers.argmax(1) != reference.argmax(1)).sum()):
        return f"{changed} of {len(answers)} diagnoses change"
    return ""


def fixed_pictures(spec: ModelSpec) -> Tensor:
    """What the model sees of them: uint8 N×1×S×S."""
    inputs = [spec.preprocessing.model_input(picture, spec.input_size) for picture in _phantoms()]
    return torch.from_numpy(np.stack(inputs)).unsqueeze(1)


@cache
def _phantoms() -> list[np.ndarray]:
    return [phantom.render(diagnosis, seed, EDGE) for diagnosis in phantom.DIAGNOSES for seed in SEEDS]


def _tried(network: Network, spec: ModelSpec, pictures: Tensor) -> tuple[Tensor, float]:
    """Probabilities, and milliseconds for a picture; with heat maps, as the worker asks."""
    logits = torch.cat([network.answer(picture[None], True)[0] for picture in pictures])
    shapes = [shape for shape in shapes_on(pictures.device) if shape <= len(pictures)]
    milliseconds = float(np.mean([_milliseconds(network, pictures[:shape]) / shape for shape in shapes]))
    return (logits.double() / spec.temperature).softmax(1).cpu(), milliseconds


def _milliseconds(network: Network, batch: Tensor) -> float:
    """The best of several times; on a processor by the clock or by this process's share of it, whichever is less: where
    others work, the clock tells of them."""
    took: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(took) < LEAST or (len(took) < MOST and time.perf_counter() < until):
        began, cpu = time.perf_counter(), time.process_time()
        network.answer(batch, True)[0].cpu()  # on a GPU: until it is there
        seconds = time.perf_counter() - began
        took.append(seconds if batch.is_cuda else min(seconds, time.process_time() - cpu))
    return min(took) * 1000


# -- What is remembered -----------------------------------------------------------------------------------------------


class Memory:
    """What this machine has found, in a folder of its own; what others are looking for at this moment is not lost.

    Filed by device and versions, so that after an update of torch, or on another processor, every model is tuned anew.
    """

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.folder, self.device = folder, device
        self.file = folder / FILE

    def of(self, spec: ModelSpec) -> Tuned | None:
        found = self._read().get(self._here(), {}).get(key_of(spec))
        return Tuned(**found) if found else None

    def way_of(self, spec: ModelSpec) -> Way | None:
        return Way.named(found.way) if (found := self.of(spec)) else None

    def tune(self, spec: ModelSpec) -> Tuned:
        """Find out anew, and remember it. A process that is killed by it leaves the reference, so that the next one
        does not try the same."""
        self._write(spec, Tuned(str(REFERENCE), refused={"all": "a process ended while it tried them"}))
        try:
            found = tune(spec, self.device, self.folder)
        except BaseException:
            self._write(spec, None)
            raise
        self._write(spec, found)
        return found

    def _write(self, spec: ModelSpec, found: Tuned | None) -> None:
        with self._locked():
            document = self._read()
            here = document.setdefault(self._here(), {})
            if found:
                here[key_of(spec)] = asdict(found)
            else:
                here.pop(key_of(spec), None)
            draft = self.file.with_suffix(".part")
            draft.write_text(json.dumps(document, indent=1, ensure_ascii=False))
            draft.replace(self.file)
            tidy(self.folder)

    def _here(self) -> str:
        return json.dumps(machine.described(self.device), sort_keys=True)

    def _read(self) -> dict[str, dict[str, dict]]:
        try:
            return json.loads(self.file.read_text())
        except FileNotFoundError:
            return {}
        except ValueError:
            logger.warning("%s is damaged; the models are tuned anew", self.file)
            return {}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.file.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def key_of(spec: ModelSpec) -> str:
    """The same weights read in the same way."""
    said = [spec.sha256, spec.architecture, spec.options, spec.input_size, spec.mean, spec.std, spec.temperature]
    preprocessing = asdict(spec.preprocessing)
    return hashlib.sha256(json.dumps([*said, preprocessing], sort_keys=True).encode()).hexdigest()[:16]
