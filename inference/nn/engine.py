"""Ask several networks about pictures, within a memory limit. Torch; no Django."""

import platform
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from inference.nn import backbones
from inference.nn.backbones import WeightsError
from inference.nn.families import shows_where
from inference.nn.heatmaps import answer_with_heat
from inference.nn.preprocessing import AS_TRAINED_HERE, Preprocessing

__all__ = ["Ensemble", "ModelAnswer", "ModelSpec", "WeightsError"]

DEFAULT_MEMORY_LIMIT = 8 * 2**30
# The other half of the memory is for what a batch needs while it is in a network.
SHARE_FOR_WEIGHTS = 0.5
LARGEST_BATCH = 32


@dataclass(frozen=True)
class ModelSpec:
    """How to build a model and read its answers.

    `mean` and `std` are of pixels scaled to 0–1, one per input channel (1 or 3). `labels` are
    in the order of the outputs. Logits are divided by `temperature` before the softmax.
    `preprocessing` says how its pictures were made.
    """

    name: str
    architecture: str
    options: dict[str, Any]
    weights: Path
    sha256: str
    labels: tuple[str, ...]
    input_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    temperature: float = 1.0
    preprocessing: Preprocessing = AS_TRAINED_HERE


@dataclass(frozen=True)
class ModelAnswer:
    """One model's answer about one picture.

    `probabilities` are calibrated and sum to 1; `confidence` is the diagnosis's. `heatmap` is
    uint8 64×64 and covers exactly the picture, whatever its shape: 255 where most speaks for the
    diagnosis; None where none was asked for or the network has none. `milliseconds` is this
    picture's share of its batch, without loading the model.
    """

    model: str
    sha256: str
    probabilities: dict[str, float]
    diagnosis: str
    confidence: float
    milliseconds: float
    heatmap: np.ndarray | None


