"""What this process computes on, and that it says so."""

import logging
from functools import cache

from django.conf import settings

from inference import heartbeat
from inference.models import Worker
from inference.nn import devices
from inference.nn.devices import Device

logger = logging.getLogger(__name__)


@cache
def of(wanted: str) -> Device:
    """What this process computes on, chosen at the first question. Raises ValueError where there is no such device."""
    return devices.choose(wanted, settings.DATA_DIR / "run")


_announced = ""


def announce() -> None:
    """Say what this worker computes on, in its log and on the first page; once, unless it changes."""
    global _announced
    wanted = settings.INFERENCE_DEVICE
    try:
        device = of(wanted)
    except ValueError as error:
        told = {"device": "", "device_name": "", "trouble": Worker.Trouble.NO_SUCH_DEVICE, "detail": str(error)}
        level, line = logging.ERROR, f"INFERENCE_DEVICE={wanted} does not fit this machine: {error}"
    else:
        trouble = device.fallback.value if device.fallback else ""
        told = {"device": device.name, "device_name": device.model, "trouble": trouble, "detail": device.detail}
        level, line = logging.INFO, f"computing on {device.name} ({device.model})"
        if trouble:
            level, line = logging.WARNING, f"{line}, no GPU: {device.detail}"
    if line != _announced:
        logger.log(level, "%s", line)
        heartbeat.report(**told)
        _announced = line
