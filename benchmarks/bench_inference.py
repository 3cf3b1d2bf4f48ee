"""Six full-size models asked about films, decoding included.

    python benchmarks/bench_inference.py [--parts speed cold path] [--batches 1 8 32] [--rounds 5] [--folder DIR]

Random weights are written once into a folder (--folder keeps them, and what this machine found out of them), the same
for all. The sides are processes that take turns: ours with heat maps and without; timm's networks in a list;
onnxruntime and OpenVINO as they come, where they are installed (benchmarks/requirements.txt); and a loop that builds,
loads, asks and unloads each model for each picture. Below them the floor: the networks' operations over what a large
matrix product of the same precision gets, timed in the same rounds. Milliseconds are a picture's share of its batch; a
ratio is the median of those of each round, for the two of a round had the same machine.

Cold is a process that has imported its libraries and nothing else: from six files that no cache holds to the first
answer, beside reading their bytes. The whole path is what a worker does, from the claimed row to the saved answer with
its heat maps, beside the engine alone with the same pictures.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import inference_sides
import networks
from installations import database

HERE = Path(__file__).resolve().parent
BATCHES, ROUNDS, LONGEST = (1, 8, 32), 5, 45  # seconds that one batch size may take
NEEDS = {"onnxruntime": ("onnxruntime", "onnxscript"), "openvino": ("openvino",)}
FLOOR = {1: 2.5, 8: 1.5}
OVER_BEST_PEER, MAPS, COLD, PATH = 1.05, 4 / 3, 1.5, 1.3
RELOADING = {1: (5, 10), 8: (8, 25)}  # as often as fast as that loop: without and with half precision in the processor
FARTHEST = 0.01
PEERS = ("timm, resident", "onnxruntime", "openvino")


# -- Sides ------------------------------------------------------------------------------------------------------------


class Process:
    """A side, ready to be asked."""

    def __init__(self, name: str, folder: Path, device: str) -> None:
        command = [sys.executable, __file__, "--side", name, "--folder", str(folder), "--device", device]
        self.name, self.log = name, folder / f"{name}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
            )
        self._read()

    def ask(self, pictures: int) -> dict[str, Any]:
        assert self.process.stdin
        print(pictures, file=self.process.stdin, flush=True)
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout
        if line := self.process.stdout.readline():
            return json.loads(line)
        raise SystemExit(f"{self.name} ended:\n{self.log.read_text()[-2000:]}")

    @property
    def peak(self) -> float:
        """GB that it has taken at most."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024**2 for line in status.splitlines() if line.startswith("VmHWM"))

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def is_there(name: str) -> bool:
    return all(importlib.util.find_spec(module) for module in NEEDS.get(name, ()))


@contextmanager
def sides(folder: Path, device: str) -> Iterator[dict[str, Process]]:
    with ExitStack() as stack:
        found = {}
        for name in filter(is_there, inference_sides.SIDES):
            found[name] = Process(name, folder, device)
            stack.callback(found[name].close)
        yield found


# -- Speed ------------------------------------------------------------------------------------------------------------


class Table:
    """What each side took, by batch size and round."""

    def __init__(self, folder: Path) -> None:
        self.flops = {one["name"]: one["flops"] for one in networks.described(folder)}
        self.seconds: dict[int, list[dict[str, float]]] = {}
        self.answers: dict[str, Any] = {}
        self.ways: dict[str, str] = {}
        self.tuning = 0.0

    def ask_all(self, processes: dict[str, Process], pictures: int, rounds: int) -> None:
        self.seconds[pictures] = []
        began = time.perf_counter()
        while len(self.seconds[pictures]) < rounds:
            self.seconds[pictures].append({name: self._ask(one, pictures) for name, one in processes.items()})
            if time.perf_counter() - began > LONGEST:
                break

    def _ask(self, process: Process, pictures: int) -> float:
        if process.name == "arithmetic":
            said = process.ask(0)
            return sum(flops / said[self.ways[name].split()[1]] for name, flops in self.flops.items()) * pictures / 1e9
        if process.name == "build, load, unload":
            return process.ask(1)["seconds"] * pictures  # it takes them one by one
        if pictures == min(self.seconds) and not self.seconds[pictures]:
            process.ask(pictures)  # warm
        said = process.ask(pictures)
        self.answers[process.name] = said["answers"]
        if "ways" in said:
            self.ways, self.tuning = said["ways"], max(self.tuning, said["tuning"])
        return said["seconds"]

    def median(self, name: str, pictures: int) -> float:
        return statistics.median(one[name] for one in self.seconds[pictures])

    def ratio(self, name: str, other: str, pictures: int) -> float:
        """How many times as long the first takes."""
        return statistics.median(one[name] / one[other] for one in self.seconds[pictures])

    def p95(self, name: str, pictures: int) -> float:
        took = sorted(one[name] for one in self.seconds[pictures])
        return took[min(len(took) - 1, round(0.95 * len(took)))]

    def farthest(self, name: str) -> float:
        """The largest difference of a probability from single precision's."""
        import numpy as np

        return float(np.abs(np.subtract(self.answers[name], self.answers["timm, resident"])).max())