class Ensemble:
    """Models that stay in memory between calls as far as they fit.

    `device` is "auto", "cpu", "cuda" or "cuda:N". `memory_limit` is in bytes: half of it is for
    resident weights, of which the least recently used leave first; on CUDA the whole of it is
    also a hard limit for this process. `dtype` names the precision ("float32", "bfloat16",
    "float16"); without it the device's own choice is taken.
    """

    def __init__(
        self,
        models: Sequence[ModelSpec],
        device: str = "auto",
        memory_limit: int = DEFAULT_MEMORY_LIMIT,
        dtype: str | None = None,
    ) -> None:
        if not models:
            raise ValueError("an ensemble needs at least one model")
        self.models = tuple(models)
        self.device = choose_device(device)
        self.dtype = getattr(torch, dtype) if dtype else choose_dtype(self.device)
        self.memory_limit = memory_limit
        self.batch_size = LARGEST_BATCH
        self._resident: OrderedDict[int, nn.Module] = OrderedDict()  # oldest use first
        if self.device.type == "cuda":
            total = torch.cuda.get_device_properties(self.device).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, memory_limit / total), self.device)

    @cached_property
    def provenance(self) -> dict[str, str]:
        """What computed the answers; together with the SHA-256s it explains differences."""
        on_gpu = self.device.type == "cuda"
        return {
            "device": str(self.device),
            "device_name": (torch.cuda.get_device_name(self.device) if on_gpu else platform.machine()),
            "dtype": str(self.dtype).removeprefix("torch."),
            "torch": torch.__version__,
            "timm": backbones.import_timm().__version__,
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
        answers: dict[int, list[ModelAnswer]] = {}
        with ThreadPoolExecutor() as threads:
            kinds = {(model.preprocessing, model.input_size) for model in self.models}
            prepared = {k: [threads.submit(k[0].model_input, p, k[1]) for p in pictures] for k in kinds}
            on_device: dict[tuple[Preprocessing, int], Tensor] = {}
            for turn, index in enumerate(self._resident_first()):
                # Loading goes on while the threads prepare.
                self._make_resident(index)
                kind = self.models[index].preprocessing, self.models[index].input_size
                if kind not in on_device:
                    stacked = np.stack([future.result() for future in prepared[kind]])
                    on_device[kind] = torch.from_numpy(stacked).unsqueeze(1).to(self.device)
                answers[index] = []
                for some in self._ask(index, on_device[kind], heatmaps):
                    answers[index] += some
                    if progress:
                        share = len(answers[index]) / len(pictures)
                        progress((turn + share) / len(self.models))
        return [
            [_over_the_picture(answers[i][n], picture, model) for i, model in enumerate(self.models)]
            for n, picture in enumerate(pictures)
        ]

    def _resident_first(self) -> list[int]:
        """The models' indices, those in memory first: in fixed order, a limit that is one model
        short would make the least recently used always be the next one needed."""
        return sorted(range(len(self.models)), key=lambda index: index not in self._resident)

    def _make_resident(self, index: int) -> None:
        if index in self._resident:
            self._resident.move_to_end(index)
            return
        spec = self.models[index]
        network = backbones.load(
            spec.architecture,
            spec.options,
            len(spec.labels),
            len(spec.mean),
            spec.weights,
            spec.sha256,
        )
        backbones.check_input_size(network, spec.options, spec.input_size)
        network = network.to(self.dtype)
        budget = self.memory_limit * SHARE_FOR_WEIGHTS - _bytes_of(network)
        while self._resident and sum(map(_bytes_of, self._resident.values())) > budget:
            self._resident.popitem(last=False)
        self._give_memory_back()
        # Convolutions are faster with channels last; the others have one, and do not mind.
        self._resident[index] = network.to(self.device, memory_format=torch.channels_last)

    def _give_memory_back(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _ask(self, index: int, pictures: Tensor, heatmaps: bool) -> Iterator[list[ModelAnswer]]:
        """Yield one model's answers about uint8 N×1×H×W, batch by batch."""
        start = 0
        while start < len(pictures):
            batch = pictures[start : start + self.batch_size]
            began = time.perf_counter()
            try:
                logits, heat = self._forward(index, batch, heatmaps)
            except torch.OutOfMemoryError:
                if not self._retreat(index, len(batch)):
                    raise
                continue
            milliseconds = (time.perf_counter() - began) * 1000 / len(batch)
            yield _answers(self.models[index], logits, heat, milliseconds)
            start += len(batch)

    @torch.no_grad()
    def _forward(self, index: int, batch: Tensor, heatmaps: bool) -> tuple[Tensor, Tensor | None]:
        """Logits, and heat where asked for, on the CPU."""
        network, spec = self._resident[index], self.models[index]
        mean, std = (torch.tensor(values, device=self.device).view(1, -1, 1, 1) for values in (spec.mean, spec.std))
        inputs = ((batch.float() / 255 - mean) / std).to(self.dtype, memory_format=torch.channels_last)
        if not (heatmaps and shows_where(spec.architecture)):
            return network(inputs).float().cpu(), None
        logits, heat = answer_with_heat(network, inputs)
        return logits.cpu(), None if heat is None else heat.cpu()

    def _retreat(self, index: int, batch_size: int) -> bool:
        """After running out of memory: halve the batch, and at last send other models away.

        Returns whether there was anything left to give up.
        """
        if batch_size > 1:
            self.batch_size = batch_size // 2
        elif len(self._resident) > 1:
            self._resident = OrderedDict({index: self._resident[index]})
        else:
            return False
        self._give_memory_back()
        return True


def _answers(spec: ModelSpec, logits: Tensor, heat: Tensor | None, milliseconds: float) -> list[ModelAnswer]:
    if not logits.isfinite().all():
        raise WeightsError(f"{spec.name} answers with numbers that are not finite")
    probabilities = (logits.double() / spec.temperature).softmax(1)
    maps = [None] * len(logits) if heat is None else (heat * 255).round().byte().numpy()
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


def choose_dtype(device: torch.device) -> torch.dtype:
    """Return the precision to use on a device: half on CUDA, single on a processor.

    On a processor with AVX512-BF16 the demonstration models took 6.3 ms per picture in bfloat16
    and 6.8 ms in float32, which is not worth moving probabilities by 0.006; without such
    instructions bfloat16 is slower. For full-size models it may pay: `Ensemble(dtype=…)`.
    """
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return torch.float32


def is_passing(error: BaseException) -> bool:
    """Whether this is a fault of the machine at this moment (memory, device, disk) rather than of the model."""
    if isinstance(error, MemoryError | OSError | torch.OutOfMemoryError | torch.AcceleratorError):
        return True
    if isinstance(error, RuntimeError) and re.search(r"CUDA|out of memory|can't allocate memory", str(error)):
        return True
    return error.__cause__ is not None and is_passing(error.__cause__)


def _bytes_of(network: nn.Module) -> int:
    return sum(t.nbytes for t in (*network.parameters(), *network.buffers()))
