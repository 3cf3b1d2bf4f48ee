"""PyTorch checkpoints as safetensors, once and for all. Torch and timm; no Django.

A task of backoffice/files/apart.py: a checkpoint is a pickle, which is read with `weights_only=True`, in a process that
has neither keys nor much memory, so that what it does to the process that reads it is one refusal.
"""

import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

import torch
from safetensors.torch import save
from torch import Tensor

from inference.nn import backbones
from inference.nn.findings import NAMES_SHOWN
from inference.nn.trial import PREFIXES, classifiers, first_layers, shared_prefix

WRAPPERS = (
    "state_dict", "model_state_dict", "state_dict_ema", "model_ema", "ema", "model", "net", "network", "module",
    "weights", "params",
)  # fmt: skip
LABELS_UNDER = ("class_to_idx", "classes", "class_names", "labels")
MOST_LABELS, LONGEST_LABEL = 100, 60
MOSTLY = 0.8  # of the names begin so: the rest is a head beside a backbone

# What people fine-tune, the common first: which of them it is, its names and shapes tell.
GUESSED = (
    "resnet50", "densenet121", "efficientnet_b0", "vit_base_patch16_224", "swin_tiny_patch4_window7_224",
    "crossvit_tiny_240", "resnet18", "resnet34", "resnet101", "resnet152", "resnext50_32x4d", "wide_resnet50_2",
    "densenet169", "densenet201", "efficientnet_b1", "efficientnet_b2", "efficientnet_b3", "efficientnet_b4",
    "mobilenetv2_100", "mobilenetv3_large_100", "convnext_tiny", "convnext_small", "convnext_base",
    "vit_tiny_patch16_224", "vit_small_patch16_224", "swin_small_patch4_window7_224", "swin_base_patch4_window7_224",
    "crossvit_small_240", "vgg16_bn", "inception_v3", "regnety_032",
)  # fmt: skip
ENOUGH_ALIKE = 0.9


class ConversionError(Exception):
    """It holds no network that could be used. The code and what tells it are for finding words."""

    def __init__(self, code: str, **told: Any) -> None:
        super().__init__(code)
        self.told = {"refused": code, **told}


def converted(file: IO[bytes], out: IO[bytes], *, architecture: str = "") -> Iterator[dict[str, Any]]:
    """Write the network's tensors into `out`, and yield what was found, or {"refused": code} and nothing written."""
    torch.set_num_threads(1)
    try:
        document = _read(file)
        state, wrapper = _unwrapped(document)
        state, prefix = _without_prefix(state)
        found, fitted = _as_timm_names_it(state, architecture)
        state, left_out, renamed = fitted
        out.write(save({name: tensor.detach().clone().contiguous() for name, tensor in state.items()}))
    except ConversionError as error:
        yield error.told
        return
    yield {
        "wrapper": wrapper,
        "prefix": prefix,
        "tensors": len(state),
        "numbers": sum(tensor.numel() for tensor in state.values()),
        "renamed": renamed,
        "left_out": left_out[:NAMES_SHOWN],
        "left_out_count": len(left_out),
        "labels": _labels(document),
        **found,
    }


def _read(file: IO[bytes]) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # whatever a pickle can do wrong
        if "allocate memory" in str(error):
            raise MemoryError from error
        # torch's sentence goes on for a page about how to be less careful.
        why = str(error).split(". ")[0].splitlines()[0][:300] if str(error) else type(error).__name__
        is_program = "Unsupported global" in str(error) or "GLOBAL" in str(error)
        raise ConversionError("is_a_program" if is_program else "unreadable", why=why) from error


def _unwrapped(document: Any) -> tuple[dict[str, Tensor], str]:
    """The tensors by name, and under which keys they lay."""
    path: list[str] = []
    while isinstance(document, Mapping):
        tensors = {str(name): value for name, value in document.items() if isinstance(value, Tensor)}
        if len(tensors) > 1:
            return tensors, ".".join(path)
        inner = next((key for key in WRAPPERS if isinstance(document.get(key), Mapping)), None)
        if inner is None or len(path) > len(WRAPPERS):
            break
        path.append(inner)
        document = document[inner]
    raise ConversionError("no_tensors")


def _without_prefix(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], str]:
    taken = ""
    while prefix := shared_prefix(state) or _usual_prefix(state):
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
        taken += prefix
    return state, taken


def _usual_prefix(state: Mapping[str, Tensor]) -> str:
    for prefix in PREFIXES:
        with_it = [name for name in state if name.startswith(prefix)]
        without = {name.removeprefix(prefix) for name in with_it}
        if len(with_it) > MOSTLY * len(state) and len(without | state.keys()) == len(with_it) + len(state):
            return prefix
    return ""


# -- Which network it is ----------------------------------------------------------------------------------------------

Fitted = tuple[dict[str, Tensor], list[str], int]
"""The state as timm names it, the names that are left out, and how many others were renamed."""


