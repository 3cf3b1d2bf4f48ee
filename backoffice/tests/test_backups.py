"""One archive of one moment, which says when it is not what was written, and is restored whole or not at all."""

import errno
import json
import random
import shutil
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pyrage
import pytest
from django.core.files.storage import default_storage

from backoffice.backups import archive, databases, drill, here, keys, reading, restoring, thinning, writing
from backoffice.backups.errors import BackupError, DamagedError
from backoffice.backups.postgres import Postgres
from backoffice.backups.progress import Progress
from backoffice.backups.sqlite import Sqlite
from backoffice.tests.tiny import Tiny

QUIET = Progress()


@pytest.fixture
def tiny(settings, tmp_path, monkeypatch) -> Tiny:
    settings.DATA_DIR = tmp_path / "data"
    monkeypatch.setattr(restoring, "known_migrations", lambda: Tiny.MIGRATIONS)  # tests here know none
    settings.DATA_DIR.mkdir()
    made = Tiny(settings.DATA_DIR / "tiny.sqlite3")
    for number in range(3):
        made.keep(f"films/{number}", random.Random(number).randbytes(9_000 + number))
    return made


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def pair(settings, tmp_path) -> Path:
    """Archives are encrypted; returns the file with the private key, which nobody is told of."""
    settings.BACKUP_KEY = [keys.make_pair(tmp_path / "private")]
    return tmp_path / "private"


def whole(path: Path, identities: list | None = None) -> reading.Checked:
    return restoring.check(path, identities or [], QUIET, Sqlite(Path("nowhere")))


# -- What is in one ----------------------------------------------------------------------------------------------------


def test_it_holds_the_rows_and_the_files_for_this_account_alone_and_other_programs_open_it(tiny, folder):
    made = writing.make(folder, database=tiny.database)
    checked = whole(made.path)
    assert made.files == 3
    assert checked.manifest.tables["person"][0] == 40
    assert checked.about.migrations == ["backoffice.0001_initial"]
    assert made.path.stat().st_mode & 0o077 == 0
    with tarfile.open(made.path) as tar:
        assert tar.extractfile("files/films/1").read() == random.Random(1).randbytes(9_001)
    assert [path.name for path in folder.iterdir()] == [made.path.name]
    assert list((here.settings.DATA_DIR / "run").glob("*/")) == []


def test_who_is_signed_in_is_not_in_it_not_even_in_free_pages(tiny, folder, tmp_path):
    writing.make(folder, database=tiny.database)
    dump = tmp_path / "dump"
    tiny.database.snapshot(dump)
    Sqlite(tmp_path / "again").fill(dump)
    assert b"a-key-of-somebody" in tiny.database.path.read_bytes()
    assert b"a-key-of-somebody" not in (tmp_path / "again").read_bytes()


def test_a_film_is_read_a_part_at_a_time_and_kept_as_it_is(tiny, folder, monkeypatch):
    """Constant memory: what is asked for at once is never more than a part."""
    name = tiny.keep("films/long", b"\0" * (5 << 20))
    asked = []
    read = archive.Hashed.read
    monkeypatch.setattr(archive.Hashed, "read", lambda self, size=-1: asked.append(size) or read(self, size))
    made = writing.make(folder, database=tiny.database)
    assert min(asked) > 0
    assert max(size for size in asked if size != archive.LONGEST_JSON) <= archive.CHUNK
    assert made.size > 5 << 20
    assert whole(made.path).manifest.members[f"files/{name}"][0] == 5 << 20


def test_what_comes_while_it_is_made_is_in_it_and_what_is_purged_meanwhile_is_not_missed(tiny, folder, monkeypatch):
    snapshot = Sqlite.snapshot
    purged = tiny.keep("films/purged", b"soon gone")
    times = []

    def meanwhile(self, target: Path) -> databases.Contents:
        times.append(1)
        if len(times) == 1:
            tiny.keep("films/new", b"new")
            quick = tiny.keep("films/quick", b"quick")
            tiny.purge(purged)
            contents = snapshot(self, target)
            tiny.purge(quick)
            return contents
        return snapshot(self, target)

    monkeypatch.setattr(Sqlite, "snapshot", meanwhile)
    made = writing.make(folder, database=tiny.database)
    members = whole(made.path).manifest.members
    assert made.missing == []
    assert len(times) == 2
    assert "files/films/new" in members


def test_a_file_that_is_lost_is_named_and_the_rest_is_backed_up(tiny, folder):
    tiny.name("films/lost")
    made = writing.make(folder, database=tiny.database)
    assert made.missing == ["films/lost"]
    assert whole(made.path).manifest.missing == ["films/lost"]


