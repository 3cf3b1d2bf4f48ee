"""X-rays from a folder. As every command: exits with 1 where a part of what was asked was not done."""

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from tqdm import tqdm

from backoffice.exchange.exporting import csv_lines
from backoffice.formats.lists import in_turn, told_of
from backoffice.records.mixins import HideableQuerySet
from clinic.identity import normalise_national_id
from clinic.models import Patient
from imaging import manifests
from imaging.models import XRayImage
from imaging.reading import MAX_DICOM_BYTES
from imaging.storing import Outcome, Receipt, receive

LAYOUT = gettext_lazy(
    "Say whose they are with --patient NATIONAL_ID or with --csv MANIFEST, or put each patient's films into a folder "
    "that is named with the patient's national ID: %(folder)s/A123456789/film.dcm."
)
MOST_TRIES, PAUSE = 6, 5  # of a file while too many are being read; seconds
INTERRUPTED = 130  # what shells call an end by Ctrl-C


@dataclass(frozen=True)
class Film:
    """A file, and whose film it is; `refusal` says why nobody can tell."""

    path: Path
    patient: Patient | None = None
    details: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""


class Command(BaseCommand):
    help = (
        "Imports the X-rays in a folder, through the same door as the admin's upload. With --patient all are that "
        "patient's; with --csv a table says whose each file is; without, the folder, or each folder in it, is named "
        "with its patient's national ID. What is here already is skipped, so that a second run goes on where the first "
        "was stopped. Exits with 1 where a file was refused or there was none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument("--patient", metavar="NATIONAL_ID", help="whose X-rays these are")
        whose.add_argument(
            "--csv",
            type=Path,
            metavar="MANIFEST",
            help="CSV or XLSX with a column file (the path within DIR) and patient_national_id, or patient_full_name "
            "and patient_date_of_birth; if you like view, taken_on, notes",
        )
        parser.add_argument(
            "--refusals",
            type=Path,
            metavar="FILE",
            help="where to write which files were refused, and why, as CSV; otherwise beside DIR, as DIR-refusals.csv",
        )

        parser.add_argument(
            "--confirmed-because", metavar="REASON", default="", help="keeps files that contradict their patient, too"
        )

    def handle(
        self, *, folder: Path, patient: str | None, csv: Path | None, refusals: Path | None, **options: Any
    ) -> None:
        self.confirmed_because: str = options["confirmed_because"]
        if not folder.is_dir():
            raise CommandError(_("%(folder)s is not a folder.") % {"folder": in_print(folder)})
        report = refusals or beside(folder)
        films = [film for film in self._films(folder, patient, csv) if film.path.resolve() != report.resolve()]
        if not films:
            told = _("There are no files in %(folder)s. Nothing was imported.")
            raise CommandError(in_turn(sentence % {"folder": in_print(folder)} for sentence in (told, LAYOUT)))
        self.outcomes: Counter[Outcome] = Counter()
        self.refused: list[tuple[str, str]] = []
        try:
            self._import(films)
        except KeyboardInterrupt:
            self._tell()
            self.stderr.write(_("Interrupted. The same command goes on from here: what is here already is skipped."))
            raise CommandError(_("Not all files were imported."), returncode=INTERRUPTED) from None
        finally:
            self._report(report, is_asked_for=refusals is not None)
        self._tell()
        if self.refused:
            told = _("%(n)d of %(all)d files were refused; the reasons are above, and in %(report)s.")
            facts = {"n": len(self.refused), "all": len(films), "report": in_print(report)}
            raise CommandError(told % facts)

    # -- Whose ---------------------------------------------------------------------------------------------------------

    def _films(self, folder: Path, patient: str | None, manifest: Path | None) -> list[Film]:
        if manifest:
            return list(self._films_of_manifest(folder, manifest))
        folders = {patient: folder} if patient else self._folders_by_patient(folder)
        # All patients first, so that a mistyped one is told before anything is imported.
        patients = {national_id: self._patient(national_id) for national_id in folders}
        return [Film(path, patients[key]) for key, each in folders.items() for path in _files_in(each)]

    def _films_of_manifest(self, folder: Path, manifest: Path) -> Iterator[Film]:
        try:
            named = manifests.read(manifest)
        except (manifests.UnreadableManifestError, OSError) as error:
            why = getattr(error, "strerror", None) or error
            raise CommandError(told_of(in_print(manifest), why)) from error
        missing = dict.fromkeys(named)
        for path in _files_in(folder):
            name = manifests.spelt(path.relative_to(folder).as_posix())
            missing.pop(name, None)
            if said := named.get(name):
                yield Film(path, said.patient, said.details, said.refusal)
            elif path.resolve() != manifest.resolve():
                yield Film(path, refusal=_("The manifest does not name it."))
        for name in missing:
            yield Film(folder / name, refusal=_("The manifest names it, and there is no such file."))

    def _folders_by_patient(self, folder: Path) -> dict[str, Path]:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        folders = [path for path in found if path.is_dir()]
        loose = len(found) - len(folders)
        if loose and not folders and _known(folder.resolve().name).exists():
            return {folder.resolve().name: folder}
        if loose:
            told = _(
                "Nobody can tell whose films lie in %(folder)s itself: it holds files (%(n)d) beside folders "
                "(%(folders)d). Nothing was imported."
            )
            facts = {"folder": in_print(folder), "n": loose, "folders": len(folders)}
            raise CommandError(in_turn(sentence % facts for sentence in (told, LAYOUT)))
        return {path.name: path for path in folders}

    def _patient(self, national_id: str) -> Patient:
        try:
            return _known(national_id).get()
        except Patient.DoesNotExist:
            told = _("No patient has the national ID %(national_id)s. Nothing was imported.")
            raise CommandError(told % {"national_id": in_print(national_id)}) from None

    # -- In ------------------------------------------------------------------------------------------------------------

    def _import(self, films: list[Film]) -> None:
        with tqdm(
            films, disable=None, leave=False, bar_format="{percentage:3.0f}% |{bar}| {n}/{total} {remaining}"
        ) as bar:
            for film in bar:
                receipt = self._receive(film)
                self.outcomes[receipt.outcome] += 1
                if receipt.xray is None:
                    self.refused.append((in_print(film.path), receipt.refusal))
                    self._say(film.path, receipt.refusal)
                for warning in receipt.warnings:
                    self._say(film.path, warning if receipt.was_there else in_turn([_("kept."), warning]))

    def _say(self, path: Path, what: str) -> None:
        with tqdm.external_write_mode():  # above the bar
            self.stderr.write(told_of(in_print(path), what))

    def _receive(self, film: Film) -> Receipt:
        if film.refusal or film.patient is None:
            return Receipt(film.path.name, refusal=film.refusal)
        try:
            source = film.path.open("rb")
        except OSError as error:
            return Receipt(film.path.name, refusal=_("It cannot be read: %(why)s.") % {"why": error.strerror})
        with source:
            return _already(source, film) or _received(source, film.patient, film, self.confirmed_because)

    # -- Told ----------------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        told = {
            "kept": self.outcomes[Outcome.KEPT],
            "there": self.outcomes[Outcome.THERE],
            "refused": len(self.refused),
        }
        self.stdout.write(_("%(kept)d kept, %(there)d already there, %(refused)d refused.") % told)

    def _report(self, report: Path, *, is_asked_for: bool) -> None:
        """What an earlier run has left beside the folder is renewed: it says what is refused by now."""
        if not (self.refused or is_asked_for or report.exists()):
            return
        try:
            report.write_text("".join(csv_lines([(_("file"), _("reason")), *self.refused])), encoding="utf-8")
        except OSError as error:
            told = _("The report cannot be written: %(why)s. Name another place with --refusals FILE.")
            self.stderr.write(told_of(in_print(report), told % {"why": error.strerror}))


