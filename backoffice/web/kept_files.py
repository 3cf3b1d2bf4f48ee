"""How a kept file is sent: whole, or the one part that is asked for (RFC 9110, section 14), or by the proxy."""

import os
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import IO, Protocol, runtime_checkable
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from backoffice.web.media import Readable, send_private

# Who asks for several parts at once gets the whole.
PART = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def send_kept(
    request: HttpRequest, file: IO[bytes], *, content_type: str, download_as: str | None = None
) -> HttpResponseBase:
    """Send a file of the media folder to somebody who may see it. The caller has checked the permission.

    `file` is as the storage opened it; it is closed with the answer. From a remote store no more is fetched than is
    sent. For `download_as` see `send_private`.
    """

    def sent(body: Readable) -> FileResponse:
        return send_private(body, content_type=content_type, download_as=download_as)

    size, is_remote = _size(file), isinstance(file, InParts)
    whole = sent(_part(file, 0, size) if is_remote else file)
    if location := _location(file):
        return _without_body(file, whole, {"X-Accel-Redirect": location, "Content-Length": None})
    tag = file.tag if isinstance(file, InParts) else _tag(file)
    told = {"Accept-Ranges": "bytes", "Content-Length": str(size), **({"ETag": tag} if tag else {})}
    if request.method == "HEAD":
        return _without_body(file, whole, told)
    answer, part = whole, _part_asked_for(request, tag)
    if part:
        start, end = _within(part, size)
        if start >= end:
            told = {"Content-Range": f"bytes */{size}", "Content-Length": "0"}
            return _without_body(file, whole, told, status=416)
        told |= {"Content-Range": f"bytes {start}-{end - 1}/{size}", "Content-Length": str(end - start)}
        answer = sent(_part(file, start, end - start))
        answer.status_code = 206
    for name, value in told.items():
        answer[name] = value
    return answer


@runtime_checkable
class InParts(Protocol):
    """A file in a remote store, which sends the part that it is asked for (see remote_media.py)."""

    size: int
    tag: str

    def part(self, start: int, length: int) -> Readable: ...


def _size(file: IO[bytes]) -> int:
    if isinstance(file, InParts):
        return file.size
    file.seek(0, os.SEEK_END)
    size = file.tell()
    file.seek(0)
    return size


def _part(file: IO[bytes], start: int, length: int) -> Readable:
    return file.part(start, length) if isinstance(file, InParts) else Part(file, start, length)


def _part_asked_for(request: HttpRequest, tag: str | None) -> tuple[str, str] | None:
    """First and last byte as they are written, None where all of it is wanted."""
    asked = PART.fullmatch(request.headers.get("Range", ""))
    # A part is good for whoever has the rest of this very file.
    is_of_this_file = request.headers.get("If-Range", tag) == tag
    if not asked or not any(asked.groups()) or not is_of_this_file or request.method != "GET":
        return None
    first, last = asked.groups()
    return None if first and last and int(first) > int(last) else (first, last)


def _within(part: tuple[str, str], size: int) -> tuple[int, int]:
    """The part of a file of so many bytes, its end not included; empty where it has none of it."""
    first, last = part
    if not first:  # the last so many
        return max(size - int(last), 0), size if int(last) else 0
    return int(first), min(int(last) + 1, size) if last else size


def _tag(file: IO[bytes]) -> str | None:
    """Names what is in the file; None where it is not one of the media folder's."""
    if _kept_as(file) is None:
        return None
    about = os.fstat(file.fileno())
    return f'"{about.st_ino:x}-{about.st_mtime_ns:x}-{about.st_size:x}"'


def _location(file: IO[bytes]) -> str | None:
    """Where the proxy finds it, None where no proxy sends files, and where they lie elsewhere."""
    name = _kept_as(file) if settings.X_ACCEL_LOCATION else None
    return name and f"{settings.X_ACCEL_LOCATION.rstrip('/')}/{quote(name)}"


def _kept_as(file: IO[bytes]) -> str | None:
    """Its name in the media folder, None where it lies in a remote store, or is no kept file at all."""
    try:
        return PurePath(file.name).relative_to(default_storage.path("")).as_posix()
    except (NotImplementedError, TypeError, ValueError):
        return None


def _without_body(
    file: IO[bytes], whole: HttpResponseBase, headers: Mapping[str, str | None], status: int = 200
) -> HttpResponse:
    file.close()  # and not the answer, whose end would be taken for the request's
    told = {**dict(whole.items()), **headers}
    return HttpResponse(status=status, headers={name: value for name, value in told.items() if value is not None})


class Part:
    """So many bytes of a file, as a file that is read once."""

    def __init__(self, file: IO[bytes], start: int, length: int) -> None:
        self._file, self._left = file, length
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        return data

    def close(self) -> None:
        self._file.close()
