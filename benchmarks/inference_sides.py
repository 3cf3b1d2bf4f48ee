"""The sides of bench_inference.py: each answers about PNG files with all six networks, decoding included. Each is one
process, told by lines on its standard input how many pictures to answer about, so that they can take turns."""

import json
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import networks

Answers = list[list[list[float]]]  # picture, model, class


class Side(ABC):
    def __init__(self, folder: Path, device: str) -> None:
        self.folder, self.device = folder, device
        self.specs = networks.specs(folder)

    @abstractmethod
    def answer(self, films: list[bytes]) -> Answers: ...

    def told(self) -> dict[str, Any]:
        return {}


class Ours(Side):
    heatmaps = False

    def __init__(self, folder: Path, device: str) -> None:
        from inference.nn.engine import Ensemble

        super().__init__(folder, device)
        self.ensemble = Ensemble(self.specs, device=device, tuned=folder / "tuned")
        began = time.perf_counter()
        self.ensemble.tune()
        self.tuning = time.perf_counter() - began

    def answer(self, films: list[bytes]) -> Answers:
        from imaging import pixels

        answers = self.ensemble.predict([pixels.decode(film) for film in films], heatmaps=self.heatmaps)
        return [[[one.probabilities[label] for label in networks.LABELS] for one in row] for row in answers]

    def told(self) -> dict[str, Any]:
        return {"ways": self.ensemble.provenance["ways"], "tuning": self.tuning}


class OursWithMaps(Ours):
    heatmaps = True


class Torch(Side):
    """What the sides that are not ours have in common: decode, prepare, ask one network after the other."""

    def answer(self, films: list[bytes]) -> Answers:
        import torch

        pictures = [self.decoded(film) for film in films]
        rows = []
        for index, spec in enumerate(self.specs):
            inputs = torch.stack([self.prepared(picture, spec) for picture in pictures])
            rows.append(torch.as_tensor(self.logits(index, inputs)).float().softmax(1).tolist())
        return [list(row) for row in zip(*rows, strict=True)]

    @staticmethod
    def decoded(film: bytes) -> Any:
        import cv2
        import numpy as np

        return cv2.imdecode(np.frombuffer(film, np.uint8), cv2.IMREAD_GRAYSCALE)

    @staticmethod
    def prepared(picture: Any, spec: Any) -> Any:
        import torch

        grey = torch.from_numpy(spec.preprocessing.model_input(picture, spec.input_size)).float() / 255
        mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (spec.mean, spec.std))
        return (grey.expand(len(spec.mean), -1, -1) - mean) / std

    @abstractmethod
    def logits(self, index: int, inputs: Any) -> Any: ...

    def loaded(self, spec: Any) -> Any:
        from safetensors.torch import load_file

        from inference.nn.backbones import import_timm

        network = import_timm().create_model(spec.architecture, num_classes=len(spec.labels))
        network.load_state_dict(load_file(spec.weights))
        return network.eval().to(self.torch_device)

    @property
    def torch_device(self) -> str:
        import torch

        return ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device


class Resident(Torch):
    """timm's networks in a list, in single precision."""

    def __init__(self, folder: Path, device: str) -> None:
        super().__init__(folder, device)
        self.networks = [self.loaded(spec) for spec in self.specs]

    def logits(self, index: int, inputs: Any) -> Any:
        import torch

        with torch.inference_mode():
            return self.networks[index](inputs.to(self.torch_device)).cpu()


class Reloading(Torch):
    """Build, load, predict, unload: a picture at a time, a network at a time."""

    def answer(self, films: list[bytes]) -> Answers:
        return [super(Reloading, self).answer([film])[0] for film in films]

    def logits(self, index: int, inputs: Any) -> Any:
        import torch

        with torch.inference_mode():
            return self.loaded(self.specs[index])(inputs.to(self.torch_device)).cpu()


