"""Large files, by real workers: killed in the middle, and woken twice."""

from pathlib import Path

import pytest

from backoffice.imports import uploads

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

# A worker that takes few rows at a time, and so long over each, as only a very large file would make it.
DAWDLE = """
import time

from django.core.management import call_command

from backoffice.exchange import importing
from backoffice.imports import progress

importing.CHUNK = 500
tell = progress.write


def tell_and_dawdle(row, rows_done):
    tell(row, rows_done)
    time.sleep({seconds} if row.status == "writing" else 0.3)


progress.write = tell_and_dawdle
call_command("qcluster")
"""


def status(installation) -> str:
    return installation.query("SELECT status FROM backoffice_tableimport")[0][0]


def count(installation, table: str) -> int:
    return installation.query(f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608


def rows_done(installation) -> int:
    """How far a run says that it is."""
    told = Path(installation.data_dir, "media", "imports").rglob("*.progress-*")
    said = [path.name.rpartition("-")[2] for path in told]
    return max((int(rows) for rows in said if rows.isdecimal()), default=0)  # not of a file that is being written


def reach(installation, wanted: str) -> None:
    installation.wait_until(lambda: status(installation) == wanted)


def start_dawdling(installation, seconds: float):
    """A worker that takes so long over each part that it writes."""
    return installation.start("shell", "--no-imports", "-c", DAWDLE.format(seconds=seconds))


def test_a_worker_that_is_killed_while_it_writes_leaves_nothing_and_the_next_writes_once(installation):
    n = uploads.SMALL + 50
    installation.python(UPLOAD.format(n=n))
    assert status(installation) == "to_check"
    worker = start_dawdling(installation, seconds=600)
    reach(installation, "checked")
    assert count(installation, "clinic_patient") == 0

    assert "confirmed: True" in installation.python(CONFIRM)
    installation.wait_until(lambda: status(installation) == "writing" and rows_done(installation))
    installation.kill(worker)
    assert status(installation) == "writing"
    assert count(installation, "clinic_patient") == 0

    installation.execute("UPDATE backoffice_tableimport SET lease_until = uploaded_at")  # it runs out
    installation.start("qcluster")
    installation.python(WAKE)
    reach(installation, "done")
    assert count(installation, "clinic_patient") == count(installation, "clinic_historicalpatient") == n
    assert installation.query("SELECT attempts FROM backoffice_tableimport") == [(2,)]
    installation.wait_until(lambda: not any(p.is_file() for p in (installation.data_dir / "media").rglob("*")))


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
    n = uploads.SMALL + 1
    installation.python(UPLOAD.format(n=n) + WAKE)
    for _ in range(2):
        start_dawdling(installation, seconds=0.3)
    reach(installation, "checked")
    installation.python(CONFIRM + WAKE)
    reach(installation, "done")
    assert count(installation, "clinic_patient") == count(installation, "clinic_historicalpatient") == n
    assert installation.query("SELECT attempts FROM backoffice_tableimport") == [(1,)]
