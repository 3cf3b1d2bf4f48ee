"""Whole installations: backed up while people work, restored elsewhere, and killed in the middle."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from backoffice.tests.installations import Installation, leave_out, postgres_database, postgres_url

pytestmark = pytest.mark.slow

# Two rows in one transaction, again and again: a backup has both or neither.
PAIRS = """
from itertools import count
from django.db import transaction
from backoffice.models import Notice, User
person = User.objects.get()
for n in count():
    with transaction.atomic():
        Notice.objects.create(to=person, kind="one", key=f"{n} one")
        Notice.objects.create(to=person, kind="other", key=f"{n} other")
"""
FILE = """
from django.core.files.base import ContentFile
from django.contrib.contenttypes.models import ContentType
from backoffice.models import TableImport, User
person = User.objects.create_superuser("somebody", password="of this test")
row = TableImport(content_type=ContentType.objects.get_for_model(User), name="a.csv", uploaded_by=person)
row.file.save("a.csv", ContentFile(b"x" * 3_000_000))
"""
DRILL = "from backoffice.backups.recorded import drill_weekly; drill_weekly()"
CONTENT = "from backoffice.models import TableImport; print(len(TableImport.objects.get().file.read()))"


@pytest.fixture
def elsewhere(installation: Installation, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Another place, with the same kind of database and nothing in it."""
    with ExitStack() as stack:
        url = None
        if installation.database_url:
            if not shutil.which("pg_dump"):
                leave_out("no pg_dump: backups of PostgreSQL are left out")
            name = stack.enter_context(postgres_database(request.getfixturevalue("postgres_server"), "template0"))
            url = postgres_url(name)
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        made = Installation(folder, url)
        stack.callback(made.close)
        yield made


def pairs(installation: Installation) -> tuple[int, int]:
    [(ones, others)] = installation.query(
        "SELECT count(CASE kind WHEN 'one' THEN 1 END), count(CASE kind WHEN 'other' THEN 1 END) FROM backoffice_notice"
    )
    return ones, others


def as_before_an_upgrade(installation: Installation) -> None:
    """The code knows tables that are not there yet."""
    for table in ("backoffice_backup", "backoffice_trailseal", "backoffice_phonesecret"):
        installation.execute(f"DROP TABLE {table}")
    installation.execute("DELETE FROM django_migrations WHERE app = 'backoffice' AND name >= '0008_backups'")


def test_what_was_backed_up_while_people_worked_is_of_one_moment_and_works_elsewhere(installation, elsewhere):
    as_before_an_upgrade(installation)
    installation.python(FILE)
    work = installation.start("shell", "--no-imports", "-c", PAIRS)
    installation.wait_until(lambda: pairs(installation)[0] > 5)
    path = installation.manage("backup").strip()
    at_least = pairs(installation)[0]
    installation.wait_until(lambda: pairs(installation)[0] > at_least)  # they go on
    installation.kill(work)

    elsewhere.manage("restore", path)
    ones, others = pairs(elsewhere)
    assert 5 < ones == others <= at_least
    assert elsewhere.python(CONTENT).strip() == "3000000"
    elsewhere.manage("check_integrity")

    # It was migrated, and is drilled as it was.
    elsewhere.manage("shell", "--no-imports", "-c", DRILL, BACKUP_FOLDER=str(Path(path).parent))
    [(findings, is_whole)] = elsewhere.query("SELECT findings, is_drilled_whole FROM backoffice_backup")
    assert (findings, bool(is_whole)) in (([], True), ("[]", True))


@pytest.mark.parametrize("installation", ["sqlite"], indirect=True)  # the file is written alike
def test_a_killed_backup_leaves_nothing_that_looks_like_one_and_the_next_clears_up(installation):
    installation.python(FILE)
    folder = installation.data_dir / "backups"
    media = next((installation.data_dir / "media").glob("imports/*/*"))
    with media.open("ab") as file:
        file.truncate(400 << 20)  # a film that takes a while
    killed = installation.start("backup")
    installation.wait_until(lambda: any(folder.glob(".collimator-*.part")))
    time.sleep(0.1)
    installation.kill(killed)
    assert list(folder.glob("collimator-*")) == []
    with media.open("ab") as file:
        file.truncate(3_000_000)
    path = Path(installation.manage("backup").strip())
    assert [one.name for one in folder.iterdir()] == [path.name]
