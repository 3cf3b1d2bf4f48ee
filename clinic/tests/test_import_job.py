"""Large files, by real workers: killed in the middle, and woken twice."""

import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

UPLOAD = """
from django.contrib.auth import get_user_model
from backoffice.imports import uploads
from clinic.models import Patient
from clinic.tests.tables import csv_of, many

importer, _made = get_user_model().objects.get_or_create(username="importer")
print(uploads.receive(csv_of(*many({n})), Patient, by=importer).pk)
"""

CONFIRM = """
from backoffice.imports import uploads
from backoffice.models import TableImport

row = TableImport.objects.get()
print("confirmed:", uploads.confirm(row, by=row.uploaded_by, skip_invalid=False))
"""

CONFIRM_FOUR_TIMES_AT_ONCE = """
from backoffice.imports import uploads
from backoffice.models import TableImport
from clinic.tests.rush import at_once


def confirm(number):
    row = TableImport.objects.get()
    return uploads.confirm(row, by=row.uploaded_by, skip_invalid=False)


print(sorted(at_once(4, confirm)))
"""

CLAIM_BESIDE_ONE_WHO_HOLDS_THE_ROW = """
import time

from django.db import transaction

from backoffice.imports import runs
from backoffice.models import TableImport
from clinic.tests.rush import at_once

row = TableImport.objects.get()
TableImport.objects.update(status="to_write")


def hold_or_claim(number):
    if number:
        time.sleep(0.3)
        return runs.claim(row.pk) is not None
    with transaction.atomic():
        TableImport.objects.select_for_update().get()
        time.sleep(1)


print(at_once(2, hold_or_claim))
"""

WAKE = "from backoffice.imports import runs; runs.wake_a_worker()"


def wait_for(condition, seconds: float, otherwise) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.02)


def status(installation) -> str:
    return installation.query("SELECT status FROM backoffice_tableimport")[0][0]


def count(installation, table: str) -> int:
    return installation.query(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608


def rows_done(installation) -> int:
    """How far a run says that it is."""
    told = Path(installation.data_dir, "media", "imports").rglob("*.progress-*")
    rows = (path.name.rpartition("-")[2] for path in told)
    return max((int(number) for number in rows if number.isdecimal()), default=0)  # one may be half-written still


def reach(installation, wanted: str, seconds: float = 120) -> None:
    wait_for(lambda: status(installation) == wanted, seconds, installation.logs)


def test_a_worker_that_is_killed_while_it_writes_leaves_nothing_and_the_next_writes_once(installation):
    n = 14_000  # long enough that it is seen in the middle
    installation.environment["IMPORT_LEASE_SECONDS"] = "4"
    installation.python(UPLOAD.format(n=n))
    assert status(installation) == "to_check"
    worker = installation.start("qcluster")
    reach(installation, "checked")
    assert count(installation, "clinic_patient") == 0

    assert "confirmed: True" in installation.python(CONFIRM)
    wait_for(lambda: status(installation) == "writing" and rows_done(installation), 60, installation.logs)
    installation.kill(worker)
    assert status(installation) == "writing"
    assert count(installation, "clinic_patient") == 0

    time.sleep(4.5)  # the dead worker's lease runs out
    installation.start("qcluster")
    installation.python(WAKE)
    reach(installation, "done")
    assert count(installation, "clinic_patient") == count(installation, "clinic_historicalpatient") == n
    assert installation.query("SELECT attempts FROM backoffice_tableimport") == [(2,)]
    wait_for(lambda: not any(p.is_file() for p in (installation.data_dir / "media").rglob("*")), 10, installation.logs)


def test_of_several_who_confirm_at_once_one_does_and_the_rows_are_written_once(installation):
    installation.python(UPLOAD.format(n=500))
    assert status(installation) == "checked"
    assert installation.python(CONFIRM_FOUR_TIMES_AT_ONCE).splitlines()[-1] == "[False, False, False, True]"
    reach(installation, "done")
    assert count(installation, "clinic_patient") == count(installation, "clinic_historicalpatient") == 500


def test_a_small_file_is_written_at_once_though_another_looks_at_its_row_in_that_moment(installation):
    installation.python(UPLOAD.format(n=3))
    assert installation.python(CLAIM_BESIDE_ONE_WHO_HOLDS_THE_ROW).splitlines()[-1] == "[None, True]"


def test_two_workers_at_once_write_a_file_once(installation):
    installation.python(UPLOAD.format(n=6000) + WAKE)
    for _ in range(2):
        installation.start("qcluster")
    reach(installation, "checked")
    installation.python(CONFIRM + WAKE)
    reach(installation, "done")
    assert count(installation, "clinic_patient") == count(installation, "clinic_historicalpatient") == 6000
    assert installation.query("SELECT attempts FROM backoffice_tableimport") == [(1,)]