def beside(folder: Path) -> Path:
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}-refusals.csv")


def in_print(path: Path | str) -> str:
    """As it may be written to a terminal and into a file: what no text can hold, or would control the line, escaped."""
    text = str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _known(national_id: str) -> HideableQuerySet:
    return Patient.objects.visible().filter(national_id=normalise_national_id(national_id)).exclude(national_id="")


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _already(source: BufferedReader, film: Film) -> Receipt | None:
    """Where the patient has the file, hidden or not: found before it is decoded, which takes a thousand times as long.

    A film that was hidden does not come back because somebody imports the folder again.
    """
    if os.fstat(source.fileno()).st_size > MAX_DICOM_BYTES:
        return None
    digest = hashlib.file_digest(source, "sha256").hexdigest()
    held = XRayImage.objects.filter(patient=film.patient, sha256=digest)
    twin = held.order_by(F("hidden_at").asc(nulls_first=True)).first()
    if twin is None:
        return None
    hidden = (_("It is here, but hidden: restore it in the list of X-rays."),) if twin.hidden_at else ()
    return Receipt(film.path.name, twin, was_there=True, warnings=hidden)


def _received(source: BufferedReader, patient: Patient, film: Film, confirmed_because: str) -> Receipt:
    """Waits where too many files are being read at this moment."""
    for _attempt in range(MOST_TRIES):
        source.seek(0)
        receipt = receive(
            File(source, name=film.path.name), patient, confirmed_because=confirmed_because, **film.details
        )
        if receipt.outcome != Outcome.BUSY:
            break
        time.sleep(PAUSE)
    return receipt
