"""Models that stay in memory, the least recently used leaving first. Torch; no Django."""

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch

from inference.nn import backbones
from inference.nn.by_openvino import InOpenVino
from inference.nn.networks import AsCudaGraph, InTorch, Network, bytes_of
from inference.nn.specs import ModelSpec
from inference.nn.ways import Runner, Way


def prepare(
    spec: ModelSpec,
    way: Way,
    device: torch.device,
    kept: Path | None = None,
    make_room: Callable[[int], None] = lambda nbytes: None,
) -> Network:
    """Load a model.

    `kept` is a folder for what a way has prepared, so that the next process need not. `make_room` is called with the
    weights' bytes before they go to the device. Raises WeightsError where the model cannot be used, whatever the way.
    """
    network = backbones.load(
        spec.architecture, spec.options, len(spec.labels), len(spec.mean), spec.weights, spec.sha256
    )
    backbones.check_input_size(network, spec.options, spec.input_size)
    make_room(bytes_of(network) * way.torch_dtype.itemsize // 4)
    match way.runner:
        case Runner.OPENVINO:
            return InOpenVino(network, spec, way, kept)
        case Runner.CUDA_GRAPH:
            return AsCudaGraph(network, spec, way, device)
        case Runner.TORCH:
            return InTorch(network, spec, way, device)


class Residence:
    """Networks by their model's index, within `limit` bytes; one that is larger than all of it comes in alone.

    `load` is given the index and a function that makes room for so many bytes.
    """

    def __init__(self, load: Callable[[int, Callable[[int], None]], Network], limit: float) -> None:
        self.load, self.limit = load, limit
        self._networks: OrderedDict[int, Network] = OrderedDict()  # oldest use first

    def __contains__(self, index: int) -> bool:
        return index in self._networks

    def __len__(self) -> int:
        return len(self._networks)

    def __getitem__(self, index: int) -> Network:
        """The network, loaded if need be."""
        if index not in self._networks:
            self._networks[index] = self.load(index, self._make_room)
        self._networks.move_to_end(index)
        return self._networks[index]

    @property
    def nbytes(self) -> int:
        return sum(network.nbytes for network in self._networks.values())

    def keep_only(self, index: int) -> bool:
        """Send all others away. Whether there were any."""
        others = [other for other in self._networks if other != index]
        for other in others:
            del self._networks[other]
        give_memory_back()
        return bool(others)

    def clear(self) -> None:
        self._networks.clear()
        give_memory_back()

    def _make_room(self, nbytes: int) -> None:
        while self._networks and self.nbytes + nbytes > self.limit:
            self._networks.popitem(last=False)
        give_memory_back()


def give_memory_back() -> None:
    """To the device, from torch, which keeps what it once had."""
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
