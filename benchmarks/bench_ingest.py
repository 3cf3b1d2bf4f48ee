"""Films through the door, and a page of thumbnails.

    python benchmarks/bench_ingest.py [--files 20] [--films 200]

Each measurement runs in a process of its own. Ours is the real path: a child with its limits, every check, the
canonical picture, the one of all bits, the thumbnail. Beside it, on the same files: what a plain script does, which
decodes, stretches to eight bits, evens out the contrast (CLAHE) and writes one PNG by OpenCV; and the same with a
second PNG of all bits, which ours writes too. They take turns, and the best of several rounds counts: milliseconds of
processor a file, the child's whole life among them, and beside them files a second, which say less where the machine is
busy. Memory is that of a child, beyond what one has that has read a stamp, beside the decoded picture's bytes: a fork
maps its libraries anew, which are the same pages in each.

The list of films is served by gunicorn as in the Procfile; a browser's six connections fetch it page by page, with all
its thumbnails.
"""

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import Any

import processors
from films import KINDS, LARGE, SMALL, write
from installations import database, served

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from backoffice.files.apart import ALLOCATION  # noqa: E402 — of the project, which is no installed package

LABELS = {
    "jpeg.jpg": "JPEG 1024²",
    "png.png": "PNG of 16 bits, 2048 × 2500",
    "dicom.dcm": "DICOM, 2048 × 2500",
    "lossless.dcm": "DICOM, JPEG Lossless, 2048 × 2500",
}
DECODED_BYTES = {name: SMALL[0] * SMALL[1] if name == "jpeg.jpg" else 2 * LARGE[0] * LARGE[1] for name in KINDS}
FILES, FILMS, ROUNDS = 20, 200, 3
SLOWER, MEMORY = 1.5, 4
CONNECTIONS = 6  # that a browser opens to one host


# -- One measurement, in a process of its own --------------------------------------------------------------------------


def ours(path: Path, files: int) -> dict[str, float]:
    from imaging.ingest import read

    def one() -> None:
        with path.open("rb") as file:
            read(file, path.name).close()

    return rate(one, files, processor=lambda: time.process_time() + of_the_nursery())


def of_the_nursery() -> float:
    """Seconds of processor that it has taken, with those of its children that have ended."""
    from backoffice.files import apart

    assert apart.nurse.pid
    return processors.seconds_of(apart.nurse.pid)


def plain(path: Path, files: int) -> dict[str, float]:
    return rate(script(path), files)


def plain_both(path: Path, files: int) -> dict[str, float]:
    return rate(script(path, keeps_all_bits=True), files)


