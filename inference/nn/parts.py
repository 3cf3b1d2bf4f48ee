"""A network in two parts: a trunk that anything may compute, and a short tail that torch does and that tells where it
looked. Torch; no Django.

The cut lies where the heat map begins (heatmaps.py): behind the features, or before the last block's attention. So a
trunk has no gradient in it and can be given to another library, and an explained answer costs the tail alone.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from inference.nn.heatmaps import exact_map, gradient_map, last_tokens
from inference.nn.specs import ModelSpec


class Normalised(nn.Module):
    """From pixels to what the body returns: uint8 N×1×H×W in, the body's tensors out.

    Scale and shift are those of pixels from 0 to 255, in single precision whatever the body's is: a compiler makes one
    operation of them, or none, where it folds them into the first convolution.
    """

    def __init__(
        self,
        body: nn.Module,
        spec: ModelSpec,
        dtype: torch.dtype,
        device: torch.device,
        memory_format: torch.memory_format = torch.contiguous_format,
    ) -> None:
        super().__init__()
        self.body, self.dtype, self.memory_format = body, dtype, memory_format
        mean, std = (
            torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1).to(device) for values in (spec.mean, spec.std)
        )
        self.scale, self.shift = (1 / (255 * std)).float(), (-mean / std).float()

    def inputs(self, pictures: Tensor) -> Tensor:
        inputs = (pictures.float() * self.scale + self.shift).to(self.dtype)
        return inputs.contiguous(memory_format=self.memory_format)

    def forward(self, pictures: Tensor) -> Any:
        return self.body(self.inputs(pictures))


class Trunk(nn.Module):
    """All of a network that comes before its tail; returns a tuple of tensors."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = _without_the_tail(network) if last_tokens(network) else network

    def forward(self, inputs: Tensor) -> tuple[Tensor, ...]:
        features = self.network.forward_features(inputs)
        return tuple(features) if isinstance(features, list | tuple) else (features,)


def _without_the_tail(network: nn.Module) -> nn.Module:
    """The same layers, but that the last block and the norm after it let everything pass."""
    cut = copy.copy(network)
    cut._modules = dict(network._modules)
    cut.blocks = network.blocks[:-1]
    several = isinstance(network.norm, nn.ModuleList)
    cut.norm = nn.ModuleList(nn.Identity() for _ in network.norm) if several else nn.Identity()
    return cut


class Tail:
    """What comes after the trunk. `network` is the whole one; `keep_only_the_tail` lets go of the rest."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.hooked = last_tokens(network)

    def answer(self, seen: Sequence[Tensor], heatmaps: bool) -> tuple[Tensor, Tensor | None]:
        """Logits (float32 N×classes), and heat where asked for, from what the trunk returned."""
        if self.hooked is None:
            if heatmaps:
                return exact_map(self.network, seen[0])
            return self.network.forward_head(seen[0]).float(), None
        if heatmaps:
            return gradient_map(lambda: self._last_block_on(seen), *self.hooked)
        return self._last_block_on(seen).float(), None

    def _last_block_on(self, seen: Sequence[Tensor]) -> Tensor:
        network = self.network
        last = network.blocks[-1]
        if isinstance(network.norm, nn.ModuleList):
            tokens = [norm(some) for norm, some in zip(network.norm, last(list(seen)), strict=True)]
        else:
            tokens = network.norm(last(seen[0]))
        return network.forward_head(tokens)

    def keep_only_the_tail(self, seen: Sequence[Tensor]) -> None:
        """Run once on what the trunk returned, and drop the parameters of every layer that was not called."""
        called: set[nn.Module] = set()
        handles = [module.register_forward_pre_hook(lambda m, _: called.add(m)) for module in self.network.modules()]
        try:
            self.answer(seen, heatmaps=True)
        finally:
            for handle in handles:
                handle.remove()
        for module in self.network.modules():
            if module not in called:
                module._parameters = dict.fromkeys(module._parameters)
                module._buffers = dict.fromkeys(module._buffers)