def measure_speed(folder: Path, options: argparse.Namespace) -> list[str]:
    table = Table(folder)
    with sides(folder, options.device) as processes:
        for pictures in options.batches:
            table.ask_all(processes, pictures, options.rounds)
        columns = "".join(f" | {f'{n} at once':^32}" for n in options.batches)
        heads = " | ".join(["pictures/s  p50 ms  p95 ms  ÷ ours"] * len(options.batches))
        print(f"{'':22}{columns} |   GB |   |Δp|\n{'':22} | {heads} |      |")
        for process in processes.values():
            print_row(table, process, options.batches)
    print(
        f"Computed by: {', '.join(f'{name} {way}' for name, way in table.ways.items())}; found in {table.tuning:.0f} s."
    )
    for name in set(NEEDS) - set(processes):
        print(f"{name} is not installed: benchmarks/requirements.txt")
    return what_is_slow(table, options.batches, [name for name in PEERS if name in processes])


def print_row(table: Table, process: Process, batches: list[int]) -> None:
    name = process.name
    cells = [f"{'the floor' if name == 'arithmetic' else name:22}"]
    for pictures in batches:
        median, p95 = table.median(name, pictures), table.p95(name, pictures)
        ratio = table.ratio(name, "ours", pictures)
        cells.append(
            f"{pictures / median:>10.2f} {1000 * median / pictures:>7.0f} {1000 * p95 / pictures:>7.0f} {ratio:>6.2f}×"
        )
    cells.append(f"{process.peak:>4.1f}")
    cells.append(f"{table.farthest(name):>6.4f}" if name in table.answers else "")
    print(" | ".join(cells), flush=True)


def what_is_slow(table: Table, batches: list[int], peers: list[str]) -> list[str]:
    halves = any(not way.endswith("float32") for way in table.ways.values())
    broken = []
    for pictures in batches:
        if (floor := table.ratio("ours", "arithmetic", pictures)) > FLOOR.get(pictures, float("inf")):
            broken.append(f"{floor:.2f}× the floor at {pictures}, more than {FLOOR[pictures]}×")
        best = min(peers, key=lambda name: table.median(name, pictures))
        if (beside := table.ratio("ours", best, pictures)) > OVER_BEST_PEER:
            broken.append(f"{beside:.2f}× as long as {best} at {pictures}")
        if (maps := table.ratio("ours, with heat maps", "ours", pictures)) > MAPS:
            broken.append(f"heat maps make it {maps:.2f}× as long at {pictures}, more than a third")
        wanted = RELOADING.get(pictures, (0, 0))[halves]
        if (faster := table.ratio("build, load, unload", "ours", pictures)) < wanted:
            broken.append(f"{faster:.1f}× as fast as reloading at {pictures}, not {wanted}×")
    if (moved := table.farthest("ours")) > FARTHEST:
        broken.append(f"a probability is {moved:.4f} from single precision's")
    return broken


# -- Cold -------------------------------------------------------------------------------------------------------------


def cold(folder: Path, device: str) -> dict[str, float]:
    """Seconds from six files to the first answer, and those of reading their bytes, in a process that did neither."""
    from imaging import pixels
    from inference.nn import machine
    from inference.nn.backbones import import_timm
    from inference.nn.engine import Ensemble

    import_timm(), machine.openvino()
    weights = [spec.weights for spec in networks.specs(folder)]
    film = pixels.decode((folder / "film-00.png").read_bytes())
    everything = [*weights, *(folder / "tuned").glob("*")]
    forget(everything)
    began = time.perf_counter()
    read = sum(len(path.read_bytes()) for path in weights)
    reading = time.perf_counter() - began
    forget(everything)
    began = time.perf_counter()
    Ensemble(networks.specs(folder), device=device, tuned=folder / "tuned").predict([film])
    return {"bytes": read, "reading": reading, "answer": time.perf_counter() - began}


def forget(files: list[Path]) -> None:
    """Have the system drop what it holds of them."""
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure_cold(folder: Path, options: argparse.Namespace) -> list[str]:
    runs = [json.loads(child("cold", folder, options.device)) for _round in range(min(3, options.rounds))]
    run = min(runs, key=lambda one: one["answer"] / one["reading"])
    times = run["answer"] / run["reading"]
    print(
        f"Cold: six models answer {run['answer']:.1f} s after their {run['bytes'] / 1e6:.0f} MB lay on the disk, "
        f"{times:.1f}× the {run['reading']:.1f} s of reading them."
    )
    return [f"a cold start takes {times:.1f}× reading the files, more than {COLD}×"] if times > COLD else []


