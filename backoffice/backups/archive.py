"""An archive: one tar file, which age encrypts where there is a key (https://age-encryption.org/v1).

    about.json            what it is: version, migrations, database, installation, moment
    files/<name>          private files as they are; films are compressed already
    database.…            the database, compressed
    manifest.json         size and SHA-256 of each of these; of each table, its rows and their digest
    (trailer)             the SHA-256 of all before it, which tar does not look at

It is written and read as a stream, in constant memory. `age -d` and `tar` open it without this software. Of an
encrypted one each bit is authenticated by age; the trailer does the same for accidents in one that is not.
"""

import hashlib
import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import pyrage

from backoffice.backups.errors import BackupError, DamagedError
from backoffice.formats.kept import gettext as _

ABOUT, MANIFEST, FILES = "about.json", "manifest.json", "files/"
SCHEMA = "(schema)"  # among the tables: what indexes, constraints and triggers there are
CHUNK = 1 << 20
TRAILER = 64  # hexadecimal digits of SHA-256
LONGEST_JSON = 1 << 30  # bytes; a manifest of a million files has a fifth of it
AGE = b"age-encryption.org/v1\n"

Step = Callable[[int], object]
"""Told of bytes, as they are done."""


def no_step(_bytes: int) -> None:
    pass


@dataclass(frozen=True)
class About:
    """`made_at` is ISO 8601 in UTC; `installation` says of which one, and with which secret key; `migrations` are those
    that were applied, as `app.name`."""

    version: str
    database: str
    made_at: str
    installation: str
    migrations: list[str]


