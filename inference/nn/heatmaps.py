"""Where a network looked: class activation maps. Torch; no Django.

- Networks whose head is a mean over the grid and a linear layer (ResNet, DenseNet,
  EfficientNet, Swin): the exact class activation map (Zhou et al., Learning Deep Features for
  Discriminative Localization, CVPR 2016). It comes with the answer at no cost.
- ViT: HiResCAM (Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful explanations,
  arXiv 2011.08891) on the tokens that enter the last block's attention; later ones no longer
  carry a place. Grad-CAM's mean of the gradients over the grid (Selvaraju et al., ICCV 2017)
  found consolidations in phantoms no better than chance there; token by token it does.
- CrossViT: the same on both token grids that enter the last multi-scale block, averaged.
"""

import math
from collections.abc import Callable
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_adds_up: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()

HEAT_SIZE = 64  # px; the maps are 7 to 16 cells wide, so more would only be larger files


def answer_with_heat(network: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the logits and, for each picture's top class, where the evidence for it lies.

    `inputs` N×C×H×W on the network's device and in its dtype. Logits are float32 N×classes;
    heat is float32 N×64×64 in 0–1 and covers the whole input, or None where this kind of
    network has no map. The network's parameters must not require gradients.
    """
    if (hooked := last_tokens(network)) is not None:
        return gradient_map(lambda: network(inputs), *hooked)
    with torch.no_grad():
        features = network.forward_features(inputs)
    return exact_map(network, features)


def exact_map(network: nn.Module, features: Tensor) -> tuple[Tensor, Tensor | None]:
    """Logits and heat from what `forward_features` has returned."""
    with torch.no_grad():
        logits = network.forward_head(features).float()
        classifier = network.get_classifier()
        if features.ndim != 4 or not isinstance(classifier, nn.Linear):
            return logits, None
        if features.shape[1] != classifier.in_features:  # Swin keeps its channels last
            features = features.permute(0, 3, 1, 2)
        if features.shape[1] != classifier.in_features:  # layers of its own lie between, as in MobileNetV3 and VGG
            return logits, None
        evidence = F.conv2d(features.float(), classifier.weight.float()[:, :, None, None])
        means = evidence.mean((2, 3))
        if classifier.bias is not None:
            means = means + classifier.bias.float()
        # The map is exact only if it adds up to the answer; other heads (ConvNeXt's) do not. It is looked at once for
        # a network, since a GPU would have to stop for it.
        if network not in _adds_up:
            tolerance = 1e-3 if features.dtype == torch.float32 else 0.1
            _adds_up[network] = torch.allclose(means, logits, rtol=tolerance, atol=tolerance)
        if not _adds_up[network]:
            return logits, None
        # Softmax ignores what all classes share, and so does the map; and what every place says
        # alike says nothing about where.
        evidence = evidence - evidence.mean(1, keepdim=True)
        evidence = evidence - evidence.mean((2, 3), keepdim=True)
        top = logits.argmax(1)
        return logits, _enlarged(evidence[torch.arange(len(top), device=top.device), top])


Hook = Callable[[Callable[[Tensor], Tensor]], torch.utils.hooks.RemovableHandle]


def last_tokens(network: nn.Module) -> tuple[Hook, int] | None:
    """How to watch the last tokens that still have a place, and how many of them have none."""
    blocks = getattr(network, "blocks", None)
    if not isinstance(blocks, nn.Sequential | nn.ModuleList) or not len(blocks):
        return None
    last = blocks[-1]
    if type(last).__name__ == "MultiScaleBlock":

        def watch_branches(watch: Callable[[Tensor], Tensor]) -> torch.utils.hooks.RemovableHandle:
            return last.register_forward_pre_hook(lambda _, args: ([watch(t) for t in args[0]],))

        return watch_branches, 1
    if isinstance(norm := getattr(last, "norm1", None), nn.Module) and hasattr(network, "num_prefix_tokens"):

        def watch_norm(watch: Callable[[Tensor], Tensor]) -> torch.utils.hooks.RemovableHandle:
            return norm.register_forward_hook(lambda _, args, output: watch(output))

        return watch_norm, network.num_prefix_tokens
    return None


def gradient_map(forward: Callable[[], Tensor], hook: Hook, prefix: int) -> tuple[Tensor, Tensor | None]:
    """Logits and heat, where `forward` runs the hooked block and what comes after it, and returns the logits."""
    watched: list[Tensor] = []

    def watch(tokens: Tensor) -> Tensor:
        # Cutting the graph here keeps the backward pass inside the last block.
        watched.append(tokens.detach().requires_grad_())
        return watched[-1]

    handle = hook(watch)
    try:
        with torch.enable_grad():
            logits = forward().float()
            # Pictures do not touch one another, so one backward pass serves the whole batch.
            gradients = torch.autograd.grad(logits.max(1).values.sum(), watched)
    finally:
        handle.remove()
    maps = [
        _token_map(tokens.detach().float(), gradient.float(), prefix)
        for tokens, gradient in zip(watched, gradients, strict=True)
    ]
    if any(m is None for m in maps):
        return logits.detach(), None
    return logits.detach(), _peak_at_one(torch.stack(maps).mean(0))


def _token_map(tokens: Tensor, gradient: Tensor, prefix: int) -> Tensor | None:
    """HiResCAM over tokens N×T×C as N×64×64 in 0–1; None where they make no square grid."""
    tokens, gradient = tokens[:, prefix:], gradient[:, prefix:]
    side = math.isqrt(tokens.shape[1])
    if side * side != tokens.shape[1]:
        return None
    return _enlarged((gradient * tokens).sum(2).view(-1, side, side))


def _enlarged(grid: Tensor) -> Tensor:
    """Evidence N×h×w to N×64×64: only what is above 0, its peak at 1."""
    heat = F.interpolate(grid[:, None].float().relu(), (HEAT_SIZE, HEAT_SIZE), mode="bilinear", align_corners=False)[
        :, 0
    ]
    return _peak_at_one(heat)


def _peak_at_one(heat: Tensor) -> Tensor:
    return heat / heat.amax((1, 2), keepdim=True).clamp_min(1e-6)
