"""The ways in which this machine can compute a network: by torch as it is, in which precision, by OpenVINO, as a CUDA
graph. Torch; no Django.

Which is the fastest depends on processor, precision and network: tuning.py finds out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch

from inference.nn.machine import openvino


class Runner(StrEnum):
    TORCH = "torch"
    OPENVINO = "openvino"
    CUDA_GRAPH = "cuda-graph"


@dataclass(frozen=True)
class Way:
    """`dtype` is torch's name of the precision."""

    runner: Runner
    dtype: str

    def __str__(self) -> str:
        return f"{self.runner} {self.dtype}"

    @classmethod
    def named(cls, name: str) -> "Way":
        runner, dtype = name.split()
        return cls(Runner(runner), dtype)

    @property
    def torch_dtype(self) -> torch.dtype:
        return getattr(torch, self.dtype)


REFERENCE = Way(Runner.TORCH, "float32")


def ways_on(device: torch.device) -> list[Way]:
    """All ways there are here, the reference first."""
    if device.type == "cuda":
        half = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
        return [REFERENCE, Way(Runner.TORCH, half), Way(Runner.CUDA_GRAPH, half)]
    precisions = ["float32", *(["bfloat16"] if _has_bfloat16() else [])]
    runners = [Runner.TORCH, *([Runner.OPENVINO] if openvino() else [])]
    return [Way(runner, dtype) for runner in runners for dtype in precisions]


def _has_bfloat16() -> bool:
    """Whether the processor multiplies in it; where it must be emulated it is slower than single precision."""
    return torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()


def shapes_on(device: torch.device) -> Sequence[int]:
    """How many pictures a batch has: one of these, always, so that it meets the same kernels whatever came with it.

    On a processor pictures are asked one by one: of torch's networks there only small ones gain by more. A GPU needs
    many to be busy; a batch that is not full is filled up with blanks.
    """
    return (1, 8, 32, 64) if device.type == "cuda" else (1,)
