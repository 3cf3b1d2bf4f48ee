"""Try a file of weights by its description: do they fit, and does the network answer? Torch and timm; no Django.

A task of backoffice/files/apart.py, so that neither a file nor a description can take more memory or time than a trial
may. How fast it is on the device that will ask it, the worker finds out afterwards.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import IO, Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from inference.nn import backbones
from inference.nn.families import shows_where
from inference.nn.findings import NAMES_SHOWN, Code, UnusableError
from inference.nn.heatmaps import answer_with_heat
from inference.nn.weights_file import Place, read_head

backbones.import_timm()  # once, before the nursery forks: it takes seconds

ALIKE = 5
PREFIXES = ("module.", "model.", "backbone.", "net.", "network.", "_orig_mod.")


def tried(
    file: IO[bytes], *, architecture: str, options: dict[str, Any], labels: int, channels: int, input_size: int
) -> Iterator[dict[str, Any]]:
    """Yield how far it is, as {"progress": percent}; then, at last, {"findings": […]} with what the network is."""
    torch.set_num_threads(1)
    try:
        given = read_head(file)
        yield {"progress": 5}
        network = backbone(architecture, options, labels, channels, input_size)
        yield {"progress": 25}
        if findings := misfits(network, given, labels, channels):
            raise UnusableError(*findings)
        network.load_state_dict(_finite(load_file(f"/proc/self/fd/{file.fileno()}")))
        yield {"progress": 60}
        answers_with_heat = ask(network.eval().requires_grad_(False), labels, channels, input_size)
        has_heat = answers_with_heat and shows_where(architecture)
    except UnusableError as error:
        yield {"findings": error.findings}
    else:
        parameters = sum(parameter.numel() for parameter in network.parameters())
        yield {"findings": [], "parameters": parameters, "has_heat": has_heat}


def backbone(architecture: str, options: Mapping[str, Any], labels: int, channels: int, input_size: int) -> nn.Module:
    """The network, not yet filled. Raises UnusableError where timm has none such, or not of these options."""
    timm = backbones.import_timm()
    if not timm.is_model(architecture):
        alike = difflib.get_close_matches(architecture, timm.list_models(), n=ALIKE)
        raise UnusableError(
            Code.NO_ARCHITECTURE.found(architecture=architecture, timm=timm.__version__, alike=alike),
        )
    try:
        with backbones.Uninitialised():
            network = backbones.build(architecture, options, labels, channels)
    except backbones.WeightsError as error:
        if is_out_of_memory(error.__cause__ or error):
            raise MemoryError from error
        raise UnusableError(Code.OPTIONS_REFUSED.found(architecture=architecture, why=str(error)[:500])) from error
    own = backbones.fixed_input_size(network, options)
    if own not in (None, input_size):
        raise UnusableError(Code.INPUT_SIZE.found(own=own, given=input_size))
    return network


def misfits(network: nn.Module, given: Mapping[str, Place], labels: int, channels: int) -> list[dict[str, Any]]:
    """What differs between the network and the tensors of a file."""
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if prefix := shared_prefix(given):
        return [Code.PREFIXED.found(prefix=prefix)]
    misshapen = {name for name in wanted if name in given and given[name].shape != wanted[name]}
    findings = []
    if outputs := _different(misshapen, given, classifiers(network), labels):
        findings.append(Code.OUTPUTS.found(given=outputs, wanted=labels))
        misshapen -= {name for name in misshapen if name.startswith(tuple(classifiers(network)))}
    if stem := _different(misshapen, given, first_layers(network), channels, axis=1):
        findings.append(Code.CHANNELS.found(given=stem, wanted=channels))
        misshapen -= {name for name in misshapen if name.startswith(tuple(first_layers(network)))}
    findings += Code.MISSING.of_tensors([name for name in wanted if name not in given])
    findings += Code.UNEXPECTED.of_tensors([name for name in given if name not in wanted])
    if misshapen:
        told = [[name, list(given[name].shape), list(wanted[name])] for name in wanted if name in misshapen]
        findings.append(Code.SHAPES.found(count=len(told), tensors=told[:NAMES_SHOWN]))
    return findings


def shared_prefix(names: Mapping[str, Any]) -> str:
    """What DataParallel, Lightning and others have put before every name."""
    return next((prefix for prefix in PREFIXES if names and all(name.startswith(prefix) for name in names)), "")


def _different(
    misshapen: set[str], given: Mapping[str, Place], layers: list[str], wanted: int, axis: int = 0
) -> int | None:
    """How many outputs (or inputs) the file's layer has, where these are not as many as wanted."""
    for name in (f"{layer}.weight" for layer in layers):
        if name in misshapen and len(given[name].shape) > axis and given[name].shape[axis] != wanted:
            return given[name].shape[axis]
    return None


def classifiers(network: nn.Module) -> list[str]:
    """The layers that answer, by name: one, or as many as the network has heads."""
    return _names(network.pretrained_cfg.get("classifier"))


def first_layers(network: nn.Module) -> list[str]:
    return _names(network.pretrained_cfg.get("first_conv"))


def _names(said: str | tuple | list | None) -> list[str]:
    return [said] if isinstance(said, str) else list(said or ())


def _finite(state: dict[str, Tensor]) -> dict[str, Tensor]:
    broken = [name for name, tensor in state.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise UnusableError(*Code.NOT_FINITE.of_tensors(broken))
    return state


def ask(network: nn.Module, labels: int, channels: int, input_size: int) -> bool:
    """Ask it about noise; whether it can say where it looked. Raises UnusableError where it gives no answer."""
    noise = torch.rand(1, channels, input_size, input_size, generator=torch.Generator().manual_seed(0))
    try:
        logits, heat = answer_with_heat(network, noise)
    except (RuntimeError, ValueError, TypeError, AssertionError, AttributeError, IndexError) as error:
        if is_out_of_memory(error):
            raise MemoryError from error
        raise UnusableError(Code.ANSWER_FAILED.found(why=f"{type(error).__name__}: {error}"[:500])) from error
    if tuple(logits.shape) != (1, labels):
        raise UnusableError(Code.ANSWER_SHAPE.found(given=list(logits.shape)))
    if not logits.isfinite().all():
        raise UnusableError(Code.ANSWER_NOT_FINITE.found())
    return heat is not None


def is_out_of_memory(error: BaseException) -> bool:
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)