class OnnxRuntime(Torch):
    def __init__(self, folder: Path, device: str) -> None:
        import onnxruntime

        super().__init__(folder, device)
        self.sessions = [
            onnxruntime.InferenceSession(self.exported(spec), providers=["CPUExecutionProvider"]) for spec in self.specs
        ]

    def exported(self, spec: Any) -> Path:
        import torch

        file = self.folder / f"{spec.architecture}.onnx"
        if not file.exists():
            network = self.loaded(spec)
            picture = torch.zeros(2, len(spec.mean), spec.input_size, spec.input_size)
            try:
                shapes = ({0: torch.export.Dim("pictures")},)
                program = torch.onnx.export(network, (picture,), dynamo=True, dynamic_shapes=shapes, verbose=False)
            except Exception:  # some networks can be exported for a fixed number only
                program = torch.onnx.export(network, (picture[:1],), dynamo=True, verbose=False)
            program.save(file)
        return file

    def logits(self, index: int, inputs: Any) -> Any:
        import numpy as np

        session = self.sessions[index]
        [known] = session.get_inputs()
        batches = inputs.numpy()[:, None] if known.shape[0] == 1 else [inputs.numpy()]
        return np.concatenate([session.run(None, {known.name: batch})[0] for batch in batches])


class OpenVino(Torch):
    """With its own settings, which on a processor that can are half precision."""

    def __init__(self, folder: Path, device: str) -> None:
        super().__init__(folder, device)
        self.models = [partial(self.compiled, spec)() for spec in self.specs]

    def compiled(self, spec: Any) -> Any:
        import torch

        from inference.nn.machine import openvino

        edge = spec.input_size
        model = openvino().convert_model(
            self.loaded(spec), example_input=torch.zeros(1, 3, edge, edge), input=[-1, 3, edge, edge]
        )
        return openvino().compile_model(model, "CPU")

    def logits(self, index: int, inputs: Any) -> Any:
        return self.models[index](inputs.numpy())[0]


class Arithmetic(Side):
    """The machine's own: a large matrix product, in GFLOP/s for each precision."""

    EDGE = 2048

    def answer(self, films: list[bytes]) -> Answers:
        return []

    def told(self) -> dict[str, Any]:
        import torch

        device = "cuda" if torch.cuda.is_available() and self.device != "cpu" else "cpu"
        half = "float16" if device == "cuda" and not torch.cuda.is_bf16_supported() else "bfloat16"
        return {dtype: self._gflops(getattr(torch, dtype), device) for dtype in ("float32", half)}

    def _gflops(self, dtype: Any, device: str) -> float:
        import torch

        one, other = (torch.randn(self.EDGE, self.EDGE, device=device).to(dtype) for _ in range(2))
        took = []
        for _time in range(8):
            began = time.perf_counter()
            float((one @ other)[0, 0])  # on a GPU: until it is there
            took.append(time.perf_counter() - began)
        return 2 * self.EDGE**3 / min(took) / 1e9


SIDES: dict[str, type[Side]] = {
    "ours": Ours,
    "ours, with heat maps": OursWithMaps,
    "timm, resident": Resident,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "build, load, unload": Reloading,
    "arithmetic": Arithmetic,
}


@contextmanager
def _only_json() -> Iterator[Any]:
    """Our standard output; what libraries print goes to the log."""
    ours, sys.stdout = sys.stdout, sys.stderr
    try:
        yield ours
    finally:
        sys.stdout = ours


def run(name: str, folder: Path, device: str) -> None:
    films = [path.read_bytes() for path in sorted(folder.glob("film-*.png"))]
    with _only_json() as out:
        side = SIDES[name](folder, device)
        print(json.dumps({"ready": True}), file=out, flush=True)
        for line in sys.stdin:
            began, cpu = time.perf_counter(), time.process_time()
            answers = side.answer(films[: int(line)])
            took = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
            print(json.dumps({"answers": answers, **took, **side.told()}), file=out, flush=True)
