"""Private files in a store that speaks S3: moto's server, as a process of its own."""

import io
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.urls import reverse

from backoffice.backups import restoring, writing
from backoffice.backups.errors import BackupError
from backoffice.backups.progress import Progress
from backoffice.backups.sqlite import Sqlite
from backoffice.files.local import local_path
from backoffice.imports import progress, runs, uploads
from backoffice.models import TableImport
from backoffice.tests import commands
from backoffice.tests.installations import Installation
from backoffice.tests.tiny import Tiny
from backoffice.web.remote_media import options
from clinic.models import Patient
from clinic.tests.tables import CONFIRM, key_in, many, upload
from clinic.tests.test_import_job import CONFIRM as CONFIRM_THE_TABLE
from clinic.tests.test_import_job import UPLOAD
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.test_dicom import film, twelve_bits

ROOT = Path(__file__).parents[2]
KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """host:port of a store."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until = time.monotonic() + 600  # seconds, on a busy machine
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    yield f"127.0.0.1:{port}"
    server.kill()
    server.wait()


@pytest.fixture
def bucket(s3, settings):
    """A bucket, empty, which all private files of this test go to."""
    made = boto3.resource("s3", endpoint_url=f"http://{s3}", region_name="us-east-1", **KEYS).create_bucket(
        Bucket="films"
    )
    address = f"s3+http://key:secret@{s3}/films/clinic?region=us-east-1"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "backoffice.web.remote_media.PrivateS3Storage", "OPTIONS": {"address": address}},
    }
    yield made
    made.objects.all().delete()


def names(bucket) -> list[str]:
    return sorted(each.key.split("/")[1] for each in bucket.objects.all())


@pytest.fixture
def remote_film(bucket, patient, clinician) -> XRayImage:
    data = film(twelve_bits(), BitsStored=12, HighBit=11)
    return receive(ContentFile(data, name="film.dcm"), patient, by=clinician).xray


@pytest.fixture
def look(client, clinician):
    client.force_login(clinician)

    def look(kind: str, xray: XRayImage, **headers: str):
        return client.get(reverse(f"admin:imaging_xrayimage_{kind}", args=[xray.pk]), headers=headers)

    return look


def body(answer) -> bytes:
    return b"".join(answer.streaming_content)


def check() -> tuple[int, str]:
    printed = io.StringIO()
    try:
        call_command("check_integrity", stdout=printed)
    except SystemExit as ended:
        return ended.code, printed.getvalue()
    return 0, printed.getvalue()


def test_a_film_lies_in_the_bucket_alone_and_is_seen_as_ever(bucket, remote_film, look, settings):
    assert names(bucket) == ["deep", "originals", "pixels", "thumbnails"]
    assert not Path(settings.MEDIA_ROOT).exists()
    for kind in ("pixels", "deep", "enhanced"):
        assert body(look(kind, remote_film)).startswith(b"\x89PNG")
    assert body(look("thumbnail", remote_film)).startswith(b"\xff\xd8")
    assert body(look("without_identity", remote_film)).startswith(b"PK")
    assert names(bucket) == ["deep", "enhanced", "originals", "pixels", "thumbnails"]
    with pytest.raises(ValueError, match="no URL"):
        _ = remote_film.pixels.url


def test_parts_are_sent_by_us_whatever_the_proxy_could(remote_film, look, settings):
    settings.X_ACCEL_LOCATION = "/private-files/"
    whole, part = look("original", remote_film), look("original", remote_film, Range="bytes=128-131")
    assert (part.status_code, body(part)) == (206, b"DICM")
    assert part["Content-Range"] == f"bytes 128-131/{len(body(whole))}"
    assert "X-Accel-Redirect" not in whole


@pytest.fixture
def fetched(monkeypatch) -> list[int]:
    """How many bytes of a film's files each request to the store brought."""
    brought: list[int] = []
    send = URLLib3Session.send

    def noted(self, request):
        response = send(self, request)
        if request.method == "GET":
            brought.append(int(response.headers["Content-Length"]))
        return response

    monkeypatch.setattr(URLLib3Session, "send", noted)
    return brought