def test_every_kept_file_lies_where_a_backup_looks():
    """A model that keeps its files elsewhere would have them in no backup."""
    from django.apps import apps
    from django.db.models import FileField

    fields = [
        field for model in apps.get_models() for field in model._meta.get_fields() if isinstance(field, FileField)
    ]
    assert fields
    assert {field.storage for field in fields} == {default_storage}


# -- Corruptions -------------------------------------------------------------------------------------------------------


def members_of(path: Path, identities: list) -> dict[str, bytes]:
    with archive.opened(path, identities) as (reader, _hashed):
        return {name: source.read() for name, _size, source in reader.members()}


def rebuilt(members: list[tuple[str, bytes]], target: Path, recipients: list) -> bytes:
    """An archive of these, which somebody made to look whole."""
    with open(target, "wb") as file:
        sink = archive.Sink(file, lambda: None)
        with archive.written(sink, recipients) as writer:
            writer.close = lambda: None
            for name, content in members:
                writer.add_text(name, content)
            writer._tar.close()
            writer._out.write(writer._out.sha256.hexdigest().encode())
    return target.read_bytes()


def corruptions(content: bytes, members: dict[str, bytes], build: Callable, old: bytes) -> Iterator[tuple[str, bytes]]:
    """A hundred."""
    names, every = list(members), len(content) // 60
    for place in [*range(7, len(content), every)][:60]:
        yield f"bit {place % 8} of byte {place}", flipped(content, place)
    for place in (
        0,
        30,
        100,
        156,
        345,
        400,
        511,
        len(content) - 1,
        len(content) - 64,
        len(content) - 65,
        len(content) - 700,
    ):
        yield f"bit {place % 8} of byte {place}", flipped(content, place)
    for length in (0, 1, 63, 64, 512, 1024, len(content) // 2, len(content) - 64, len(content) - 65, len(content) - 1):
        yield f"cut off at {length}", content[:length]
    yield "something behind it", content + b"\n"
    yield "itself behind it", content + content
    for name in names:
        yield f"{name} is missing", build([(one, members[one]) for one in names if one != name])
    for one, other in [(1, 2), (2, 3), (3, 4), (1, 4)]:
        swapped = {**members, names[one]: members[names[other]], names[other]: members[names[one]]}
        yield f"{names[one]} and {names[other]} are swapped", build(list(swapped.items()))
    pairs = list(members.items())
    yield "a file of another content", build([pairs[0], (names[1], b"x" * len(members[names[1]])), *pairs[2:]])
    yield "a file twice", build([*pairs[:2], *pairs[1:]])
    yield "one more", build([*pairs[:-1], ("files/more", b"more"), pairs[-1]])
    yield "one behind the manifest", build([*pairs, ("files/more", b"more")])
    yield "the description is not first", build([pairs[1], pairs[0], *pairs[2:]])
    yield "a description that is none", build([(names[0], b"{}"), *pairs[1:]])
    yield "an older archive under its name", old


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :]


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_of_a_hundred_corruptions_a_hundred_are_noticed(encrypted, tiny, folder, tmp_path, request):
    identities = keys.identities(request.getfixturevalue("pair")) if encrypted else []
    old = writing.make(folder, database=tiny.database)
    made = writing.make(folder, database=tiny.database)
    assert whole(made.path, identities).sha256 == made.sha256
    members, content = members_of(made.path, identities), made.path.read_bytes()

    def build(parts: list[tuple[str, bytes]]) -> bytes:
        return rebuilt(parts, tmp_path / "rebuilt", keys.recipients())

    found = list(corruptions(content, members, build, old.path.read_bytes()))
    unnoticed = []
    for what, corrupted in found:
        made.path.write_bytes(corrupted)
        try:
            whole(made.path, identities)
        except BackupError:
            continue
        unnoticed.append(what)
    assert unnoticed == []
    assert len(found) == 100
    made.path.write_bytes(build(list(members.items())))
    assert whole(made.path, identities)  # what is built as it was is whole: it is the change that is noticed


def test_an_archive_that_claims_to_be_another_moments_is_noticed_by_what_was_noted_of_it(tiny, folder, tmp_path):
    old = writing.make(folder, database=tiny.database)
    new = writing.make(folder, database=tiny.database)
    members = members_of(old.path, [])
    about = {**json.loads(members["about.json"]), "made_at": new.made_at.isoformat()}
    manifest = json.loads(members["manifest.json"])
    said = json.dumps(about).encode()
    manifest["members"]["about.json"] = [len(said), archive.hashlib.sha256(said).hexdigest()]
    members |= {"about.json": said, "manifest.json": json.dumps(manifest).encode()}
    new.path.write_bytes(rebuilt(list(members.items()), tmp_path / "rebuilt", []))
    assert whole(new.path)
    found = drill.restore_in_scratch(here.archives(folder)[-1], new.sha256, tiny.database)
    assert [str(one) for one in found.findings] == ["The file is another than the one that was written."]


