"""The drill: the newest archive is restored into a scratch place, and compared with what was written. A backup that
nobody has restored is a hope."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.core.files.storage import FileSystemStorage

from backoffice.backups import keys, reading
from backoffice.backups.archive import is_encrypted
from backoffice.backups.databases import Database
from backoffice.backups.errors import BackupError, UnderWayError
from backoffice.backups.here import Archive, alone, the_database
from backoffice.backups.reading import Checked, file_in
from backoffice.backups.restoring import compare, keep_file, put
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """`findings` say what is amiss. `is_whole`: it was restored; else, without its key, only its file was compared."""

    findings: list[str]
    is_whole: bool


def restore_in_scratch(archive: Archive, known_sha256: str, database: Database | None = None) -> Found:
    """`known_sha256` is what its writer noted of the file, "" where nobody knows it. Raises UnderWayError."""
    try:
        with alone("drill") as scratch:
            identities = keys.identities() if is_encrypted(archive.path) else []
            if is_encrypted(archive.path) and not identities:
                return Found(_file_alone(archive.path, known_sha256), is_whole=False)
            return Found(_whole(archive.path, known_sha256, identities, scratch, database or the_database()), True)
    except UnderWayError:
        raise
    except BackupError as error:
        return Found([error.told], is_whole=False)
    except Exception as error:  # whatever goes wrong, an archive that is not restored is told
        logger.exception("a drill has failed")
        told = {"why": getattr(error, "strerror", None) or type(error).__name__}
        return Found([_("It could not be restored: %(why)s.") % told], is_whole=False)


def _file_alone(path: Path, known_sha256: str) -> list[str]:
    if known_sha256 and reading.sha256_of(path) != known_sha256:
        return [_other_file()]
    return []


def _whole(path: Path, known_sha256: str, identities: list, scratch: Path, database: Database) -> list[str]:
    dump, kept = scratch / "dump", _Kept(scratch / "files")

    def take(member: str, source: IO[bytes]) -> None:
        if name := file_in(member):
            kept.put(name, source)
        else:
            put(source, dump)

    checked = reading.go_through(path, identities, take=take)
    findings: list[str] = [_other_file()] if known_sha256 and checked.sha256 != known_sha256 else []
    with database.scratch(scratch) as restored:
        restored.fill(dump)
        contents = restored.contents()
    findings += compare(contents, checked)
    findings += kept.compare(checked)
    lost = contents.files - kept.found.keys() - set(checked.manifest.missing)
    findings += [
        _("%(name)s is named by the database and not in the archive.") % {"name": name} for name in sorted(lost)
    ]
    return findings


def _other_file() -> Sentence:
    return _("The file is another than the one that was written.")


class _Kept:
    """Private files as they lie after a restore. Each is read back and taken away at once, so that a drill needs no
    room for all of them."""

    def __init__(self, folder: Path) -> None:
        self._storage = FileSystemStorage(folder)
        self.found: dict[str, tuple[int, str]] = {}

    def put(self, name: str, source: IO[bytes]) -> None:
        keep_file(self._storage, name, source)
        path = Path(self._storage.path(name))
        self.found[name] = (path.stat().st_size, reading.sha256_of(path))
        path.unlink()

    def compare(self, checked: Checked) -> list[Sentence]:
        written = {name: said for member, said in checked.manifest.members.items() if (name := file_in(member))}
        different = sorted(name for name in written if self.found.get(name) != tuple(written[name]))
        return [_("%(name)s is not what was backed up.") % {"name": name} for name in different]
