"""A film to give away: its picture, and its file where that is DICOM, with nothing in them that says whose it is."""

import tempfile
from contextlib import closing
from shutil import copyfileobj
from typing import IO
from zipfile import ZipFile, ZipInfo

from django.utils.crypto import salted_hmac

from backoffice.files import apart
from imaging.decoded import Refused
from imaging.derived import open_original, open_pixels
from imaging.models import XRayImage

KIND = "picture"
SALT = "imaging.without_identity"


def name_of(xray: XRayImage) -> str:
    """The same for the same film, and leads nobody to it who lacks the secret key."""
    return f"film-{_key(xray, xray.sha256)[:12]}"


def open_without_identity(xray: XRayImage) -> IO[bytes]:
    """Return a ZIP archive as an open file. Raises apart.Undone, and Refused where the original is not read."""
    archive = tempfile.TemporaryFile()  # noqa: SIM115 — the caller's to close
    try:
        with ZipFile(archive, "w") as parts:
            with open_pixels(xray) as pixels:  # without metadata, as everything that was drawn here
                _add(parts, f"{name_of(xray)}.png", pixels)
            if xray.source_format == XRayImage.Format.DICOM:
                with _dicom(xray) as film:
                    _add(parts, f"{name_of(xray)}.dcm", film)
        archive.seek(0)
    except BaseException:
        archive.close()
        raise
    return archive


def _dicom(xray: XRayImage) -> IO[bytes]:
    film = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 — the caller's to close
    try:
        # A child has no key but this patient's, which is good for nothing else.
        with (
            open_original(xray) as original,
            closing(
                apart.values(
                    "imaging.dicom.deidentified:write", original, kind=KIND, into=[film], key=_key(xray, "uids")
                )
            ) as answers,
        ):
            for said in answers:
                if refusal := said.get("refused"):
                    raise Refused(refusal)
        film.seek(0)
    except BaseException:
        film.close()
        raise
    return film


def _key(xray: XRayImage, what: str) -> str:
    return salted_hmac(SALT, f"{xray.patient_id} {what}", algorithm="sha256").hexdigest()


def _add(parts: ZipFile, name: str, source: IO[bytes]) -> None:
    """Add a file without the day it was made."""
    with parts.open(ZipInfo(name), "w") as part:
        copyfileobj(source, part)
