"""A follow-up that a film has answered is open again where that film is hidden, or turns out to be another's."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from backoffice.models import User
from backoffice.records.mixins import written_at_once
from clinic.models import Patient
from imaging import settling
from imaging.models import XRayImage
from inference.follow_ups.deciding import opened_again_where_no_film_answers


def connect() -> None:
    settling.moved.connect(_film_moved, sender=XRayImage, dispatch_uid="follow_ups_of_a_moved_film")
    written_at_once.connect(_films_written, sender=XRayImage, dispatch_uid="follow_ups_of_hidden_films")
    written_at_once.connect(_patients_written, sender=Patient, dispatch_uid="follow_ups_of_merged_patients")


def _film_moved(film: XRayImage, by: User, **kwargs: object) -> None:
    opened_again_where_no_film_answers(Q(answered_by=film) | Q(prediction__xray=film), by)


def _films_written(rows: Sequence[XRayImage], **kwargs: Any) -> None:
    if hidden := [film for film in rows if film.is_hidden]:
        opened_again_where_no_film_answers(Q(answered_by__in=hidden), hidden[0].hidden_by)


def _patients_written(rows: Sequence[Patient], created: bool, **kwargs: Any) -> None:
    """To take a merge back parts films that came in meanwhile, and its last step is to restore a patient."""
    if not created:
        theirs = Q(answered_by__patient__in=rows) | Q(prediction__xray__patient__in=rows)
        opened_again_where_no_film_answers(theirs, None)
