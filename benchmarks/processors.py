"""What processes have taken of the processors, as Linux counts it in /proc."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PARENT, TIMES = 1, slice(11, 15)  # fields of stat after the name; its own times, and those of its children that ended


def stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def seconds_of(pid: int) -> float:
    """Seconds that it has taken, with those of its children that have ended."""
    return sum(map(int, stat(pid)[TIMES])) / TICKS


def with_children(root: int) -> float:
    """Seconds that it has taken, with all that descend from it."""
    children = defaultdict(list)
    for pid in pids():
        with suppress(OSError):  # ended meanwhile
            children[int(stat(pid)[PARENT])].append(pid)
    found = [root]
    for pid in found:
        found += children[pid]
    return total(found)


def named(*parts: str) -> float:
    """Seconds of all processes whose command line holds one of these."""
    return total(pid for pid in pids() if pid != os.getpid() and any(part in command(pid) for part in parts))


def of_all() -> float:
    """Seconds that all processes and the kernel have taken since the machine started."""
    user, nice, system, _idle, _waiting, *interrupts = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + sum(interrupts)) / TICKS


def total(found: Iterable[int]) -> float:
    seconds = 0.0
    for pid in found:
        with suppress(OSError):
            seconds += seconds_of(pid)
    return seconds


def pids() -> Iterator[int]:
    return (int(entry) for entry in os.listdir("/proc") if entry.isdigit())


def command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    return ""
