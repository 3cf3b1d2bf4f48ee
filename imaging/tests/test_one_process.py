"""Every file that nobody on this project made, one after the other, in one process of little memory."""

import csv
import os
import subprocess
import sys

from imaging.tests.realfiles import manifest, needs_real_files

ADDRESS_SPACE = 1_000_000_000  # bytes
SECONDS = 2  # of computing, for a file

READ_THEM_ALL = f"""
import csv, io, resource, sys, time
resource.setrlimit(resource.RLIMIT_AS, ({ADDRESS_SPACE}, {ADDRESS_SPACE}))
import django
django.setup()
from imaging import reading
told = csv.writer(sys.stdout)
for path in sys.argv[1:]:
    started = time.process_time()
    with open(path, "rb") as file:
        name = path.rpartition("/")[2]
        (said,) = reading.picture(file, io.BytesIO(), io.BytesIO(), io.BytesIO(), name=name)
    told.writerow([path, said.get("refused", ""), time.process_time() - started])
"""


def paths(*folders: str) -> list[str]:
    return [str(row["path"]) for folder in folders for row in manifest(folder)]


@needs_real_files
def test_they_are_read_or_refused_in_one_process_within_a_gigabyte_and_two_seconds_each():
    """By what a child does with each; that each gets its own reason, the tests of the door hold."""
    everything, radiographs = paths("hostile", "dicom", "cxr"), set(paths("cxr"))
    assert len(everything) == 50 + 25 + 24
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "backoffice.settings"}
    run = [sys.executable, "-c", READ_THEM_ALL, *everything]
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    ends = list(csv.reader(done.stdout.splitlines()))
    assert [path for path, _refused, _seconds in ends] == everything
    assert [path for path, _refused, seconds in ends if float(seconds) > SECONDS] == []
    assert [path for path, refused, _seconds in ends if path in radiographs and refused] == []
