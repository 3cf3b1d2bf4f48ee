"""What is in an archive, compared with what it says of itself: nothing is believed that was not hashed."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.utils import validate_file_name

from backoffice.backups.archive import (
    ABOUT,
    CHUNK,
    FILES,
    LONGEST_JSON,
    MANIFEST,
    About,
    Hashed,
    Manifest,
    Step,
    no_step,
    opened,
)
from backoffice.backups.errors import DamagedError
from backoffice.backups.here import said_by
from backoffice.formats.kept import gettext as _
from backoffice.records.dates import moment_in

Take = Callable[[str, IO[bytes]], None]
"""Is given a member's name and what is in it, and may read as much of it as it likes."""


@dataclass(frozen=True)
class Checked:
    """An archive that is what was written. `sha256` is of its file."""

    about: About
    manifest: Manifest
    sha256: str


def sha256_of(path: Path, step: Step = no_step) -> str:
    with path.open("rb") as file:
        hashed = Hashed(file, step)
        while hashed.read(CHUNK):
            pass
        return hashed.sha256.hexdigest()


def go_through(
    path: Path,
    identities: list,
    *,
    suits: Callable[[About], None] = lambda about: None,
    take: Take = lambda name, source: None,
    step: Step = no_step,
) -> Checked:
    """Read it to its end. `suits` may raise before anything else is read.

    Raises DamagedError where it is not what was written, and BackupError where it needs another key.
    """
    found: dict[str, tuple[int, str]] = {}
    about: About | None = None
    manifest: Manifest | None = None
    with opened(path, identities, step) as (reader, hashed):
        for name, size, stream in reader.members():
            source: Any = Hashed(stream)
            if (name == ABOUT) == bool(found) or name in found or manifest:
                raise DamagedError(_("It is damaged: %(name)s is not where it belongs.") % {"name": name})
            if name == ABOUT:
                about = _about(_json(source))
                _is_named_for(about, path)
                suits(about)
            elif name == MANIFEST:
                manifest = _manifest(_json(source))
            else:
                take(_safe(name), source)
            while source.read(CHUNK):
                pass
            found[name] = (size, source.sha256.hexdigest())
        while hashed.read(CHUNK):
            pass
    if about is None or manifest is None:
        raise DamagedError(_("It is damaged: its end is missing."))
    found.pop(MANIFEST)
    _compare(manifest.members, found)
    return Checked(about, manifest, hashed.sha256.hexdigest())


def _json(source: Any) -> Any:
    return json.loads(source.read(LONGEST_JSON))


def _about(said: Any) -> About:
    with suppress(TypeError, KeyError):
        about = About(**said)
        if moment_in(about.made_at):
            return about
    raise DamagedError(_("It is damaged: %(name)s cannot be read.") % {"name": ABOUT})


def _manifest(said: Any) -> Manifest:
    with suppress(TypeError, AttributeError, ValueError):
        pairs = {kind: {name: (n, text) for name, (n, text) in said[kind].items()} for kind in ("members", "tables")}
        return Manifest(**{**said, **pairs})
    raise DamagedError(_("It is damaged: %(name)s cannot be read.") % {"name": MANIFEST})


def _is_named_for(about: About, path: Path) -> None:
    """An old one under a newer one's name is not what it seems. A name that no backup gave says nothing."""
    said = said_by(path.name)
    if said and said != (about.installation, moment_in(about.made_at)):
        told = {"name": path.name, "made_at": about.made_at}
        raise DamagedError(_("%(name)s is not what its name says: it was made at %(made_at)s.") % told)


def _safe(name: str) -> str:
    """Nothing that would lie elsewhere, wherever it is put."""
    with suppress(SuspiciousFileOperation):
        return str(validate_file_name(name, allow_relative_path=True))
    raise DamagedError(_("It is damaged: %(name)s is no name of a file.") % {"name": name})


def _compare(written: dict[str, tuple[int, str]], found: dict[str, tuple[int, str]]) -> None:
    for name in sorted(written.keys() | found.keys()):
        if name not in found:
            raise DamagedError(_("It is damaged: %(name)s is missing.") % {"name": name})
        if written.get(name) != found[name]:
            raise DamagedError(_("It is damaged: %(name)s is not what was written.") % {"name": name})


def file_in(member: str) -> str | None:
    """What private file a member is; None of the database."""
    return member.removeprefix(FILES) if member.startswith(FILES) else None
