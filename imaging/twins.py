"""The same film twice: one file on two records, or two files that say that they are one picture (SOP Instance UID).

Each of the two pages says so, and so does the upload. A record that somebody may not see is not named to them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from backoffice.readers import Reader
from backoffice.records.relations import may_view
from clinic.models import Patient
from imaging.models import XRayImage

MOST = 5


@dataclass(frozen=True)
class Twin:
    """`told` is a sentence for its reader; `film` is the other one, None where they may not know of it."""

    told: str
    film: XRayImage | None


def of(xray: XRayImage, reader: Reader | None) -> list[Twin]:
    """The twins of a film as `reader` is told of them; None is whoever runs a command."""
    is_the_same = Q(sha256=xray.sha256)
    if xray.sop_uid:
        is_the_same |= Q(sop_uid=xray.sop_uid)
    # A twin that was hidden is settled. One on a hidden patient's record is not.
    found = XRayImage.objects.filter(is_the_same, hidden_at=None).exclude(pk=xray.pk).select_related("patient")
    return list(_told(xray, list(found.order_by("pk")[:MOST]), reader))


def _told(xray: XRayImage, found: list[XRayImage], reader: Reader | None) -> Iterator[Twin]:
    known = _known_to(reader, found) if found else set()
    for film in found:
        is_file = film.sha256 == xray.sha256
        if film.patient_id == xray.patient_id:
            yield Twin(_("This patient has another file of the same picture. Hide the one that is not wanted."), film)
        elif film.pk not in known and is_file:
            yield Twin(_("This very file is on another patient’s record too. Ask an administrator whose it is."), None)
        elif film.pk not in known:
            told = _("A file of the same picture is on another patient’s record. Ask an administrator whose it is.")
            yield Twin(told, None)
        else:
            told = (
                _("%(patient)s has this very file too. Hide the one that is wrong.")
                if is_file
                else _("%(patient)s has a file of the same picture. Hide the one that is wrong.")
            )
            yield Twin(told % {"patient": film.patient.name_for(reader)}, film)


def _known_to(reader: Reader | None, found: list[XRayImage]) -> set[int]:
    films = XRayImage.objects.filter(pk__in=[film.pk for film in found])
    if reader is None:
        return set(films.visible().values_list("pk", flat=True))
    if not may_view(reader, Patient):
        return set()
    return set(films.seen_by(reader).values_list("pk", flat=True))
