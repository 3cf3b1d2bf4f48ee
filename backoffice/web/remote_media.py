"""Private files in a store that speaks S3: loaded where STORAGE_URL names one. Needs requirements-s3.txt."""

from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ClientError
from django.core.exceptions import ImproperlyConfigured
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3File, S3Storage
from storages.utils import clean_name

from backoffice.web.media import no_url

SCHEMES = {"s3": "https", "s3+http": "http"}
IN_MEMORY = 1 << 20  # bytes of a file that is read; what is larger lies in a temporary file meanwhile


class PrivateS3File(S3File):
    """A kept file, of which nothing is fetched until it is read: whole, as a file, or a part, as a stream."""

    @property
    def tag(self) -> str:
        """Names what is in the file, as an ETag."""
        return self.obj.e_tag

    def part(self, start: int, length: int) -> "RemotePart":
        return RemotePart(self, start, length)


class RemotePart:
    """So many bytes of a kept file, fetched as they are read. What somebody has put in its place meanwhile is not sent
    as its rest."""

    def __init__(self, file: PrivateS3File, start: int, length: int) -> None:
        self._file = file
        self._body: Any = None
        self._asked = f"bytes={start}-{start + length - 1}" if length else ""

    def read(self, size: int = -1, /) -> bytes:
        if not self._asked:
            return b""
        if self._body is None:
            self._body = self._file.obj.get(Range=self._asked, IfMatch=self._file.tag)["Body"]
        return self._body.read(None if size < 0 else size)

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
        self._file.close()


@deconstructible
class PrivateS3Storage(S3Storage):
    """The bucket without addresses. A file is there whole or not at all: S3 shows what is uploaded when it is whole."""

    def __init__(self, address: str) -> None:
        super().__init__(**options(address), file_overwrite=False, default_acl=None, max_memory_size=IN_MEMORY)

    def _open(self, name: str, mode: str = "rb") -> PrivateS3File:
        """As the library's, which names its own class of files there."""
        try:
            return PrivateS3File(self._normalize_name(clean_name(name)), mode, self)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                raise FileNotFoundError(f"no file {name} in the store") from error
            raise

    def url(self, *_args: Any, **_options: Any) -> NoReturn:
        no_url()


def options(address: str) -> dict[str, Any]:
    """`s3://key:secret@host:port/bucket/folder?region=…` as django-storages takes it.

    Without a host it is Amazon's; without a key, what boto3 finds in the environment or the machine's role.
    """
    parts = urlsplit(address)
    bucket, _slash, folder = parts.path.strip("/").partition("/")
    if parts.scheme not in SCHEMES or not bucket:
        raise ImproperlyConfigured("STORAGE_URL is no s3://key:secret@host/bucket. Unset it to keep files in DATA_DIR.")
    host = parts.netloc.rpartition("@")[2]
    return {
        "access_key": unquote(parts.username) if parts.username else None,
        "secret_key": unquote(parts.password) if parts.password else None,
        "endpoint_url": f"{SCHEMES[parts.scheme]}://{host}" if host else None,
        "region_name": parse_qs(parts.query).get("region", [None])[0],
        "bucket_name": bucket,
        "location": folder,
        "addressing_style": "path" if host else None,
    }