def script(path: Path, *, keeps_all_bits: bool = False) -> Callable[[], None]:
    import cv2
    import numpy as np

    cv2.setNumThreads(1)

    def one() -> None:
        picture = decoded(path)
        low, high = int(picture.min()), int(picture.max())
        table = np.clip((np.arange(high + 1) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        cv2.imencode(".png", cv2.createCLAHE(2.0, (8, 8)).apply(table[picture]))
        if keeps_all_bits and picture.dtype == np.uint16:
            cv2.imencode(".png", picture)

    return one


def decoded(path: Path) -> Any:
    if path.name == "lossless.dcm":
        return decoded_by_library(path)
    if path.suffix == ".dcm":
        import pydicom

        return pydicom.dcmread(path).pixel_array
    import cv2

    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def decoded_by_library(path: Path) -> Any:
    """By the decoder that the door takes: pydicom has none that is as quick."""
    import pydicom
    from imagecodecs import jpeg8_decode
    from pydicom.encaps import get_frame

    return jpeg8_decode(get_frame(pydicom.dcmread(path).PixelData, 0, number_of_frames=1))


def rate(one: Callable[[], None], files: int, processor: Callable[[], float] = time.process_time) -> dict[str, float]:
    one()
    started, computed = time.perf_counter(), processor()
    for _file in range(files):
        one()
    taken = {"seconds": processor() - computed, "elapsed": time.perf_counter() - started}
    return {name: value / files for name, value in taken.items()}


def memory(path: Path, files: int) -> dict[str, float]:
    """Bytes that reading takes at most, beyond what a child has that has read a small film."""
    import io

    from imaging import reading

    data = path.read_bytes()
    reading.warm_up()
    if os.fork():
        _pid, status = os.wait()
        assert not status
        return json.loads(path.with_suffix(".memory").read_text())
    reading.warm_up()
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    with path.open("rb") as file, tempfile.TemporaryFile() as pixels, tempfile.TemporaryFile() as deep:
        list(reading.picture(file, pixels, io.BytesIO(), deep, name=path.name))
    path.with_suffix(".memory").write_text(json.dumps({"bytes": peak() - before, "file": len(data)}))
    os._exit(0)


def peak() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def fill(path: Path, films: int) -> dict[str, float]:
    """Keep so many films, and return nothing; the session's key is left beside the database."""
    import io
    from datetime import date

    from django.core.files.base import ContentFile
    from django.core.management import call_command
    from django.test import Client
    from films import film
    from PIL import Image

    from backoffice.models import User
    from clinic.models import Patient
    from imaging.storing import receive

    call_command("migrate", verbosity=0)
    patient = Patient.objects.create(full_name="Bench", date_of_birth=date(1970, 1, 1), sex="female")
    picture = film((512, 512), 8)
    for number in range(films):
        picture[0, :2] = divmod(number, 256)
        target = io.BytesIO()
        Image.fromarray(picture).save(target, "PNG")
        assert receive(ContentFile(target.getvalue(), name="film.png"), patient).xray
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    Path(os.environ["DATA_DIR"], "session").write_text(client.cookies["sessionid"].value)
    return {}


MEASUREMENTS = {function.__name__: function for function in (ours, plain, plain_both, memory, fill)}


def measure_here(name: str, path: Path, number: int) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
    import django

    django.setup()
    print(json.dumps(MEASUREMENTS[name](path, number)))


# -- The page of thumbnails --------------------------------------------------------------------------------------------


def thumbnails(films: int) -> dict[str, float]:
    with database(None) as environment:
        measure("fill", Path(), films, environment)
        cookie = {"Cookie": f"sessionid={Path(environment['DATA_DIR'], 'session').read_text()}"}
        with served(environment) as port:
            browser = Browser(port, cookie)
            browser.pages(films)
            return min((browser.pages(films) for _round in range(ROUNDS)), key=lambda one: one["full"])


class Browser:
    def __init__(self, port: int, headers: dict[str, str]):
        self.port, self.headers, self.kept = port, headers, local()

    def get(self, address: str) -> bytes:
        if not hasattr(self.kept, "connection"):
            self.kept.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.kept.connection.request("GET", address, headers=self.headers)
        answer = self.kept.connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (address, answer.status)
        return body

    def pages(self, films: int) -> dict[str, float]:
        """Milliseconds to the first page's end and to the last picture's, and how many requests that were."""
        started, first, seen, requests, page = time.perf_counter(), 0.0, 0, 0, 1
        with ThreadPoolExecutor(CONNECTIONS) as connections:
            while seen < films:
                html = self.get(f"/admin/imaging/xrayimage/?p={page}").decode()
                first = first or time.perf_counter() - started
                addresses = re.findall(r'class="xray-thumbnail" src="([^"]+)"', html)
                assert addresses, "no thumbnails"
                pictures = list(connections.map(self.get, addresses))
                assert all(picture.startswith(b"\xff\xd8") for picture in pictures)
                seen, requests, page = seen + len(addresses), requests + 1 + len(addresses), page + 1
        taken = time.perf_counter() - started
        return {"first": 1000 * first, "full": 1000 * taken, "requests": requests, "pages": page - 1}


# -- All of them -------------------------------------------------------------------------------------------------------


def measure(name: str, path: Path, number: int, environment: dict[str, str]) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", name, "--path", str(path), "--files", str(number)]
    return json.loads(subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def row_of(path: Path, files: int, environment: dict[str, str]) -> dict[str, float]:
    names = ("ours", "plain", "plain_both")
    rounds = [{name: measure(name, path, files, environment) for name in names} for _round in range(ROUNDS)]
    best = {name: min(one[name]["seconds"] for one in rounds) for name in names}
    quickest = {f"{name}_elapsed": min(one[name]["elapsed"] for one in rounds) for name in names}
    taken = measure("memory", path, 1, environment | ALLOCATION)["bytes"]
    return best | quickest | {"memory": taken, "times": taken / DECODED_BYTES[path.name]}


HEADER = """
                                   |    ours |         plain |     both PNGs |      ours, plain |     memory
                                   | ms of processor a file, ours beside   | files per second | MB × decoded"""


def print_row(label: str, row: dict[str, float]) -> None:
    cells = [
        f"{label:34}",
        f"{1000 * row['ours']:>7.0f}",
        *(f"{1000 * row[name]:>6.0f} {row['ours'] / row[name]:>5.2f}×" for name in ("plain", "plain_both")),
        f"{1 / row['ours_elapsed']:>7.1f} {1 / row['plain_elapsed']:>8.1f}",
        f"{row['memory'] / 1e6:>2.0f} {row['times']:>6.1f}×",
    ]
    print(" | ".join(cells), flush=True)


def what_does_not_hold(table: dict[str, dict[str, float]]) -> list[str]:
    rules = {
        f"the door takes more than {SLOWER}× as long as a plain script": any(
            row["ours"] > SLOWER * row["plain"] for row in table.values()
        ),
        f"it takes {MEMORY}× the decoded picture or more": any(row["times"] >= MEMORY for row in table.values()),
    }
    return [rule for rule, broken in rules.items() if broken]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=FILES, help="of each kind, in each round")
    parser.add_argument("--films", type=int, default=FILMS, help="in the list")
    parser.add_argument("--measure", choices=MEASUREMENTS, help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure_here(options.measure, options.path, options.files)
        return
    print(f"Films through the door{HEADER}")
    table = {}
    with tempfile.TemporaryDirectory(prefix="bench-films-") as folder, database(None) as environment:
        write(Path(folder))
        for name in KINDS:
            table[name] = row_of(Path(folder, name), options.files, environment)
            print_row(LABELS[name], table[name])
    grid = thumbnails(options.films)
    print(
        f"{options.films} films in the list with their thumbnails: the first page after {grid['first']:.0f} ms, all "
        f"{grid['pages']:.0f} pages after {grid['full']:.0f} ms, {grid['requests']:.0f} requests."
    )
    if broken := what_does_not_hold(table):
        sys.exit("Does not hold: " + "; ".join(broken))
    print(f"Holds: within {SLOWER}× of a plain script, memory under {MEMORY}× the decoded picture.")


if __name__ == "__main__":
    main()
