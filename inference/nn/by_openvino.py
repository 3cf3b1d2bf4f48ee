"""A network in memory whose trunk OpenVINO computes, and its form on disk. Torch, OpenVINO; no Django."""

import hashlib
import json
import os
import time
import warnings
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inference.nn import backbones
from inference.nn.machine import openvino, threads
from inference.nn.networks import Network, bytes_of
from inference.nn.parts import Normalised, Tail, Trunk
from inference.nn.specs import ModelSpec
from inference.nn.ways import Way

UNUSED = 90 * 24 * 3600  # seconds after which a form is of no use to anybody


class InOpenVino(Network):
    """The trunk by OpenVINO, which folds norms into convolutions and activations into what comes before them.

    One picture has all cores; of several each has one, which wastes less. The bits are the same, and those of a batch.
    """

    takes_any_number = True

    def __init__(self, network: nn.Module, spec: ModelSpec, way: Way, kept: Path | None) -> None:
        self.precision = {"float32": "f32", "bfloat16": "bf16"}[way.dtype]
        self.dtype = way.torch_dtype
        weights = bytes_of(network) * self.dtype.itemsize // 4
        self.model = _kept_or_converted(network, spec, kept)
        self.request = self._compiled("LATENCY").create_infer_request()
        self.tail = Tail(network.to(self.dtype))
        blank = torch.zeros((1, 1, spec.input_size, spec.input_size), dtype=torch.uint8)
        with torch.no_grad():
            self.tail.keep_only_the_tail(self._trunk(blank))
        self.nbytes = (2 if threads() > 1 else 1) * weights + bytes_of(network)

    @cached_property
    def requests(self) -> Any:
        """One for each core, made when there are first several pictures."""
        return openvino().AsyncInferQueue(self._compiled("THROUGHPUT"), threads())

    def _compiled(self, hint: str) -> Any:
        settings = {
            "INFERENCE_PRECISION_HINT": self.precision,
            "INFERENCE_NUM_THREADS": threads(),
            "NUM_STREAMS": threads() if hint == "THROUGHPUT" else 1,
            "PERFORMANCE_HINT": hint,
        }
        return openvino().compile_model(self.model, "CPU", settings)

    @torch.no_grad()
    def answer(self, pictures: Tensor, heatmaps: bool) -> tuple[Tensor, Tensor | None]:
        several = threads() > 1 and len(pictures) > 1
        trunks = self._trunks(pictures) if several else map(self._trunk, pictures.split(1))
        parts = [self.tail.answer(seen, heatmaps) for seen in trunks]
        logits, heat = zip(*parts, strict=True)
        return torch.cat(logits), None if heat[0] is None else torch.cat(heat)

    def _trunk(self, picture: Tensor) -> list[Tensor]:
        outputs = self.request.infer([picture.numpy()], share_inputs=True, share_outputs=True)
        return [torch.from_numpy(output).to(self.dtype) for output in outputs.values()]

    def _trunks(self, pictures: Tensor) -> list[list[Tensor]]:
        seen: list[list[Tensor]] = [[] for _ in pictures]

        def keep(request: Any, number: int) -> None:
            # Copied, because the request's next picture is written over it.
            seen[number] = [torch.from_numpy(t.data.copy()).to(self.dtype) for t in request.output_tensors]

        self.requests.set_callback(keep)
        for number, picture in enumerate(pictures.split(1)):
            self.requests.start_async([picture.numpy()], userdata=number, share_inputs=True)
        self.requests.wait_all()
        return seen


def _kept_or_converted(network: nn.Module, spec: ModelSpec, kept: Path | None) -> Any:
    """The trunk as OpenVINO's model, for one picture at a time."""
    if kept is None:
        return _converted(network, spec)
    file = kept / f"{_name_of(spec)}.xml"
    if _is_whole(file):
        os.utime(file.with_suffix(".sha256"))  # it is in use
    else:
        _keep(_converted(network, spec), file)
    return openvino().Core().read_model(file)  # mapped, so that its weights are not in memory twice


def _converted(network: nn.Module, spec: ModelSpec) -> Any:
    trunk = Normalised(Trunk(network), spec, torch.float32, torch.device("cpu")).eval()
    picture = torch.zeros((1, 1, spec.input_size, spec.input_size), dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it traces: of each size that a network looks at, torch says that it is fixed now
        model = openvino().convert_model(trunk, example_input=picture)
    model.reshape(list(picture.shape))
    return model


def _name_of(spec: ModelSpec) -> str:
    """Another for all that the trunk is made from, and by."""
    made_by = [torch.__version__, backbones.import_timm().__version__, metadata.version("openvino")]
    made_of = [spec.sha256, spec.architecture, spec.options, spec.input_size, spec.mean, spec.std, len(spec.labels)]
    return hashlib.sha256(json.dumps([made_by, made_of], sort_keys=True).encode()).hexdigest()


def _keep(model: Any, file: Path) -> None:
    """Written under names of this process's own, and last of all the hash by which a reader knows that it is whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.stem}.{os.getpid()}.xml")
    openvino().save_model(model, draft, compress_to_fp16=False)
    for suffix in (".bin", ".xml"):
        draft.with_suffix(suffix).replace(file.with_suffix(suffix))
    digest = draft.with_suffix(".sha256")
    digest.write_text(_hash_of(file))
    digest.replace(file.with_suffix(".sha256"))


def tidy(kept: Path) -> None:
    """Take out what no process has read for a long time: of models that are gone, or of versions of a library."""
    for digest in kept.glob("*.sha256"):
        if time.time() - digest.stat().st_mtime > UNUSED:
            for suffix in (".sha256", ".xml", ".bin"):
                digest.with_suffix(suffix).unlink(missing_ok=True)


def _is_whole(file: Path) -> bool:
    try:
        return file.with_suffix(".sha256").read_text() == _hash_of(file)
    except OSError:
        return False


def _hash_of(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes())
    with file.with_suffix(".bin").open("rb") as weights:
        return digest.hexdigest() + hashlib.file_digest(weights, "sha256").hexdigest()
