"""Which device a worker computes on, chosen once when it starts. Torch; no Django.

Workers on one machine that may choose spread over its GPUs. Each holds a locked file for the one that it has, as long
as it lives: a worker that is killed gives its place back. Where there are more workers than GPUs they share, evenly.
"""

import fcntl
import os
import platform
import warnings
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

import torch

NVIDIA = Path("/dev/nvidiactl")
"""Where Linux has NVIDIA's driver, whether torch can use it or not."""


class DeviceLostError(Exception):
    """The device has failed under this process, which gets no further with it; another process may."""


class Fallback(StrEnum):
    """Why `auto` took the processor."""

    NO_GPU = "no_gpu"
    GPU_UNUSABLE = "gpu_unusable"


@dataclass(frozen=True)
class Device:
    """`name` as torch takes it ("cpu", "cuda:1"), `model` as people know it; why it is no GPU, and what torch says."""

    name: str
    model: str
    fallback: Fallback | None = None
    detail: str = ""


def choose(wanted: str, places: Path) -> Device:
    """Return the device for "auto", "cpu", "cuda" or "cuda:N". "auto" is a GPU where there is one that torch can use.

    `places` is this machine's folder for the files that workers hold. Raises ValueError where there is no such device.
    """
    try:
        kind = "cuda" if wanted == "auto" else torch.device(wanted).type
    except RuntimeError as error:
        raise ValueError(f"no such device: {wanted!r}; use auto, cpu or cuda") from error
    if kind != "cuda":
        return Device(wanted, platform.machine())
    gpus, detail = _gpus()
    if not gpus and wanted == "auto":
        there = Fallback.GPU_UNUSABLE if NVIDIA.exists() else Fallback.NO_GPU
        return Device("cpu", platform.machine(), there, detail)
    if not gpus:
        raise ValueError(f"{wanted} was asked for, but torch sees no CUDA device ({detail}); use auto or cpu")
    number = None if wanted == "auto" else torch.device(wanted).index
    if number is None:
        number = take_place(gpus, places)
    if number >= gpus:
        raise ValueError(f"{wanted} was asked for, but torch sees {gpus} CUDA devices, numbered from 0")
    return Device(f"cuda:{number}", torch.cuda.get_device_name(number))


def _gpus() -> tuple[int, str]:
    """How many torch can use, and, where it is none, what torch says of that."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if gpus:
        return gpus, ""
    if torch.version.cuda is None:
        return 0, f"torch {torch.__version__} is built without CUDA"
    return 0, str(said[-1].message).splitlines()[0] if said else "no NVIDIA driver answers"


def take_place(gpus: int, places: Path) -> int:
    """Return the number of the GPU that the fewest workers have, and hold a place there until this process ends."""
    places.mkdir(parents=True, exist_ok=True)
    for place in count():  # the first of each GPU, then the second of each …
        number, turn = place % gpus, place // gpus
        # Never closed: it is the process's end that lets go.
        file = places / f"gpu-{platform.node()}-{number}-{turn}.lock"  # several machines may share the folder
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        else:
            return number
    raise AssertionError("count() has an end")


def has_failed(error: BaseException | None) -> bool:
    """Whether this says that the device has failed: on CUDA every later call of the process fails then too. That it had
    too little memory is no such failure."""
    if error is None or isinstance(error, torch.OutOfMemoryError):
        return False
    if isinstance(error, torch.AcceleratorError) or (isinstance(error, RuntimeError) and "CUDA error" in str(error)):
        return True
    return has_failed(error.__cause__)