# -- Keys --------------------------------------------------------------------------------------------------------------


def test_the_public_key_writes_what_the_private_one_alone_reads(tiny, folder, pair, settings, tmp_path):
    made = writing.make(folder, database=tiny.database)
    content = made.path.read_bytes()
    assert made.path.name.endswith(".tar.age")
    assert content.startswith(b"age-encryption.org/v1")
    assert whole(made.path, keys.identities(pair))
    assert pair.stat().st_mode & 0o077 == 0
    with pytest.raises(BackupError, match="--key FILE"):
        whole(made.path)
    keys.make_pair(tmp_path / "another")
    with pytest.raises(BackupError, match="another key"):
        whole(made.path, keys.identities(tmp_path / "another"))
    plain = pyrage.decrypt(content, keys.identities(pair))
    with tarfile.open(fileobj=BytesIO(plain)) as tar:
        assert "about.json" in tar.getnames()


def test_what_is_no_key_is_said_without_repeating_a_private_one(settings, pair, tmp_path):
    private = pair.read_text().splitlines()[1]
    settings.BACKUP_KEY = [private]
    with pytest.raises(BackupError, match="BACKUP_KEY takes public keys") as said:
        keys.recipients()
    assert private not in str(said.value)
    with pytest.raises(BackupError, match="there already"):
        keys.make_pair(pair)
    (tmp_path / "empty").touch()
    with pytest.raises(BackupError, match="no private key"):
        keys.identities(tmp_path / "empty")
    with pytest.raises(BackupError, match="cannot be read"):
        keys.identities(tmp_path / "nowhere")


# -- What goes wrong while it is written -------------------------------------------------------------------------------


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "encrypted"])
def test_a_disk_that_fills_up_leaves_nothing_and_is_told(encrypted, tiny, folder, monkeypatch, request):
    if encrypted:
        request.getfixturevalue("pair")
    write = archive.Sink.write

    def full(self, data) -> int:
        if self.size > 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(archive.Sink, "write", lambda self, data: remembered(self, full, data))
    with pytest.raises(BackupError, match="disk is full"):
        writing.make(folder, database=tiny.database)
    assert list(folder.iterdir()) == []


def remembered(sink: archive.Sink, write: Callable, data: bytes) -> int:
    try:
        return write(sink, data)
    except OSError as error:
        sink.error = error
        raise


def test_the_last_room_of_those_who_work_is_never_taken(tiny, folder, monkeypatch):
    usage = shutil.disk_usage(folder.parent)
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda path: usage._replace(free=writing.RESERVE - 1))
    with pytest.raises(BackupError, match="too little room"):
        writing.make(folder, database=tiny.database)
    assert list(folder.iterdir()) == []


def test_of_two_at_once_the_second_is_refused(tiny, folder):
    with here.alone("backup"), pytest.raises(BackupError, match="at the same"):
        writing.make(folder, database=tiny.database)
    assert writing.make(folder, database=tiny.database)


def test_what_a_killed_one_left_is_no_archive_and_is_cleared_away(tiny, folder):
    made = writing.make(folder, database=tiny.database)
    half = folder / f".{here.name_for(datetime.now(UTC), encrypted=False)}{writing.DRAFT}"
    half.write_bytes(made.path.read_bytes()[:9000])
    assert [one.path for one in here.archives(folder)] == [made.path]
    writing.make(folder, database=tiny.database)
    assert not half.exists()


def test_what_is_read_back_otherwise_is_no_backup(tiny, folder, monkeypatch):
    def failing(path: Path) -> None:
        if path.is_file():
            path.write_bytes(flipped(path.read_bytes(), 5000))

    monkeypatch.setattr(writing, "on_the_disk", failing)
    with pytest.raises(DamagedError):
        writing.make(folder, database=tiny.database)
    assert list(folder.iterdir()) == []


# -- Thinning ----------------------------------------------------------------------------------------------------------


