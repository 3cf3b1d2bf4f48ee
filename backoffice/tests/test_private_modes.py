"""What the software keeps is for its own account: nobody else on the machine reads it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.sql import emit_post_migrate_signal

from backoffice.checks import files_are_private
from backoffice.files import modes
from backoffice.tests.installations import ROOT, Installation

WRITES_AS_IT_DOES = """
import json
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
connection.cursor().execute("CREATE TABLE some_table (id integer)")
default_storage.save("exports/aa/table.csv", ContentFile(b"A123456789"))
(settings.DATA_DIR / "backups").mkdir()
(settings.DATA_DIR / "backups" / "one.tar").write_bytes(b"everything")
# While it is open, as SQLite's own files are only there for so long.
paths = [settings.DATA_DIR, *settings.DATA_DIR.rglob("*")]
print(json.dumps({str(path.relative_to(settings.DATA_DIR)): oct(path.stat().st_mode & 0o777) for path in paths}))
"""


def test_what_it_writes_is_private_whatever_the_umask(tmp_path):
    installation = Installation(tmp_path / "data")
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "shell", "--no-imports", "-c", WRITES_AS_IT_DOES],
        env=installation.environment,
        cwd=ROOT,
        capture_output=True,
        check=True,
        umask=0,
    )
    written = json.loads(done.stdout)
    assert {"db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm", "backups/one.tar"} <= written.keys()
    assert set(written.values()) == {"0o600", "0o700"}


@pytest.fixture
def older(settings, tmp_path) -> Path:
    """An installation as one was made under the usual umask."""
    settings.DATA_DIR = tmp_path / "data"
    (settings.DATA_DIR / "media" / "xrays").mkdir(parents=True)
    for name in ("db.sqlite3", "db.sqlite3-wal", "media/xrays/original.dcm"):
        (settings.DATA_DIR / name).write_bytes(b"A123456789")
    for path in (settings.DATA_DIR, *settings.DATA_DIR.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return settings.DATA_DIR


@pytest.mark.django_db
def test_readyz_and_the_check_say_what_an_older_installation_leaves_open(older, client):
    assert "can read 3 of our files" in client.get("/readyz").json()["checks"]["private files"]
    (warning,) = files_are_private(None)
    assert str(older / "db.sqlite3-wal") in warning.msg
    assert "migrate" in warning.hint


@pytest.mark.django_db
def test_migrate_closes_what_an_older_installation_left_open(older, client):
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    assert {path.stat().st_mode & 0o777 for path in (older, *older.rglob("*"))} == {0o600, 0o700}
    assert client.get("/readyz").json()["checks"]["private files"] == "ok"
    assert files_are_private(None) == []


@pytest.mark.django_db
def test_a_folder_that_is_open_over_files_that_are_not_is_no_trouble(older, client):
    """As a volume of the machine's own may be, which the software cannot close."""
    for path in older.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    assert client.get("/readyz").json()["checks"]["private files"] == "ok"


def test_a_database_that_lies_elsewhere_counts_too(older, settings, tmp_path, monkeypatch):
    older.chmod(0o700)
    elsewhere = tmp_path / "clinic.sqlite3"
    elsewhere.touch()
    elsewhere.chmod(0o640)
    for name, value in {"ENGINE": "django.db.backends.sqlite3", "NAME": elsewhere}.items():
        monkeypatch.setitem(settings.DATABASES["default"], name, value)
    (warning,) = files_are_private(None)
    assert str(elsewhere) in warning.msg


def test_what_a_link_leads_to_is_left_alone(older, tmp_path):
    target = tmp_path / "somebody-elses"
    target.touch()
    target.chmod(0o644)
    (older / "link").symlink_to(target)
    modes.close()
    assert target.stat().st_mode & 0o777 == 0o644