def test_of_a_large_film_the_store_is_asked_for_the_part_alone(remote_film, look, fetched):
    part = look("original", remote_film, Range="bytes=128-131")
    assert (body(part), fetched) == (b"DICM", [4])
    tag, size = part["ETag"], int(part["Content-Range"].split("/")[1])
    assert body(look("original", remote_film, **{"Range": "bytes=-2", "If-Range": tag}))
    assert look("original", remote_film, Range=f"bytes={size}-").status_code == 416
    assert fetched == [4, 2]
    assert len(body(look("original", remote_film, **{"Range": "bytes=0-1", "If-Range": '"another"'}))) == size
    assert fetched == [4, 2, size]


def test_what_is_put_in_a_files_place_is_not_sent_as_its_rest(bucket, remote_film, look):
    answer = look("original", remote_film, Range="bytes=128-131")
    bucket.put_object(Key=f"clinic/{remote_film.original.name}", Body=b"another film" * 100)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        body(answer)


def test_what_is_lost_is_drawn_again_and_what_is_wrong_is_told(bucket, remote_film, look):
    before = body(look("pixels", remote_film))
    default_storage.delete(remote_film.pixels.name)
    default_storage.delete(remote_film.thumbnail.name)
    assert check()[0] == 0
    assert body(look("pixels", remote_film)) == before
    assert look("thumbnail", remote_film).status_code == 200
    bucket.put_object(Key=f"clinic/{remote_film.original.name}", Body=b"another film")
    assert "is not what was uploaded" in check()[1]
    default_storage.delete(remote_film.original.name)
    assert "lacks its original" in check()[1]
    assert look("original", remote_film).status_code == 503


def test_a_film_that_is_not_kept_leaves_nothing_behind(bucket, patient, clinician, monkeypatch):
    def fail(self, *_args, **_options):
        raise RuntimeError("the database is away")

    monkeypatch.setattr(XRayImage, "save", fail)
    data = film(twelve_bits(), BitsStored=12, HighBit=11)
    assert receive(ContentFile(data, name="film.dcm"), patient, by=clinician).xray is None
    assert names(bucket) == []


def test_a_table_is_checked_and_written_from_there(bucket, client, administrator, django_capture_on_commit_callbacks):
    client.force_login(administrator)
    page = upload(client, *many(uploads.SMALL + 1))
    assert names(bucket) == ["imports"]
    runs.run_waiting()
    page = client.get(page.request["PATH_INFO"])
    with django_capture_on_commit_callbacks(execute=True):
        client.post(CONFIRM, {"key": key_in(page), "decision": "all"})
        runs.run_waiting()
    assert Patient.objects.count() == uploads.SMALL + 1
    assert names(bucket) == []


TAKE_IN = """
import datetime
from backoffice.models import User
from django.core.files.base import ContentFile
from clinic.models import Patient
from imaging.storing import receive
from imaging.tests.test_dicom import film, twelve_bits

patient = Patient.objects.create(full_name="Chen", date_of_birth=datetime.date(1972, 3, 4), sex="female")
data = film(twelve_bits(), BitsStored=12, HighBit=11)
receive(ContentFile(data, name="film.dcm"), patient, by=User.objects.get())
"""
WORK = """
from backoffice.imports import runs
from clinic.models import Patient
from imaging.derived import open_pixels
from imaging.models import XRayImage

print(runs.run_waiting(), Patient.objects.count(), open_pixels(XRayImage.objects.get()).read()[:4])
"""


