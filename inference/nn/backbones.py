"""Networks by their timm name, filled from safetensors files. Torch and timm; no Django."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as parse_safetensors
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# What timm's create_model would fetch, unpickle, or take from the labels and the mean instead.
RESERVED_OPTIONS = frozenset(
    ("pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir")
) | {"num_classes", "in_chans"}
NAMES_SHOWN = 8

# Declared operators live as long as their Library object.
_declared_operators: list[torch.library.Library] = []


class WeightsError(Exception):
    """A model's weights cannot be used as they are; trying again will not help."""


def import_timm() -> ModuleType:
    """Return timm, whichever build of torchvision stands beside torch.

    timm imports torchvision, and the CUDA build of torchvision refuses to be imported beside a
    CPU-only torch because its compiled operators are missing. timm uses none of them, so
    declaring the two that torchvision asks for at import is enough.
    """
    try:
        import timm
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared_operators.append(library)
        import timm
    return timm


def build(architecture: str, options: Mapping[str, Any], classes: int, channels: int) -> nn.Module:
    """Return the randomly initialised network that timm calls `architecture`.

    `options` go to timm as they are (`img_size`, `depth`, …; lists become tuples).
    Raises WeightsError where timm has no such network or refuses the options.
    """
    timm = import_timm()
    if not timm.is_model(architecture):
        raise WeightsError(f"timm {timm.__version__} has no architecture named {architecture!r}")
    if reserved := RESERVED_OPTIONS & options.keys():
        raise WeightsError(f"options must not contain {', '.join(sorted(reserved))}")
    keywords = {k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}
    try:
        return timm.create_model(architecture, num_classes=classes, in_chans=channels, **keywords)
    except (TypeError, ValueError, RuntimeError, AssertionError, KeyError) as error:
        raise WeightsError(f"{architecture} refuses its options {dict(options)}: {error}") from error


def load(
    architecture: str,
    options: Mapping[str, Any],
    classes: int,
    channels: int,
    weights: Path,
    sha256: str,
) -> nn.Module:
    """Return the network with its weights from a safetensors file, in eval mode, on the CPU.

    Raises WeightsError where the file is missing, is not the one that was registered (its
    SHA-256 differs), is no safetensors file, or does not fit the network exactly.
    """
    with ThreadPoolExecutor(1) as reader:  # hashing lets go of Python's lock, under which the network is built
        reading = reader.submit(read_weights, weights, sha256)
        with Uninitialised():
            network = build(architecture, options, classes, channels)
        state = reading.result()
    wanted = network.state_dict()
    _check_fit(f"{weights.name} does not fit {architecture}", wanted, state)
    # What was read becomes the network's own, rather than being copied into it.
    network.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in state.items()}, assign=True)
    return network.eval().requires_grad_(False)


def check_input_size(network: nn.Module, options: Mapping[str, Any], size: int) -> None:
    """Raise WeightsError unless the network, built with `options`, takes pictures of size×size.

    Some transformers stop at another size than their own, and CrossViT takes one and answers wrongly.
    """
    own = fixed_input_size(network, options)
    if own not in (None, size):
        raise WeightsError(
            f"{network.pretrained_cfg['architecture']} is built for {own} px, but its input size is given as {size}"
        )


def fixed_input_size(network: nn.Module, options: Mapping[str, Any]) -> int | None:
    """The edge, in pixels, of the only pictures that the network, built with `options`, takes; None for any."""
    known = network.pretrained_cfg
    if not known.get("fixed_input_size"):
        return None
    own = options.get("img_size", known["input_size"][-1])
    return own[0] if isinstance(own, list | tuple) else own


def read_weights(path: Path, sha256: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file whose SHA-256 (hex) is `sha256`."""
    try:
        content = path.read_bytes()  # read once: what was hashed is what is loaded
    except OSError as error:
        raise WeightsError(f"cannot read the weights {path}: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise WeightsError(
            f"{path.name} is not the file that was registered: its SHA-256 is {found}, expected {sha256}"
        )
    try:
        return parse_safetensors(content)
    except SafetensorError as error:
        raise WeightsError(f"{path.name} is not a safetensors file: {error}") from error


class Uninitialised(TorchFunctionMode):
    """Skip the drawing of random weights, which costs more than reading the real ones.

    Buffers that are computed rather than drawn (Swin's attention masks and indices) are still
    made, which they would not be on the meta device.
    """

    # torch's own initialisers, and the methods that timm's truncated normal is made of
    DRAWS = frozenset(
        (
            nn.init.uniform_,
            nn.init.normal_,
            nn.init.trunc_normal_,
            nn.init.kaiming_uniform_,
            nn.init.kaiming_normal_,
            nn.init.xavier_uniform_,
            Tensor.uniform_,
            Tensor.normal_,
            Tensor.erfinv_,
        )
    )

    def __torch_function__(
        self, func: Callable[..., Any], types: Sequence[type], args: tuple = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in self.DRAWS:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _check_fit(complaint: str, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    differences = {
        "missing": [name for name in wanted if name not in given],
        "unexpected": [name for name in given if name not in wanted],
        "of another shape": [
            f"{name} ({_shape(given[name])} in the file, {_shape(wanted[name])} in the network)"
            for name in wanted
            if name in given and wanted[name].shape != given[name].shape
        ],
    }
    found = [f"{len(n)} {kind}: {_shortened(n)}" for kind, n in differences.items() if n]
    if found:
        raise WeightsError(f"{complaint}; {'; '.join(found)}")


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "scalar"


def _shortened(names: Sequence[str]) -> str:
    rest = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