def _as_timm_names_it(state: dict[str, Tensor], architecture: str) -> tuple[dict[str, Any], Fitted]:
    """What was found of the network. Raises ConversionError where it is not the one that was named."""
    best: tuple[float, str, Fitted] | None = None
    for name in (architecture,) if architecture else GUESSED:
        share, fitted = _fitted(name, state)
        if best is None or share > best[0]:
            best = share, name, fitted
        if share == 1:
            break
    share, name, fitted = best or (0.0, "", (state, [], 0))
    if architecture and share < ENOUGH_ALIKE:
        raise ConversionError("another_network", architecture=architecture, percent=round(100 * share))
    if share < ENOUGH_ALIKE:
        return {"architecture": "", "outputs": _outputs(state), "channels": None, "input_size": None}, (state, [], 0)
    network = _built(name)
    [head, *_more] = classifiers(network) or [""]
    [stem, *_others] = first_layers(network) or [""]
    outputs, first = fitted[0].get(f"{head}.weight"), fitted[0].get(f"{stem}.weight")
    return {
        "architecture": name,
        "outputs": None if outputs is None else len(outputs),
        "channels": None if first is None or first.ndim < 2 else first.shape[1],
        "input_size": network.pretrained_cfg.get("input_size", (0, 0, 224))[-1],
    }, fitted


def _built(architecture: str) -> torch.nn.Module:
    if not backbones.import_timm().is_model(architecture):
        raise ConversionError("no_architecture", architecture=architecture)
    with backbones.Uninitialised():
        return backbones.build(architecture, {}, 4, 3)


def _fitted(architecture: str, state: dict[str, Tensor]) -> tuple[float, Fitted]:
    """The share of the network's tensors that the state has, by name and shape; heads may be of any width."""
    network = _built(architecture)
    wanted = network.state_dict()
    loose = tuple(f"{layer}." for layer in (*classifiers(network), *first_layers(network)))
    given = _with_timms_head(with_timms_names(architecture, state), wanted, classifiers(network))
    if wanted.keys() - given.keys():
        given = _by_order(given, wanted, loose) or given
    fits = [
        name for name in wanted if name in given and (name.startswith(loose) or given[name].shape == wanted[name].shape)
    ]
    kept = {name: given[name] for name in fits}
    left_out = [name for name in given if name not in wanted]
    return len(fits) / len(wanted), ({**kept}, left_out, len(set(kept) - state.keys()))


# torchvision's ViT, whose attention is torch's own.
VIT = (
    (r"^class_token$", "cls_token"),
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
    (r"^encoder\.ln\.", "norm."),
    (r"\.ln_1\.", ".norm1."),
    (r"\.ln_2\.", ".norm2."),
    (r"\.self_attention\.in_proj_(weight|bias)$", r".attn.qkv.\1"),
    (r"\.self_attention\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.(?:linear_1|0)\.", ".mlp.fc1."),
    (r"\.mlp\.(?:linear_2|3)\.", ".mlp.fc2."),
    (r"^heads\.(?:head\.|0\.)?", "head."),
)


def with_timms_names(architecture: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state of torchvision's names under timm's, where a rule is known; others are left alone."""
    if not (architecture.startswith("vit_") and "class_token" in state):
        return state
    return {_renamed(name, VIT): tensor for name, tensor in state.items()}


def _renamed(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, put in rules:
        name = re.sub(pattern, put, name)
    return name


def _with_timms_head(state: dict[str, Tensor], wanted: Mapping[str, Tensor], heads: list[str]) -> dict[str, Tensor]:
    """A head of one layer under timm's name: `fc.1.weight` of a Sequential with dropout, or `classifier.weight`."""
    if len(heads) != 1 or f"{heads[0]}.weight" not in wanted or f"{heads[0]}.weight" in state:
        return state
    width = wanted[f"{heads[0]}.weight"].shape[1]
    layers = [
        name.removesuffix(".weight")
        for name, tensor in state.items()
        if name.endswith(".weight") and name not in wanted and tensor.ndim == 2 and tensor.shape[1] == width
    ]
    if len(layers) != 1:
        return state
    old = f"{layers[0]}."
    return {
        f"{heads[0]}.{name.removeprefix(old)}" if name.startswith(old) else name: tensor
        for name, tensor in state.items()
    }


def _by_order(
    state: dict[str, Tensor], wanted: Mapping[str, Tensor], loose: tuple[str, ...]
) -> dict[str, Tensor] | None:
    """The same network under other names, as torchvision's EfficientNet is: every tensor in turn has the same last name
    and shape as timm's. None where one has not."""
    if len(state) != len(wanted):
        return None
    for (given, tensor), (name, like) in zip(state.items(), wanted.items(), strict=True):
        if given.rpartition(".")[2] != name.rpartition(".")[2]:
            return None
        if tensor.shape != like.shape and not name.startswith(loose):
            return None
    return dict(zip(wanted, state.values(), strict=True))


# -- What else it says ------------------------------------------------------------------------------------------------


def _outputs(state: Mapping[str, Tensor]) -> int | None:
    """Of the last layer that could be a head, where the network is not known."""
    flat = [len(tensor) for name, tensor in state.items() if name.endswith(".weight") and tensor.ndim == 2]
    return flat[-1] if flat else None


def _labels(document: Any) -> list[str]:
    """What the checkpoint calls its outputs, in order, where it says so."""
    said = next((document[key] for key in LABELS_UNDER if isinstance(document, Mapping) and document.get(key)), None)
    if isinstance(said, Mapping) and all(type(number) is int for number in said.values()):
        said = [name for name, _number in sorted(said.items(), key=lambda item: item[1])]
    if not isinstance(said, list | tuple) or len(said) > MOST_LABELS:
        return []
    return [str(label)[:LONGEST_LABEL] for label in said]
