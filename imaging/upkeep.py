"""Whether a film's files are what they should be, for `check_integrity`; and what an upload that was killed left
behind, for `purge`. What is drawn from an original is drawn again where it is missing (see derived.py), and is no
difference.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.files.kept import age_of, names_below
from backoffice.jobs.registry import check, purge
from backoffice.web.media import DRAFT
from imaging import derived
from imaging.models import XRayImage

CHUNK = 500  # rows in memory at a time
ORIGINALS, THUMBNAILS = "originals", "thumbnails"
COLUMNS = {ORIGINALS: "original", derived.PIXELS: "pixels", THUMBNAILS: "thumbnail"}
UPLOADING = timedelta(hours=1)  # a file is there before its row
UNFINISHED_KEPT = timedelta(days=1)


@check(gettext_noop("originals"))
def originals_are_what_was_uploaded() -> Iterator[str]:
    """Reads every one of them."""
    films = XRayImage.objects.order_by("pk").values_list("pk", "original", "sha256")
    for key, name, sha256 in films.iterator(CHUNK):
        told = {"key": key, "name": name}
        try:
            with default_storage.open(name) as file:
                is_whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            yield _("X-ray %(key)d lacks its original: %(name)s is not there. Restore it from a backup.") % told
        except OSError as error:
            what = _("The original of X-ray %(key)d, %(name)s, cannot be read: %(why)s. Look after the disk first.")
            yield what % (told | {"why": error.strerror})
        else:
            if not is_whole:
                what = _(
                    "The original of X-ray %(key)d, %(name)s, is not what was uploaded: its SHA-256 differs. "
                    "Restore it from a backup, and find out what wrote to it."
                )
                yield what % told


@check(gettext_noop("files of films"))
def files_belong_to_a_film() -> Iterator[str]:
    for folder in (*COLUMNS, *derived.BESIDE_PIXELS):
        for names in _files(folder):
            for name in sorted(set(names) - _owned(folder, names)):
                if age_of(name) > UPLOADING:
                    yield (_original_alone() if folder == ORIGINALS else _picture_alone()) % {"name": name}


def _original_alone() -> str:
    return _(
        "%(name)s belongs to no X-ray: an upload was cut off, or a restored database is older than its files. Upload "
        "it again where it is wanted, then delete it."
    )


def _picture_alone() -> str:
    return _("%(name)s belongs to no X-ray. Delete it: what is wanted is drawn again.")


def _owned(folder: str, names: list[str]) -> set[str]:
    """Those of the names that a row knows. What lies beside the canonical picture bears its name."""
    column = COLUMNS.get(folder, "pixels")
    by_kept_name = {name.replace(folder, derived.PIXELS, 1) if folder not in COLUMNS else name: name for name in names}
    kept = XRayImage.objects.filter(**{f"{column}__in": list(by_kept_name)}).values_list(column, flat=True)
    return {by_kept_name[name] for name in kept}


@purge(gettext_noop("files that were never finished"))
def unfinished_files(*, dry_run: bool) -> int:
    gone = 0
    for folder in (*COLUMNS, *derived.BESIDE_PIXELS):
        for name in names_below(folder):
            if name.endswith(DRAFT) and age_of(name) > UNFINISHED_KEPT:
                gone += 1
                if not dry_run:
                    default_storage.delete(name)
    return gone


def _files(folder: str) -> Iterator[list[str]]:
    """The names of finished files, so many at a time as a query takes."""
    names = []
    for name in names_below(folder):
        if not name.endswith(DRAFT):
            names.append(name)
        if len(names) == CHUNK:
            yield names
            names = []
    yield names