def test_of_older_ones_the_last_of_each_day_week_and_month_stays(settings):
    settings.BACKUP_KEEP_DAYS, settings.BACKUP_KEEP_WEEKS, settings.BACKUP_KEEP_MONTHS = 2, 3, 3
    start = datetime(2026, 1, 1, 18, tzinfo=UTC)  # 2:00 of the clinic's clock
    every = [here.Archive(start + timedelta(hours=12 * n), Path(str(n))) for n in range(120)]
    gone = thinning.to_thin(every)
    kept = [one for one in every if one not in gone]
    # The last of three months, three weeks and two days; and all of the last day.
    told = [f"{one.made_at:%m-%d %H}" for one in kept]
    assert told == ["01-31 06", "02-22 06", "02-28 06", "03-01 06", "03-01 18", "03-02 06"]
    settings.BACKUP_KEEP_DAYS = settings.BACKUP_KEEP_WEEKS = settings.BACKUP_KEEP_MONTHS = 0
    assert [one for one in every if one not in thinning.to_thin(every)] == every[-2:]
    assert thinning.to_thin([]) == []


def test_nothing_that_is_not_this_installations_is_ever_thinned(tiny, folder, settings):
    settings.BACKUP_KEEP_DAYS = settings.BACKUP_KEEP_WEEKS = settings.BACKUP_KEEP_MONTHS = 0
    folder.mkdir()
    ours = f"collimator-{here.installation()}"
    others = [
        "collimator-00000000-20200101T000000Z.tar",
        "notes.tar",
        f"{ours}-2020.tar",
        f"{ours}-20161231T235960Z.tar",
        f"{ours}-20209999T000000Z.tar",
    ]
    for name in others:
        (folder / name).touch()
    old = folder / here.name_for(datetime(2026, 1, 1, tzinfo=UTC), encrypted=True)
    old.touch()
    first = writing.make(folder, database=tiny.database)
    assert first.thinned == [old.name]
    second = writing.make(folder, database=tiny.database)
    assert second.thinned == []
    assert sorted(path.name for path in folder.iterdir()) == sorted([*others, first.path.name, second.path.name])


# -- Restoring ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def empty_place(tiny, folder, settings, tmp_path, monkeypatch):
    """An archive of `tiny`, and an installation that holds nothing: its settings are those of now. Returns both."""
    made = writing.make(folder, database=tiny.database)
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path / "new", tmp_path / "new" / "media"
    settings.DATA_DIR.mkdir()
    target = Sqlite(settings.DATA_DIR / "db.sqlite3")
    migrated = []
    monkeypatch.setattr(restoring, "the_database", lambda: target)
    monkeypatch.setattr(restoring, "call_command", lambda *args, **options: migrated.append(args))
    monkeypatch.setattr("django.db.connections.close_all", lambda: None)  # the test has one
    target.migrated = migrated
    return made, target


def test_an_empty_place_becomes_what_was_backed_up(empty_place, tiny):
    made, target = empty_place
    restoring.restore(made.path, [], QUIET)
    assert target.contents().tables["person"] == tiny.database.contents().tables["person"]
    assert default_storage.open("films/2").read() == random.Random(2).randbytes(9_002)
    assert target.migrated == [("migrate",)]


def test_a_place_that_holds_anything_is_refused_and_left_as_it_is(empty_place):
    made, target = empty_place
    default_storage.save("films/theirs", BytesIO(b"theirs"))
    with pytest.raises(BackupError, match="films/theirs"):
        restoring.restore(made.path, [], QUIET)
    default_storage.delete("films/theirs")
    with closing(sqlite3.connect(target.path)) as file:
        file.execute("CREATE TABLE theirs (x)")
    with pytest.raises(BackupError, match="tables"):
        restoring.restore(made.path, [], QUIET)
    assert not default_storage.exists("films/0")


def test_a_damaged_one_writes_nothing(empty_place):
    made, target = empty_place
    made.path.write_bytes(flipped(made.path.read_bytes(), made.size - 200))
    with pytest.raises(DamagedError):
        restoring.restore(made.path, [], QUIET)
    assert target.is_empty()
    assert here.a_kept_file() is None


