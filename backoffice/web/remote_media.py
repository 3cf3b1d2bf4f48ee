"""Private files in a store that speaks S3: loaded where STORAGE_URL names one. Needs requirements-s3.txt."""

from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

from backoffice.web.media import no_url

SCHEMES = {"s3": "https", "s3+http": "http"}
IN_MEMORY = 1 << 20  # bytes of a file that is read; what is larger lies in a temporary file meanwhile


@deconstructible
class PrivateS3Storage(S3Storage):
    """The bucket without addresses. A file is there whole or not at all: S3 shows what is uploaded when it is whole."""

    def __init__(self, address: str) -> None:
        super().__init__(**options(address), file_overwrite=False, default_acl=None, max_memory_size=IN_MEMORY)

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
