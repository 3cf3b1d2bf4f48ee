"""What a film's file says is held against its patient again when either has changed: two records were merged or taken
apart, a visit was another person's, a name or a day was corrected."""

import logging
from collections.abc import Iterable

from django.db import transaction
from django.db.models.signals import post_save
from django.utils.translation import gettext_noop

from backoffice.records.locks import lock_by_key
from backoffice.records.mixins import written_at_once
from backoffice.records.noted import Noted
from clinic.models import Patient
from imaging import ingest, whose
from imaging.decoded import Named
from imaging.ingest import Refused
from imaging.models import XRayImage

logger = logging.getLogger(__name__)

IDENTITY = {"full_name", "date_of_birth", "sex", "national_id"}


@transaction.atomic
def compare(keys: Iterable[int]) -> None:
    """Compare these films anew, and keep what is found, with history, where it is another than before."""
    lock_by_key(XRayImage, keys)
    for film in XRayImage.objects.filter(pk__in=keys).select_related("patient").order_by("pk"):
        try:
            # Only DICOM names anybody.
            is_dicom = film.source_format == XRayImage.Format.DICOM
            named = ingest.said(film.original, film.width).named if is_dicom else Named()
        except (OSError, Refused):
            logger.warning("the file of X-ray %d cannot be read, so it was not compared", film.pk)
            continue
        found = whose.conflicts(named, film.patient, film.settled_conflict)
        quality = film.quality_issues
        film.renew_quality()
        if (found, quality) != (film.identity_conflict, film.quality_issues):
            film.identity_conflict = found
            film._change_reason = gettext_noop("Compared with the patient’s record as it is now")
            film.save(update_fields=["identity_conflict", "quality_issues", "updated_at"])


_noted = Noted(compare)


# -- What is listened to ----------------------------------------------------------------------------------------------


def connect() -> None:
    post_save.connect(_patient_saved, sender=Patient, dispatch_uid="compared_anew")
    written_at_once.connect(_patients_written, sender=Patient, dispatch_uid="compared_anew")
    post_save.connect(_film_saved, sender=XRayImage, dispatch_uid="compared_anew")


def _patient_saved(instance: Patient, created: bool, update_fields: Iterable[str] | None, **kwargs: object) -> None:
    if not created and (update_fields is None or IDENTITY & set(update_fields)):
        _note_films_of(instance)


def _patients_written(rows: list[Patient], created: bool, fields: set[str] | None, **kwargs: object) -> None:
    if not created and (fields is None or IDENTITY & fields):
        _note_films_of(*rows)


def _film_saved(instance: XRayImage, update_fields: Iterable[str] | None, **kwargs: object) -> None:
    """One that is given to somebody else; its own page compares by itself."""
    if "patient" in (update_fields or ()):
        _note_films_of(instance.patient)


def _note_films_of(*patients: Patient) -> None:
    _noted.note(*XRayImage.objects.filter(patient__in=patients).values_list("pk", flat=True))
