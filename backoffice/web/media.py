"""Private files: they live outside every public URL and leave only through a view that asked for permission."""

import os
import secrets
from pathlib import PurePath
from typing import NoReturn, Protocol

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.db.models import Model
from django.http import FileResponse
from django.utils.deconstruct import deconstructible

DRAFT = ".part"  # how what is being written is called


def no_url() -> NoReturn:
    raise ValueError("Private files have no URL: link the view that checks the permission.")


@deconstructible
class PrivateStorage(FileSystemStorage):
    """The media folder without an address: `url` is refused, so that no template can leak a path.

    A file is there whole or not at all: it is written aside and then takes its name, so that whoever is killed in
    the middle leaves nothing that a later reader takes for the file.
    """

    def url(self, name: str | None) -> NoReturn:
        no_url()

    def _save(self, name: str, content: File) -> str:
        draft = f"{name}.{secrets.token_hex(8)}{DRAFT}"
        try:
            super()._save(draft, content)  # type: ignore[misc]  # Django has it, its stubs not
            self._sync(draft)
            return self._take_name(draft, name)
        finally:
            self.delete(draft)

    def _sync(self, name: str) -> None:
        """A name that outlives a power cut must not outlive its content."""
        with open(self.path(name), "rb") as file:
            os.fsync(file.fileno())

    def _take_name(self, draft: str, name: str) -> str:
        while True:
            try:
                os.link(self.path(draft), self.path(name))
            except FileExistsError:  # somebody was quicker
                name = self.get_available_name(name)
            except OSError:  # a file system without hard links
                os.replace(self.path(draft), self.path(name))
                return name
            else:
                return name


@deconstructible
class RandomName:
    """`upload_to` that keeps nothing of the given name but its extension: names carry patients' names.

    Two letters of folder keep any one folder small.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def __call__(self, instance: Model, filename: str) -> str:
        name = secrets.token_hex(16)
        return f"{self.folder}/{name[:2]}/{name}{PurePath(filename).suffix.lower()}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RandomName) and self.folder == other.folder

    __hash__ = None  # type: ignore[assignment]  # Python's own way to say that there is none


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...
    def close(self) -> None: ...


def send_private(file: Readable, *, content_type: str, download_as: str | None = None) -> FileResponse:
    """Send what is private to somebody who may see it. The caller has checked the permission.

    With `download_as` the browser saves it under that name and never shows it.
    """
    response = FileResponse(
        file, as_attachment=bool(download_as), filename=download_as or "", content_type=content_type
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response