@dataclass
class Manifest:
    """`members`: name → size in bytes and SHA-256. `tables`: name → rows and their digest. `missing`: files that the
    database names and that were not there."""

    members: dict[str, tuple[int, str]] = field(default_factory=dict)
    tables: dict[str, tuple[int, str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(rows for name, (rows, _digest) in self.tables.items() if name != SCHEMA)

    @property
    def files(self) -> int:
        return sum(name.startswith(FILES) for name in self.members)


def to_json(value: About | Manifest) -> bytes:
    return json.dumps(asdict(value), ensure_ascii=False, indent=1, sort_keys=True).encode()


# -- Writing ----------------------------------------------------------------------------------------------------------


class Sink(io.RawIOBase):
    """What goes to the disk, hashed. `check_room` is asked before each write. It keeps its error, which age forgets."""

    def __init__(self, file: IO[bytes], check_room: Callable[[], None]) -> None:
        self._file, self._check_room = file, check_room
        self.sha256, self.size = hashlib.sha256(), 0
        self.error: BaseException | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            self._check_room()
            self._file.write(data)
        except BaseException as error:
            self.error = self.error or error
            raise
        self.sha256.update(data)
        self.size += len(data)
        return len(data)


class Hashed:
    """A source or a sink that hashes what passes."""

    def __init__(self, file: Any, step: Step = no_step) -> None:
        self.file, self._step, self.sha256 = file, step, hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sha256.update(data)
        return self.file.write(data)

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.sha256.update(data)
        self._step(len(data))
        return data


class Writer:
    """Members, one after the other; the manifest comes last, from `close`."""

    def __init__(self, out: Any) -> None:
        self._out = Hashed(out)
        hashed: Any = self._out  # anything with `write`
        self._tar = tarfile.open(fileobj=hashed, mode="w|", bufsize=CHUNK, format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.manifest = Manifest()

    def add(self, name: str, source: Any, size: int, step: Step = no_step) -> None:
        """Raises OSError where the source is shorter than `size`."""
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, int(time.time()), 0o600
        hashed = Hashed(source, step)
        self._tar.addfile(info, hashed)
        self.manifest.members[name] = (size, hashed.sha256.hexdigest())

    def add_text(self, name: str, text: bytes) -> None:
        self.add(name, io.BytesIO(text), len(text))

    def close(self) -> None:
        """Write manifest and trailer: without them it is no archive."""
        self.add_text(MANIFEST, to_json(self.manifest))
        self._tar.close()
        self._out.write(self._out.sha256.hexdigest().encode())

    def give_up(self) -> None:
        """What is left of it goes nowhere."""
        self._out.file = io.BytesIO()
        self._tar.close()


@contextmanager
def written(sink: Sink, recipients: list) -> Iterator[Writer]:
    """A writer whose archive, once it is closed, is whole in the sink. Raises what the sink raises."""
    if not recipients:
        with _writing(sink) as writer:
            yield writer
        return
    reading, writing = os.pipe()
    encrypted = _Aside(reading, "rb", lambda source: pyrage.encrypt_io(source, sink, recipients))
    try:
        with open(writing, "wb") as pipe, _writing(pipe) as writer:
            yield writer
    except BrokenPipeError as error:
        encrypted.join()
        raise sink.error or encrypted.error or error from None
    finally:
        encrypted.join()
    if failed := sink.error or encrypted.error:
        raise failed


@contextmanager
def _writing(out: Any) -> Iterator[Writer]:
    writer = Writer(out)
    try:
        yield writer
        writer.close()
    except BaseException:
        writer.give_up()
        raise


class _Aside:
    """Does something with one end of a pipe, in a thread of its own beside its user, who joins it and looks at its
    error: that is there before the pipe is closed."""

    def __init__(self, end: int, mode: str, run: Callable[[Any], None]) -> None:
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, args=(end, mode, run), daemon=True)
        self._thread.start()

    def _guarded(self, end: int, mode: str, run: Callable[[Any], None]) -> None:
        with suppress(BrokenPipeError), open(end, mode) as pipe:
            try:
                run(pipe)
            except BaseException as error:
                self.error = error

    def join(self) -> None:
        self._thread.join()


# -- Reading ----------------------------------------------------------------------------------------------------------


class _Held:
    """A stream without its trailer, which is held back; hashes the rest."""

    def __init__(self, file: Any) -> None:
        self._file, self._held, self._sha256 = file, b"", hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """At least a byte, unless it is at its end."""
        data = self._held
        while len(data) <= TRAILER and (more := self._file.read(CHUNK)):
            data += more
        data, self._held = data[:-TRAILER], data[-TRAILER:]
        if 0 <= size < len(data):
            data, self._held = data[:size], data[size:] + self._held
        self._sha256.update(data)
        return data

    def finish(self) -> None:
        """Read to the end; raises DamagedError where the trailer does not fit."""
        while self.read(CHUNK):
            pass
        if self._held != self._sha256.hexdigest().encode():
            raise _not_as_written()


class Reader:
    """The members in their order, each as a name, a size and a stream that is to be read before the next."""

    def __init__(self, stream: Any) -> None:
        self._held = _Held(stream)

    def members(self) -> Iterator[tuple[str, int, IO[bytes]]]:
        """Yields nothing that is no plain file. Raises DamagedError at the end where anything is not as it was."""
        held: Any = self._held  # anything with `read`
        with tarfile.open(fileobj=held, mode="r|", bufsize=CHUNK) as tar:
            for info in tar:
                source = tar.extractfile(info) if info.isreg() else None
                if source is None:
                    raise DamagedError(_("It is damaged: %(name)s is no plain file.") % {"name": info.name})
                yield info.name, info.size, source
        self._held.finish()


def is_encrypted(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(AGE)) == AGE


@contextmanager
def opened(path: Path, identities: list, step: Step = no_step) -> Iterator[tuple[Reader, Hashed]]:
    """A reader of the archive, and what hashes its file: whole once the members have been read.

    Raises DamagedError, also for what goes wrong while it is read, and BackupError where it needs a key.
    """
    with path.open("rb") as file:
        hashed = Hashed(file, step)
        try:
            if not is_encrypted(path):
                yield Reader(hashed), hashed
                return
            if not identities:
                raise BackupError(_("It is encrypted: name the file with its private key by --key FILE, or in BACKUP_PRIVATE_KEY_FILE."))  # noqa: E501  # fmt: skip
            with _decrypted(hashed, identities) as stream:
                yield Reader(stream), hashed
        except (tarfile.TarError, EOFError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise _not_as_written() from error


@contextmanager
def _decrypted(file: Any, identities: list) -> Iterator[IO[bytes]]:
    reading, writing = os.pipe()
    decrypted = _Aside(writing, "wb", lambda pipe: pyrage.decrypt_io(file, pipe, identities))
    try:
        with open(reading, "rb") as stream:
            try:
                yield stream
            except Exception:
                if decrypted.error:  # that age refuses it says more than what its reader made of the rest
                    raise _refused(decrypted.error) from None
                raise
    finally:
        decrypted.join()
    if decrypted.error:
        raise _refused(decrypted.error)


def _refused(error: BaseException) -> BackupError:
    if "No matching keys" in str(error):
        return BackupError(_("It is encrypted to another key than the one that was given."))
    return _not_as_written()


def _not_as_written() -> DamagedError:
    return DamagedError(_("It is damaged: what is in it is not what was written, or its end is missing."))
