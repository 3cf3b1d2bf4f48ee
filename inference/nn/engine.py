"""Ask several networks about pictures, within a memory limit. Torch; no Django."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from inference.nn import machine
from inference.nn.backbones import WeightsError
from inference.nn.families import shows_where
from inference.nn.networks import Network
from inference.nn.residence import Residence, give_memory_back, prepare
from inference.nn.specs import ModelAnswer, ModelSpec
from inference.nn.tuning import Memory
from inference.nn.ways import REFERENCE, Runner, Way, shapes_on, ways_on

__all__ = ["Ensemble", "ModelAnswer", "ModelSpec", "WeightsError"]

DEFAULT_MEMORY_LIMIT = 8 * 2**30
# The other half of the memory is for what a batch needs while it is in a network.
SHARE_FOR_WEIGHTS = 0.5
MANY = 8  # pictures between two calls of `progress`, where a network takes any number


class Ensemble:
    """Models that stay in memory between calls as far as they fit.

    `device` is "auto", "cpu", "cuda" or "cuda:N". `memory_limit` is in bytes: half of it is for
    resident weights, of which the least recently used leave first; on CUDA the whole of it is
    also a hard limit for this process.

    `tuned` is the folder in which this machine remembers how it computes each model fastest (tuning.py); `tune` looks
    for it. A model that is not tuned is computed by torch, on CUDA in half precision. `dtype` names a precision
    ("float32", "bfloat16", "float16") for all of them instead.

    A batch always has one of the `shapes`, so that it meets the same kernels, and a picture's answer has the same bits,
    whatever came with it.
    """

    def __init__(
        self,
        models: Sequence[ModelSpec],
        device: str = "auto",
        memory_limit: int = DEFAULT_MEMORY_LIMIT,
        dtype: str | None = None,
        tuned: Path | None = None,
        shapes: Sequence[int] | None = None,
    ) -> None:
        if not models:
            raise ValueError("an ensemble needs at least one model")
        self.models = tuple(models)
        self.device = choose_device(device)
        self.memory = Memory(tuned, self.device) if tuned and not dtype else None
        self.ways = [self._way_of(spec, dtype) for spec in self.models]
        self.memory_limit = memory_limit
        self.shapes = tuple(sorted(shapes or shapes_on(self.device)))
        self.many = MANY
        self._ahead: dict[int, Future[Network]] = {}
        self.resident = Residence(self._load, memory_limit * SHARE_FOR_WEIGHTS)
        torch.set_num_threads(machine.threads())
        cv2.setNumThreads(1)  # a picture has one of our threads already
        if self.device.type == "cuda":
            total = torch.cuda.get_device_properties(self.device).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, memory_limit / total), self.device)

    def _way_of(self, spec: ModelSpec, dtype: str | None) -> Way:
        if dtype:
            return Way(Runner.TORCH, dtype)
        remembered = self.memory.way_of(spec) if self.memory else None
        return remembered or untuned_way(self.device)

    def _load(self, index: int, make_room: Callable[[int], None]) -> Network:
        if index in self._ahead:
            return self._ahead.pop(index).result()
        return self._prepared(index, make_room)

    def _prepared(self, index: int, make_room: Callable[[int], None]) -> Network:
        kept = self.memory.folder if self.memory else None
        return prepare(self.models[index], self.ways[index], self.device, kept, make_room)

    def tune(self, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Look for the fastest way of each model for which this machine has not yet, as long as `goes_on()`.

        It takes seconds to minutes a model, and the memory of two. Raises as `predict` does.
        """
        if self.memory is None:
            raise ValueError("an ensemble is tuned in a folder that remembers it")
        self.resident.clear()
        for index, spec in enumerate(self.models):
            if self.memory.way_of(spec) is None and goes_on():
                self.ways[index] = Way.named(self.memory.tune(spec).way)
        self.__dict__.pop("provenance", None)

    @property
    def is_tuned(self) -> bool:
        return self.memory is None or all(self.memory.way_of(spec) for spec in self.models)

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What computed the answers; together with the SHA-256s it explains differences."""
        here = machine.described(self.device)
        return {
            **here,
            "device": str(self.device),
            "device_name": here["device"],
            "dtype": " ".join(sorted({way.dtype for way in self.ways})),
            "ways": {spec.name: str(way) for spec, way in zip(self.models, self.ways, strict=True)},
            "batches": list(self.shapes),
            "opencv": cv2.__version__,
        }

    def predict(
        self,
        pictures: Sequence[np.ndarray],
        heatmaps: bool = True,
        progress: Callable[[float], None] | None = None,
    ) -> list[list[ModelAnswer]]:
        """Return for each picture (uint8 H×W, any size) every model's answer, in `models`' order.

        `progress` is called with the share done (0–1) after each batch; whatever it raises ends
        the work and is passed on. Raises WeightsError where a model cannot be used at all and
        torch.OutOfMemoryError where not even one picture fits.
        """
        if not pictures:
            return []
        answers: list[list[ModelAnswer]] = [[] for _ in self.models]
        with ThreadPoolExecutor(machine.cores()) as threads:
            inputs = _Inputs(pictures, self.models, threads, self.device)
            self._ahead = self._loaded_ahead(threads)
            done = 0
            try:
                for index, some in self._asked(inputs, heatmaps):
                    answers[index] += _answers(self.models[index], some)
                    done += some.count
                    if progress:
                        progress(done / (len(pictures) * len(self.models)))
            finally:
                for loading in self._ahead.values():
                    loading.cancel()
                self._ahead = {}
        return [
            [_over_the_picture(answers[i][n], picture, model) for i, model in enumerate(self.models)]
            for n, picture in enumerate(pictures)
        ]

    def _asked(self, inputs: "_Inputs", heatmaps: bool) -> Iterator[tuple[int, "_Raw"]]:
        """Yield what the models say, batch by batch. A GPU is given all its work before anything is fetched,
        so that it never waits for Python."""
        waiting: list[tuple[int, _Raw]] = []
        for index in self._resident_first():
            network, spec = self.resident[index], self.models[index]
            shown = heatmaps and shows_where(spec.architecture)
            for raw in self._batches(index, network, inputs[inputs.kind_of(spec)], shown):
                waiting.append((index, raw))
                if self.device.type != "cuda":
                    yield waiting.pop()
        yield from waiting

    def _loaded_ahead(self, threads: ThreadPoolExecutor) -> dict[int, "Future[Network]"]:
        """On a processor, the missing models, on all cores; where there is no room for all, none."""
        missing = [index for index in range(len(self.models)) if index not in self.resident]
        if self.device.type == "cuda" or len(missing) < 2:
            return {}
        try:  # in half precision on disk they take twice as much in memory
            wanted = sum(2 * self.models[index].weights.stat().st_size for index in missing)
        except OSError:
            return {}
        if self.resident.nbytes + wanted > self.resident.limit:
            return {}
        load = partial(self._prepared, make_room=lambda nbytes: None)
        return {index: threads.submit(load, index) for index in missing}

    def _resident_first(self) -> list[int]:
        """The models' indices, those in memory first: in fixed order, a limit that is one model
        short would make the least recently used always be the next one needed."""
        return sorted(range(len(self.models)), key=lambda index: index not in self.resident)

    def _batches(self, index: int, network: Network, pictures: Tensor, heatmaps: bool) -> Iterator["_Raw"]:
        """Yield one model's answers about uint8 N×1×S×S."""
        start = 0
        while start < len(pictures):
            rest = len(pictures) - start
            shape = min(rest, self.many) if network.takes_any_number else self._shape_for(rest)
            batch = pictures[start : start + shape]
            try:
                raw = self._forward(network, batch, shape, heatmaps)
            except torch.OutOfMemoryError:
                if not self._retreat(index):
                    raise
                continue
            yield raw
            start += len(batch)

    def _shape_for(self, pictures: int) -> int:
        """The smallest that takes them all, or the largest."""
        return next((shape for shape in self.shapes if shape >= pictures), self.shapes[-1])

    def _forward(self, network: Network, batch: Tensor, shape: int, heatmaps: bool) -> "_Raw":
        stopwatch = _Stopwatch(self.device)
        count = len(batch)
        if count < shape:  # blanks fill it up
            batch = torch.cat([batch, batch.new_zeros((shape - count, *batch.shape[1:]))])
        logits, heat = network.answer(batch, heatmaps)
        return _Raw(logits[:count], None if heat is None else heat[:count], count, stopwatch.stop())

    def _retreat(self, index: int) -> bool:
        """After running out of memory: smaller batches, half as large or less, and at last send other models away.

        Returns whether there was anything left to give up.
        """
        self.many = max(1, self.many // 2)
        if len(self.shapes) > 1 or self.shapes[0] > 1:
            self.shapes = tuple(s for s in self.shapes if 2 * s <= self.shapes[-1]) or (self.shapes[-1] // 2,)
            self.__dict__.pop("provenance", None)
            give_memory_back()
            return True
        return self.resident.keep_only(index)


class _Inputs:
    """What the models see of the pictures, made on threads while the first model is loaded, and sent to the device
    once for all models that see the same."""

    def __init__(
        self,
        pictures: Sequence[np.ndarray],
        models: Sequence[ModelSpec],
        threads: ThreadPoolExecutor,
        device: torch.device,
    ) -> None:
        self.device = device
        kinds = dict.fromkeys(map(self.kind_of, models))
        self._made = {(p, size): [threads.submit(p.model_input, one, size) for one in pictures] for p, size in kinds}
        self._there: dict[Any, Tensor] = {}

    @staticmethod
    def kind_of(model: ModelSpec) -> tuple[Any, int]:
        return model.preprocessing, model.input_size

    def __getitem__(self, kind: tuple[Any, int]) -> Tensor:
        """uint8 N×1×S×S on the device."""
        if kind not in self._there:
            stacked = torch.from_numpy(np.stack([future.result() for future in self._made[kind]])).unsqueeze(1)
            if self.device.type == "cuda":
                stacked = stacked.pin_memory()
            self._there[kind] = stacked.to(self.device, non_blocking=True)
        return self._there[kind]


@dataclass
class _Raw:
    """A batch's logits and heat, on the device; `milliseconds` is called when they are there."""

    logits: Tensor
    heat: Tensor | None
    count: int
    milliseconds: Callable[[], float]


class _Stopwatch:
    """Measures the device's time, not that of handing it work."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"
        self.began: Any = self._now()

    def _now(self) -> Any:
        if not self.on_gpu:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def stop(self) -> Callable[[], float]:
        ended = self._now()
        if not self.on_gpu:
            return lambda: (ended - self.began) * 1000
        return partial(self.began.elapsed_time, ended)


def _answers(spec: ModelSpec, raw: _Raw) -> list[ModelAnswer]:
    logits, heat = raw.logits.cpu(), None if raw.heat is None else (raw.heat * 255).round().byte().cpu()
    milliseconds = raw.milliseconds() / raw.count
    if not logits.isfinite().all():
        raise WeightsError(f"{spec.name} answers with numbers that are not finite")
    probabilities = (logits.double() / spec.temperature).softmax(1)
    maps = [None] * len(logits) if heat is None else heat.numpy()
    answers = []
    for row, heatmap in zip(probabilities.tolist(), maps, strict=True):
        by_label = dict(zip(spec.labels, row, strict=True))
        diagnosis = max(by_label, key=by_label.__getitem__)
        answers.append(
            ModelAnswer(
                spec.name,
                spec.sha256,
                by_label,
                diagnosis,
                by_label[diagnosis],
                milliseconds,
                heatmap,
            )
        )
    return answers


def _over_the_picture(answer: ModelAnswer, picture: np.ndarray, spec: ModelSpec) -> ModelAnswer:
    """The answer with its heat map over the picture, rather than over what the model was shown of it."""
    if answer.heatmap is None:
        return answer
    heatmap = spec.preprocessing.over_the_picture(answer.heatmap, picture, spec.input_size)
    return replace(answer, heatmap=heatmap)


def choose_device(wanted: str = "auto") -> torch.device:
    """Return the device of that name; "auto" is CUDA where there is one. Raises ValueError."""
    has_cuda = torch.cuda.is_available()
    if wanted == "auto":
        return torch.device("cuda" if has_cuda else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise ValueError(f"no such device: {wanted!r}; use auto, cpu or cuda") from error
    if device.type == "cuda" and not has_cuda:
        raise ValueError("cuda was asked for, but torch sees no CUDA device; use auto or cpu")
    return device


def untuned_way(device: torch.device) -> Way:
    """Half precision on CUDA, where it is always faster; on a processor what moves no probability at all."""
    halves = [way for way in ways_on(device) if way.runner is Runner.TORCH and way != REFERENCE]
    return halves[0] if device.type == "cuda" else REFERENCE


def is_passing(error: BaseException) -> bool:
    """Whether this is a fault of the machine at this moment (memory, device, disk) rather than of the model."""
    if isinstance(error, MemoryError | OSError | torch.OutOfMemoryError | torch.AcceleratorError):
        return True
    if isinstance(error, RuntimeError) and re.search(r"CUDA|out of memory|can't allocate memory", str(error)):
        return True
    return error.__cause__ is not None and is_passing(error.__cause__)