def child(name: str, folder: Path, device: str, environment: dict[str, str] | None = None) -> str:
    command = [sys.executable, __file__, "--measure", name, "--folder", str(folder), "--device", device]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1]


# -- The whole path ---------------------------------------------------------------------------------------------------


def path(folder: Path, device: str) -> dict[str, list[float]]:
    """Seconds for 32 pictures in each round, by a worker and by its engine alone."""
    rows = a_queue(folder)
    from imaging import pixels
    from inference import voting, worker

    _models, ensemble = voting.ensemble_in_force()
    pictures = [pixels.decode(row.xray.pixels.open().read()) for row in rows]
    ensemble.predict(pictures[:1])
    took: dict[str, list[float]] = {"worker": [], "engine": []}
    for _round in range(2):
        began = time.perf_counter()
        ensemble.predict(pictures)
        took["engine"].append(time.perf_counter() - began)
        began = time.perf_counter()
        finished = worker.answer(worker.claim())
        took["worker"].append(time.perf_counter() - began)
        assert finished == len(rows), finished
        ask_again()
    return took


def a_queue(folder: Path) -> list[Any]:
    """The six models, registered and tried, and 32 films that wait."""
    from datetime import date

    from django.conf import settings
    from django.core.files.base import ContentFile
    from django.core.management import call_command
    from django.utils import timezone

    from clinic.models import Patient
    from imaging.storing import receive
    from inference.models import DiagnosticModel, Prediction
    from inference.registry.registration import register

    call_command("migrate", verbosity=0)
    (Path(settings.DATA_DIR) / "tuned").symlink_to(folder.resolve() / "tuned")
    for spec in networks.specs(folder):
        register(
            spec.weights,
            name=spec.name,
            architecture=spec.architecture,
            labels=list(spec.labels),
            input_size=spec.input_size,
            mean=list(spec.mean),
            std=list(spec.std),
        )
    DiagnosticModel.objects.update(checked_at=timezone.now())
    patient = Patient.objects.create(full_name="Bench", date_of_birth=date(1970, 1, 1), sex="female")
    for film in sorted(folder.glob("film-*.png")):
        xray = receive(ContentFile(film.read_bytes(), name=film.name), patient).xray
        assert xray
        Prediction.objects.create(xray=xray)
    return list(Prediction.objects.order_by("pk"))


def ask_again() -> None:
    from imaging.models import XRayImage
    from inference.models import Prediction

    for xray in XRayImage.objects.order_by("pk"):
        Prediction.objects.create(xray=xray)


def measure_path(folder: Path, options: argparse.Namespace) -> list[str]:
    with database(None) as environment:
        took = json.loads(child("path", folder, options.device, environment))
    times = min(worker / engine for worker, engine in zip(took["worker"], took["engine"], strict=True))
    print(
        f"Whole path: 32 pictures from claimed to saved, with heat maps, in {min(took['worker']):.1f} s; "
        f"{times:.2f}× the engine's {min(took['engine']):.1f} s."
    )
    return [f"the whole path takes {times:.2f}× the engine, more than {PATH}×"] if times > PATH else []


# -- All of them ------------------------------------------------------------------------------------------------------

PARTS = {"speed": measure_speed, "cold": measure_cold, "path": measure_path}


def measure_here(name: str, folder: Path, device: str) -> None:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "backoffice.settings", "INFERENCE_DEVICE": device}
    if name == "path":
        import django

        django.setup()
    print(json.dumps({"cold": cold, "path": path}[name](folder, device)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", choices=PARTS, nargs="+", default=list(PARTS))
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES), help="pictures at once, 32 at most")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--folder", type=Path, help="for the weights; without it one that is gone afterwards")
    parser.add_argument("--side", choices=inference_sides.SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=("cold", "path"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(HERE.parent))
    if options.side:
        inference_sides.run(options.side, options.folder, options.device)
    elif options.measure:
        measure_here(options.measure, options.folder, options.device)
    else:
        run(options)


def run(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-models-")))
        folder.mkdir(parents=True, exist_ok=True)
        networks.write(folder)
        print("Six full-size models, decoding included; a picture's share of its batch\n")
        broken = [one for part in options.parts for one in PARTS[part](folder, options)]
    if broken:
        sys.exit("Does not hold: " + "; ".join(broken))
    print(
        f"Holds, of what was asked for: within {FLOOR[8]}× of the floor at 8 and {FLOOR[1]}× at 1, no peer 5 % faster, "
        f"maps under a third, a cold start within {COLD}× of reading, the whole path within {PATH}× of the engine."
    )


if __name__ == "__main__":
    main()
