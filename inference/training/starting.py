"""Weights that somebody else has trained, as the beginning of a network of one's own. Torch; no Django."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from inference.nn.backbones import WeightsError, import_timm

WRAPPERS = ("state_dict", "model", "model_state_dict")
MOST_MISSING = 0.2  # of the body's tensors: with fewer found it is another network
PREFIX = "module."


def start_from(network: nn.Module, path: Path, head: str) -> None:
    """Fill a network's body with the weights of a safetensors file or a PyTorch checkpoint; its head becomes 0.

    Tensors are found by their names, or, where none is found so, by their order, if all shapes agree: the same network
    is named otherwise elsewhere. A first layer for three colours is summed up for grey. `head` is the classifier's
    name. Raises WeightsError where the file does not fit.
    """
    given = read(path)
    wanted = {name: tensor for name, tensor in network.state_dict().items() if not _counts(name)}
    body = [name for name in wanted if name.split(".")[0] != head.split(".")[0]]
    found = _by_name(wanted, given, body) or _by_order(wanted, given, body)
    if len(found) < (1 - MOST_MISSING) * len(body):
        raise WeightsError(
            f"{path.name} does not fit: {len(found)} of {len(body)} tensors of the network are in it by name and shape"
        )
    network.load_state_dict(found, strict=False)
    # Some heads are drawn so large that the first steps would undo what the body knows.
    for name, parameter in network.named_parameters():
        if name not in body:
            nn.init.zeros_(parameter)


def takes_image_size(architecture: str) -> bool:
    """Whether timm builds the network for one size of pictures, which is then an option of it."""
    timm = import_timm()
    if not timm.is_model(architecture):
        raise WeightsError(f"timm {timm.__version__} has no architecture named {architecture!r}")
    known = timm.get_pretrained_cfg(architecture)
    return bool(known and known.fixed_input_size)


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a file; nothing in it is run."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"cannot read the weights {path}: {error}") from error
    except Exception as error:  # torch.load fails in as many ways as there are files
        raise WeightsError(f"{path.name} is no checkpoint that can be read without running it: {error}") from error
    for wrapper in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(wrapper), dict):
            content = content[wrapper]
    if not isinstance(content, dict):
        raise WeightsError(f"{path.name} holds no tensors by name")
    return {str(name).removeprefix(PREFIX): value for name, value in content.items() if isinstance(value, Tensor)}


def _counts(name: str) -> bool:
    return name.endswith("num_batches_tracked")


def _by_name(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], body: list[str]) -> dict[str, Tensor]:
    pairs = ((name, _fitted(given[name], wanted[name])) for name in body if name in given)
    return {name: tensor for name, tensor in pairs if tensor is not None}


def _by_order(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], body: list[str]) -> dict[str, Tensor]:
    in_order = [tensor for name, tensor in given.items() if not _counts(name)]
    found = {}
    for name, tensor in zip(wanted, in_order, strict=False):
        if name in body:
            fitted = _fitted(tensor, wanted[name])
            if fitted is None:
                return {}
            found[name] = fitted
    return found


def _fitted(given: Tensor, wanted: Tensor) -> Tensor | None:
    if given.shape == wanted.shape:
        return given
    if (
        given.ndim == 4
        and given.shape[1] == 3
        and wanted.shape[1] == 1
        and given.sum(1, keepdim=True).shape == wanted.shape
    ):
        return given.sum(1, keepdim=True)  # what it says of a picture whose three colours are alike
    return None
