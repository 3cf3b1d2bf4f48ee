"""A kept file as a path, for those who read nothing else: model weights, which are mapped into memory."""

import shutil
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db.models.fields.files import FieldFile


def local_path(file: FieldFile, *, sha256: str) -> Path:
    """Return where the file lies on this machine. From a remote store it is fetched once.

    Where it is not there, nothing is at that path.
    """
    try:
        return Path(file.path)
    except NotImplementedError:
        fetched = settings.DATA_DIR / "fetched" / sha256
    if not fetched.exists():
        with suppress(FileNotFoundError):
            _fetch(file, fetched)
    return fetched


def _fetch(file: FieldFile, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    draft = target.with_name(f"{target.name}.{uuid4().hex}")
    try:
        with file.storage.open(str(file.name)) as source, draft.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
