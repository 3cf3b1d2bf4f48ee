"""Films that were kept before their columns were there: what their files say is read from the originals, one by one.

Each film is written for itself, and marked as read, so whoever is stopped goes on where they were.
"""

import logging
from collections.abc import Iterator

from django.db import transaction
from django.utils.translation import gettext_noop

from backoffice.records.locks import lock_by_key
from imaging import ingest, whose
from imaging.ingest import Refused
from imaging.models import XRayImage
from imaging.storing import columns_of

logger = logging.getLogger(__name__)

AT_ONCE = 50  # some seconds of work: then the worker does something else


def waiting() -> Iterator[XRayImage]:
    """Films whose file was not read since there are columns for what it says, the newest first. Only DICOM says any."""
    films = XRayImage.objects.filter(is_read=False, source_format=XRayImage.Format.DICOM)
    return films.order_by("-pk").iterator()


def read_some() -> int:
    """Read a few of them: what the worker does each minute until none is left. Returns how many were looked at."""
    keys = [film.pk for film, _place in zip(waiting(), range(AT_ONCE), strict=False)]
    for film in XRayImage.objects.filter(pk__in=keys).order_by("-pk"):
        read(film)
    return len(keys)


def read(film: XRayImage) -> bool:
    """Keep what the film's file says, with history; False where the file is gone or cannot be read any more."""
    try:
        said = ingest.said(film.original, film.width)
    except ingest.Busy:
        return False  # it waits for the next minute
    except (OSError, Refused):
        logger.warning("the file of X-ray %d cannot be read, so nothing is known of what it says", film.pk)
        XRayImage.objects.filter(pk=film.pk).update(is_read=True)
        return False
    with transaction.atomic():
        lock_by_key(XRayImage, [film.pk])
        film = XRayImage.objects.select_related("patient").get(pk=film.pk)
        values = {
            **columns_of(said.facts),
            "body_part": said.body_part,
            "age_in_file": said.patient_age,
            "pixel_spacing": said.pixel_spacing,
            "spacing_from": said.spacing_from,
            "identity_conflict": whose.conflicts(said.named, film.patient, film.settled_conflict),
            "is_read": True,
        }
        for name, value in values.items():
            setattr(film, name, value)
        film.renew_quality()
        film._change_reason = gettext_noop("Read from the file")
        film.save(update_fields=[*values, "quality_issues", "updated_at"])
    return True
