"""A network in memory, ready to answer in one way by torch. Torch; no Django."""

from abc import ABC, abstractmethod
from functools import cache

import torch
from torch import Tensor, nn

from inference.nn.heatmaps import answer_with_heat
from inference.nn.parts import Normalised, Tail, Trunk
from inference.nn.specs import ModelSpec
from inference.nn.ways import Way


class Network(ABC):
    """One model in memory, computed in one way."""

    nbytes: int
    takes_any_number = False
    """Whether its answers have the same bits in a batch of any size."""

    @abstractmethod
    def answer(self, pictures: Tensor, heatmaps: bool) -> tuple[Tensor, Tensor | None]:
        """Logits (float32 N×classes), and heat (float32 N×64×64 in 0–1) where asked for and where there is one, on the
        device, from uint8 N×1×S×S there."""


def bytes_of(network: nn.Module) -> int:
    return sum(t.nbytes for t in (*network.parameters(), *network.buffers()))


class InTorch(Network):
    """As timm wrote it."""

    def __init__(self, network: nn.Module, spec: ModelSpec, way: Way, device: torch.device) -> None:
        # Convolutions are faster with channels last; the others have one, and do not mind.
        self.network = network.to(way.torch_dtype).to(device, memory_format=torch.channels_last)
        self.normalised = Normalised(self.network, spec, way.torch_dtype, device, torch.channels_last)
        self.nbytes = bytes_of(network)

    @torch.no_grad()
    def answer(self, pictures: Tensor, heatmaps: bool) -> tuple[Tensor, Tensor | None]:
        inputs = self.normalised.inputs(pictures)
        if heatmaps:
            return answer_with_heat(self.network, inputs)
        return self.network(inputs).float(), None


class AsCudaGraph(Network):
    """The trunk's kernels, recorded once for each shape and sent off in one go: Python takes no part in it."""

    def __init__(self, network: nn.Module, spec: ModelSpec, way: Way, device: torch.device) -> None:
        network.to(way.torch_dtype).to(device, memory_format=torch.channels_last)
        self.trunk = Normalised(Trunk(network), spec, way.torch_dtype, device, torch.channels_last)
        self.tail = Tail(network)
        self.recorded: dict[int, tuple[torch.cuda.CUDAGraph, Tensor, tuple[Tensor, ...]]] = {}
        self.nbytes = bytes_of(network)

    @torch.no_grad()
    def answer(self, pictures: Tensor, heatmaps: bool) -> tuple[Tensor, Tensor | None]:
        if len(pictures) not in self.recorded:
            self.recorded[len(pictures)] = self._record(pictures)
        graph, inputs, seen = self.recorded[len(pictures)]
        inputs.copy_(pictures)
        graph.replay()
        return self.tail.answer(seen, heatmaps)

    def _record(self, pictures: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor, tuple[Tensor, ...]]:
        inputs, aside = pictures.clone(), torch.cuda.Stream(pictures.device)
        aside.wait_stream(torch.cuda.current_stream(pictures.device))
        with torch.cuda.stream(aside):  # cuDNN and cuBLAS choose and allocate at their first calls
            for _time in range(3):
                self.trunk(inputs)
        torch.cuda.current_stream(pictures.device).wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=_shared_pool()):
            seen = self.trunk(inputs)
        return graph, inputs, seen


@cache
def _shared_pool() -> tuple[int, int]:
    """Graphs run one after the other, and each one's tensors are read before the next: they may share their memory."""
    return torch.cuda.graph_pool_handle()
