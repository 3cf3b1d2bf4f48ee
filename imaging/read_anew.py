"""Films that were kept before their columns were there: what their files say is read."""

from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from imaging import ingest, whose
from imaging.anew import Again
from imaging.ingest import Said
from imaging.models import XRayImage
from imaging.storing import columns_of


def waiting() -> QuerySet[XRayImage]:
    """Films whose file was not read since there are columns for what it says, the newest first. Only DICOM says any."""
    return XRayImage.objects.filter(is_read=False, source_format=XRayImage.Format.DICOM).order_by("-pk")


def said(film: XRayImage) -> Said:
    return ingest.said(film.original, film.width)


def keep(film: XRayImage, said: Said) -> None:
    """What the film's file says, with history."""
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


READ = Again(
    waiting,
    said,
    keep,
    done={"is_read": True},
    unreadable="the file of X-ray %d cannot be read, so nothing is known of what it says",
)


def read_some() -> int:
    return READ.some()