@pytest.mark.parametrize("where", ["files", "database", "migrate"])
def test_one_that_is_killed_goes_on_with_the_same_archive_and_no_other(where, empty_place, monkeypatch, tiny, tmp_path):
    made, target = empty_place
    with monkeypatch.context() as killed:
        places = {
            "files": (restoring, "keep_file"),
            "database": (Sqlite, "_unpack"),
            "migrate": (restoring, "call_command"),
        }
        owner, name = places[where]
        original, times = getattr(owner, name), []

        def dies(*args, **options):
            times.append(1)
            if where == "migrate" or len(times) > 1:
                raise KeyboardInterrupt
            return original(*args, **options)

        killed.setattr(owner, name, dies)
        with pytest.raises(KeyboardInterrupt):
            restoring.restore(made.path, [], QUIET)
    other = tmp_path / "another.tar"
    members = members_of(made.path, [])
    other.write_bytes(rebuilt(list(members.items()), tmp_path / "rebuilt", []))
    if other.read_bytes() != made.path.read_bytes():
        with pytest.raises(BackupError, match="half restored"):
            restoring.restore(other, [], QUIET)
    restoring.restore(made.path, [], QUIET)
    assert target.contents().tables["person"] == tiny.database.contents().tables["person"]
    assert {default_storage.exists(f"films/{n}") for n in range(3)} == {True}
    assert not (here.settings.DATA_DIR / "restoring").exists()


def test_a_newer_versions_is_refused_by_name_and_another_kind_leads_to_where_it_can_go(tiny, folder):
    tiny.execute("INSERT INTO django_migrations (app, name) VALUES ('backoffice', '9999_telepathy')")
    newer = writing.make(folder, database=tiny.database)
    with pytest.raises(BackupError, match=r"newer version.*backoffice\.9999_telepathy"):
        whole(newer.path)
    with pytest.raises(BackupError, match="move_database"):
        restoring.check(newer.path, [], QUIET, Postgres({}))


def test_names_that_lead_elsewhere_are_refused(tiny, folder, tmp_path):
    made = writing.make(folder, database=tiny.database)
    members = members_of(made.path, [])
    for name in ("files/../../escape", "/etc/escape"):
        parts = [*list(members.items())[:1], (name, b"x"), *list(members.items())[1:]]
        made.path.write_bytes(rebuilt(parts, tmp_path / "rebuilt", []))
        with pytest.raises(DamagedError, match="no name of a file"):
            whole(made.path)


# -- The drill ---------------------------------------------------------------------------------------------------------


def test_a_drill_restores_all_of_it_and_leaves_nothing(tiny, folder):
    made = writing.make(folder, database=tiny.database)
    assert drill.restore_in_scratch(here.archives(folder)[-1], made.sha256, tiny.database) == drill.Found([], True)
    assert list((here.settings.DATA_DIR / "run").glob("*/")) == []


def test_without_the_private_key_a_drill_compares_the_file_alone(tiny, folder, pair, settings):
    made = writing.make(folder, database=tiny.database)
    newest = here.archives(folder)[-1]
    assert drill.restore_in_scratch(newest, made.sha256, tiny.database) == drill.Found([], False)
    settings.BACKUP_PRIVATE_KEY_FILE = str(pair)
    assert drill.restore_in_scratch(newest, made.sha256, tiny.database) == drill.Found([], True)
    settings.BACKUP_PRIVATE_KEY_FILE = ""
    made.path.write_bytes(flipped(made.path.read_bytes(), 4000))
    assert len(drill.restore_in_scratch(newest, made.sha256, tiny.database).findings) == 1


def test_a_drill_says_which_table_and_which_file_are_others(tiny, folder, monkeypatch):
    writing.make(folder, database=tiny.database)
    fill = Sqlite.fill

    def lossy(self, dump: Path) -> None:
        fill(self, dump)
        with closing(sqlite3.connect(self.path)) as file, file:
            file.execute("DELETE FROM person WHERE rowid = 1")
            file.execute("UPDATE django_migrations SET name = '0002_other'")

    monkeypatch.setattr(Sqlite, "fill", lossy)
    found = drill.restore_in_scratch(here.archives(folder)[-1], "", tiny.database)
    told = "\n".join(map(str, found.findings))
    assert "The table person has 39 rows, and 40 were backed up." in told
    assert "The table django_migrations has other rows" in told
    assert "0002_other" in told


# -- PostgreSQL's programs ---------------------------------------------------------------------------------------------


def test_programs_that_are_not_there_or_too_old_are_told_with_what_to_do(monkeypatch, tmp_path):
    class Server:
        class info:  # noqa: N801
            server_version = 170002

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="postgresql-client-17"):
        Postgres({})._program("pg_dump", Server)
    (tmp_path / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.20 (Debian)'\n")
    (tmp_path / "pg_dump").chmod(0o700)
    with pytest.raises(BackupError, match="pg_dump is version 15 and the server 17"):
        Postgres({})._program("pg_dump", Server)


def test_a_password_stands_in_no_command():
    database = Postgres({"NAME": "n", "HOST": "h", "PORT": 5432, "USER": "u", "PASSWORD": "secret"})
    assert "secret" not in database._conninfo()
    assert database._environment()["PGPASSWORD"] == "secret"