def test_what_one_host_takes_in_another_works_on_without_a_shared_folder(s3, bucket, migrated_sqlite, tmp_path):
    shutil.copy(migrated_sqlite, tmp_path / "db.sqlite3")
    shared = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'db.sqlite3'}",
        "STORAGE_URL": f"s3+http://key:secret@{s3}/films/clinic?region=us-east-1",
    }
    for name in ("desk", "worker"):
        (tmp_path / name).mkdir()
    desk, worker = (Installation(tmp_path / name, **shared) for name in ("desk", "worker"))
    desk.python(UPLOAD.format(n=uploads.SMALL + 1) + TAKE_IN)
    assert worker.python(WORK) == "1 1 b'\\x89PNG'\n"
    desk.python(CONFIRM_THE_TABLE)
    assert worker.python(WORK) == f"1 {uploads.SMALL + 2} b'\\x89PNG'\n"
    assert names(bucket) == ["deep", "originals", "pixels", "thumbnails"]
    assert not [host for host in (desk, worker) if (host.data_dir / "media").exists()]


def test_an_imports_progress_is_told_beside_its_file(bucket, administrator):
    row = TableImport(uploaded_by=administrator)
    row.file.save("patients.csv", ContentFile(b"name"), save=False)
    assert progress.read(row) is None
    for rows in (500, 1000):
        progress.write(row, rows)
        assert progress.read(row) == rows
    progress.ask_to_stop(row)
    assert progress.is_to_stop(row)
    progress.forget(row)
    assert not progress.is_to_stop(row)
    assert names(bucket) == ["imports"]


def test_what_is_read_by_its_path_alone_is_fetched_once(bucket, administrator, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    row = TableImport(uploaded_by=administrator)
    row.file.save("any.safetensors", ContentFile(b"weights"), save=False)
    assert local_path(row.file, sha256="abc").read_bytes() == b"weights"
    row.file.storage.delete(row.file.name)
    assert local_path(row.file, sha256="abc").read_bytes() == b"weights"
    assert not local_path(row.file, sha256="another").exists()
    assert [path.name for path in (tmp_path / "fetched").iterdir()] == ["abc"]


def test_the_environment_names_the_store(tmp_path):
    code = (
        "from django.core.files.storage import default_storage as s; print(s.bucket_name, s.endpoint_url, s.location)"
    )
    environment = {"DATA_DIR": str(tmp_path), "STORAGE_URL": "s3://key:secret@minio.example:9000/films/clinic"}
    done = commands.run(("shell", "--no-imports", "-c", code), {**environment, "DJANGO_DEBUG": "1"}, ROOT, timeout=120)
    assert done.stdout.split() == ["films", "https://minio.example:9000", "clinic"], done.stderr


def test_an_address_says_where_and_with_which_keys():
    said = options("s3://key:sec%2Fret@minio.example:9000/films/clinic?region=tw-1")
    assert (said["access_key"], said["secret_key"], said["region_name"]) == ("key", "sec/ret", "tw-1")
    assert options("s3:///films?region=ap-northeast-1")["endpoint_url"] is None
    with pytest.raises(ImproperlyConfigured, match="no s3://"):
        options("https://minio.example/films")


def test_what_lies_in_the_bucket_is_backed_up_and_restored_into_an_empty_one(bucket, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    tiny = Tiny(settings.DATA_DIR / "tiny.sqlite3")
    content = b"a film" * 500_000
    tiny.keep("originals/aa/film.dcm", content)
    monkeypatch.setattr(restoring, "known_migrations", lambda: Tiny.MIGRATIONS)
    made = writing.make(tmp_path / "backups", database=tiny.database)
    restored = Sqlite(settings.DATA_DIR / "restored.sqlite3")
    monkeypatch.setattr(restoring, "the_database", lambda: restored)
    monkeypatch.setattr(restoring, "call_command", lambda *args, **options: None)
    with pytest.raises(BackupError, match=r"film\.dcm"):
        restoring.restore(made.path, [], Progress())
    bucket.objects.all().delete()
    restoring.restore(made.path, [], Progress())
    assert default_storage.open("originals/aa/film.dcm").read() == content
    assert not Path(settings.MEDIA_ROOT).exists()
