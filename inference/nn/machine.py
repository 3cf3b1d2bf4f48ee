"""What this machine computes with: cores, libraries, and all that decides what is fast on it. Torch; no Django."""

import hashlib
import os
import platform
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from inference.nn import backbones


@cache
def openvino() -> Any:
    """The library, or None where it is not installed."""
    # What convert_model would tell its makers: without this package it tells nobody anything.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: not to be found
    try:
        import openvino as library
    except ImportError:
        return None
    return library


@cache
def cores() -> int:
    """How many this process may use: what its affinity and its control group leave of the machine's."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(count, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return count


def threads() -> int:
    """How many the networks compute on: every core, unless OMP_NUM_THREADS says fewer."""
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(cores(), int(said)) if said.isdigit() and int(said) else cores()


@cache
def described(device: torch.device) -> dict[str, str]:
    """All that decides which way is the fastest and what its bits are; another machine or version is asked anew."""
    told = {"torch": torch.__version__, "timm": backbones.import_timm().__version__, "threads": str(threads())}
    if openvino():
        told["openvino"] = metadata.version("openvino")
    if device.type == "cuda":
        return told | {"device": torch.cuda.get_device_name(device), "cuda": str(torch.version.cuda)}
    return told | {"device": _processor()}


def _processor() -> str:
    """Its model and a hash of its flags: two of one name may differ in what a hypervisor lets through."""
    try:
        lines = Path("/proc/cpuinfo").read_text().partition("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = hashlib.sha256(said.get("flags", said.get("Features", "")).encode()).hexdigest()[:8]
    return f"{said.get('model name', platform.machine())} {flags}"
