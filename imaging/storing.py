"""Checked pictures into rows and files: the one place that does it, for the admin, the command and the demo alike."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile, File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.files.nursery import told
from backoffice.formats.lists import listed
from backoffice.models import User
from backoffice.records.locks import waited_in_vain
from clinic.models import Patient
from clinic.patients import merging
from imaging import derived, ingest, whose
from imaging.ingest import Picture, Refused
from imaging.models import XRayImage
from imaging.quality import QualityIssue

logger = logging.getLogger(__name__)


class AlreadyThere(Exception):  # noqa: N818 — an answer, not a fault
    """The patient has this very file; `xray` is the row that holds it."""

    def __init__(self, xray: XRayImage) -> None:
        super().__init__(str(xray))
        self.xray = xray


class Outcome(StrEnum):
    """What became of one file. BUSY is no answer yet: the same file may be sent again in a moment."""

    KEPT, THERE, REFUSED, BUSY = "kept", "there", "refused", "busy"


@dataclass(frozen=True)
class Receipt:
    """What became of one file. `xray` is its row, None where `refusal` says why there is none."""

    name: str
    xray: XRayImage | None = None
    was_there: bool = False
    refusal: str = ""
    is_busy: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if self.xray is None:
            return Outcome.BUSY if self.is_busy else Outcome.REFUSED
        return Outcome.THERE if self.was_there else Outcome.KEPT


def receive(
    file: File,
    patient: Patient,
    *,
    by: User | None = None,
    view: str = "",
    taken_on: date | None = None,
    notes: str = "",
) -> Receipt:
    """Take one uploaded file in, or say why not. What the file says of itself goes before what was typed for it."""
    name = PurePath(str(file.name)).name
    try:
        picture = ingest.read(file, name)
        file.seek(0)
        xray = store(
            picture,
            file,
            patient,
            by=by,
            view=picture.view or view,
            taken_on=picture.taken_on or taken_on,
            notes=notes,
        )
    except Refused as refusal:
        return Receipt(name, refusal=str(refusal), is_busy=isinstance(refusal, ingest.Busy))
    except AlreadyThere as already:
        return Receipt(name, already.xray, was_there=True)
    except Exception as error:  # whatever it is: the files beside it are good
        if waited_in_vain(error):
            message = _("Somebody else is writing very much at this moment. Send it again in a minute.")
            return Receipt(name, refusal=message, is_busy=True)
        logger.error("a film was not taken in: %s", told(error))  # and not its words, which may name a patient
        message = _(
            "Something went wrong with it here, and nothing of it was kept. Try again; the log says what it was."
        )
        return Receipt(name, refusal=message)
    return Receipt(name, xray, warnings=tuple(_warnings(picture, xray)))


def store(picture: Picture, original: File, patient: Patient, *, by: User | None = None, **details: Any) -> XRayImage:
    """Keep `picture` and the file it came from as an X-ray of `patient`; `details` are further fields of the row.

    Raises AlreadyThere. Leaves no file behind where the row fails, and so must own its transaction: a caller's
    rollback could not take the files back.
    """
    held = XRayImage.objects.visible().filter(patient=patient, sha256=picture.sha256)
    if twin := held.first():
        raise AlreadyThere(twin)
    xray = XRayImage(
        patient=patient,
        sha256=picture.sha256,
        source_format=picture.source_format,
        width=picture.width,
        height=picture.height,
        bit_depth=picture.bit_depth,
        pixel_spacing=picture.pixel_spacing,
        spacing_from=picture.spacing_from,
        body_part=picture.body_part,
        age_in_file=picture.patient_age,
        quality_issues=picture.quality_issues,
        identity_conflict=whose.conflicts(picture.named, patient),
        uploaded_by=by,
        **details,
    )
    if by is not None:
        xray._history_user, xray._change_reason = by, gettext_noop("Uploaded")
    try:
        xray.original.save(f"original{ingest.SUFFIXES[picture.source_format][0]}", original, save=False)
        xray.pixels.save("pixels.png", File(picture.pixels), save=False)
        if picture.deep:
            derived.keep(xray, derived.DEEP, picture.deep)
        xray.thumbnail.save("thumbnail.jpg", ContentFile(picture.thumbnail), save=False)
        with transaction.atomic(durable=True):
            xray.patient = merging.lock_standing(patient)  # somebody may have merged the record at this moment
            xray.save()
    except BaseException as error:
        _remove_files(xray)
        # Somebody else has sent the same file since we looked.
        if isinstance(error, IntegrityError) and (twin := held.first()):
            raise AlreadyThere(twin) from error
        raise
    return xray


def _remove_files(xray: XRayImage) -> None:
    if xray.pixels:
        derived.forget(xray)
    for file in (xray.original, xray.pixels, xray.thumbnail):
        if file:
            file.delete(save=False)


def _warnings(picture: Picture, xray: XRayImage) -> Iterator[str]:
    yield from whose.in_words(xray.identity_conflict)
    # Kept all the same: only a person knows which of the two records is the wrong one.
    for twin in XRayImage.objects.visible().filter(sha256=xray.sha256).exclude(patient=xray.patient)[:1]:
        yield _("%(patient)s has this very file too. Hide the one that is wrong.") % {"patient": twin.patient}
    if picture.quality_issues:
        issues = listed(QualityIssue(issue).label for issue in picture.quality_issues)
        yield _("The picture may not suit the models: %(issues)s.") % {"issues": issues}
