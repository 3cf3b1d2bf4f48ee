"""Checked pictures into rows and files: the one place that does it, for the admin, the command and the demo alike."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from django.core.files.base import ContentFile, File
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.files.nursery import told
from backoffice.files.room import is_full, none_left
from backoffice.formats.kept import Pattern
from backoffice.formats.lists import in_turn, listed
from backoffice.models import User
from backoffice.records.locks import waited_in_vain
from backoffice.records.mixins import REASON_LENGTH
from clinic.models import Patient
from clinic.patients import merging
from imaging import derived, ingest, twins, whose
from imaging.decoded import Facts
from imaging.ingest import Picture, Refused
from imaging.models import THEIRS_BECAUSE_LENGTH, XRayImage
from imaging.quality import RULES, QualityIssue

logger = logging.getLogger(__name__)

UPLOADED = gettext_noop("Uploaded")
UPLOADED_ALL_THE_SAME = Pattern(gettext_noop("Uploaded all the same: %(reason)s"))


class AlreadyThere(Exception):  # noqa: N818 — an answer, not a fault
    """The patient has this very file; `xray` is the row that holds it."""

    def __init__(self, xray: XRayImage) -> None:
        super().__init__(str(xray))
        self.xray = xray


class ContradictsPatientError(Refused):
    """The file may be another patient's: it is kept once somebody says why it is this one's all the same.

    `conflicts` are those of `whose`.
    """

    def __init__(self, conflicts: Mapping[str, str]) -> None:
        self.conflicts = dict(conflicts)
        question = _("Is it this patient’s all the same? Then send it again, and say why.")
        super().__init__(in_turn([*whose.in_words(conflicts), question]))


class Outcome(StrEnum):
    """What became of one file. BUSY is no answer yet: the same file may be sent again in a moment. ASKS is a question:
    it is kept when it is sent again with why it is this patient's all the same."""

    KEPT, THERE, REFUSED, BUSY, ASKS = "kept", "there", "refused", "busy", "asks"


@dataclass(frozen=True)
class Receipt:
    """What became of one file. `xray` is its row, None where `refusal` says why there is none.

    `contradictions` are sentences that ask for an answer: with `receive(…, confirmed_because=…)` it is kept.
    """

    name: str
    xray: XRayImage | None = None
    was_there: bool = False
    refusal: str = ""
    contradictions: tuple[str, ...] = ()
    is_busy: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        if self.contradictions:
            return Outcome.ASKS
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
    confirmed_because: str = "",
) -> Receipt:
    """Take one uploaded file in, or say why not. What the file says of itself goes before what was typed for it.

    A file that contradicts the patient waits for `confirmed_because`: why it is theirs all the same.
    """
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
            confirmed_because=confirmed_because,
        )
    except ContradictsPatientError as question:
        contradictions = tuple(whose.in_words(question.conflicts))
        return Receipt(name, refusal=str(question), contradictions=contradictions)
    except Refused as refusal:
        return Receipt(name, refusal=str(refusal), is_busy=isinstance(refusal, ingest.Busy))
    except AlreadyThere as already:
        return Receipt(name, already.xray, was_there=True)
    except Exception as error:  # whatever it is: the files beside it are good
        if waited_in_vain(error):
            message = _("Somebody else is writing very much at this moment. Send it again in a minute.")
            return Receipt(name, refusal=message, is_busy=True)
        logger.error("a film was not taken in: %s", told(error))  # and not its words, which may name a patient
        if is_full(error):
            return Receipt(name, refusal=str(none_left()))
        message = _(
            "Something went wrong with it here, and nothing of it was kept. Try again; the log says what it was."
        )
        return Receipt(name, refusal=message)
    return Receipt(name, xray, warnings=tuple(_warnings(xray, by)))


def store(
    picture: Picture,
    original: File,
    patient: Patient,
    *,
    by: User | None = None,
    confirmed_because: str = "",
    **details: Any,
) -> XRayImage:
    """Keep `picture` and the file it came from as an X-ray of `patient`; `details` are further fields of the row.

    Raises AlreadyThere, and ContradictsPatientError where nobody has confirmed whose it is. Leaves no file behind where
    the row fails, and so must own its transaction: a caller's rollback could not take the files back.
    """
    held = XRayImage.objects.visible().filter(patient=patient, sha256=picture.sha256)
    if twin := held.first():
        raise AlreadyThere(twin)
    found = whose.conflicts(picture.named, patient)
    if found and not confirmed_because:
        raise ContradictsPatientError(found)
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
        quality_rules=RULES,
        identity_conflict=found,
        theirs_because=confirmed_because[:THEIRS_BECAUSE_LENGTH] if found else "",
        is_read=True,
        uploaded_by=by,
        **columns_of(picture.facts),
        **details,
    )
    xray.renew_quality()
    if by is not None or found:
        why = UPLOADED_ALL_THE_SAME(REASON_LENGTH, reason=confirmed_because) if found else UPLOADED
        xray._history_user, xray._change_reason = by, why
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


def columns_of(facts: Facts) -> dict[str, Any]:
    """What a file says, by the columns that keep it."""
    said = {column.name: getattr(facts, column.name) for column in fields(facts)}
    return {"said_further": said.pop("further"), **said}


def _remove_files(xray: XRayImage) -> None:
    if xray.pixels:
        derived.forget(xray)
    for file in (xray.original, xray.pixels, xray.thumbnail):
        if file:
            file.delete(save=False)


def _warnings(xray: XRayImage, by: User | None) -> Iterator[str]:
    yield from whose.in_words(xray.identity_conflict)
    # Kept all the same: only a person knows which of the two records is the wrong one.
    yield from (twin.told for twin in twins.of(xray, by))
    if xray.quality_issues:
        issues = listed(QualityIssue(issue).label for issue in xray.quality_issues)
        yield _("The picture may not suit the models: %(issues)s.") % {"issues": issues}
