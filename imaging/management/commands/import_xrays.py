"""X-rays from a folder. As every command: exits with 1 where a part of what was asked was not done."""

from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.formats.lists import in_turn, told_of
from backoffice.records.mixins import HideableQuerySet
from clinic.identity import normalise_national_id
from clinic.models import Patient
from imaging.storing import Receipt, receive

LAYOUT = gettext_lazy(
    "Say whose they are with --patient NATIONAL_ID, or put each patient's films into a folder that is named with the "
    "patient's national ID: %(folder)s/A123456789/film.dcm."
)


class Command(BaseCommand):
    help = (
        "Imports the X-rays in a folder, through the same door as the admin's upload. With --patient all are that "
        "patient's; without, the folder, or each folder in it, is named with its patient's national ID. "
        "Exits with 1 where a file was refused or there was none."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--patient", metavar="NATIONAL_ID", help="whose X-rays these are")

        parser.add_argument(
            "--confirmed-because", metavar="REASON", default="", help="keeps files that contradict their patient, too"
        )

    def handle(self, *, folder: Path, patient: str | None, confirmed_because: str, **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(_("%(folder)s is not a folder.") % {"folder": folder})
        folders = {patient: folder} if patient else self._folders_by_patient(folder)
        # All patients first, so that a mistyped one is told before anything is imported.
        patients = {national_id: self._patient(national_id) for national_id in folders}
        receipts = [
            self._receive(path, patients[key], confirmed_because)
            for key, each in folders.items()
            for path in _files_in(each)
        ]
        if not receipts:
            nothing = _("There are no files in %(folder)s. Nothing was imported.")
            raise CommandError(in_turn(sentence % {"folder": folder} for sentence in (nothing, LAYOUT)))
        kept = sum(receipt.xray is not None and not receipt.was_there for receipt in receipts)
        refused = sum(receipt.xray is None for receipt in receipts)
        told = {"kept": kept, "there": len(receipts) - kept - refused, "refused": refused}
        self.stdout.write(_("%(kept)d kept, %(there)d already there, %(refused)d refused.") % told)
        if refused:
            told = {"n": refused, "all": len(receipts)}
            raise CommandError(_("%(n)d of %(all)d files were refused; the reasons are above.") % told)

    def _folders_by_patient(self, folder: Path) -> dict[str, Path]:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        folders = [path for path in found if path.is_dir()]
        loose = len(found) - len(folders)
        if loose and not folders and _known(folder.resolve().name).exists():
            return {folder.resolve().name: folder}
        if loose:
            told = _(
                "Nobody can tell whose films lie in %(folder)s itself: %(n)d files beside %(folders)d folders. "
                "Nothing was imported."
            )
            facts = {"folder": folder, "n": loose, "folders": len(folders)}
            raise CommandError(in_turn(sentence % facts for sentence in (told, LAYOUT)))
        return {path.name: path for path in folders}

    def _patient(self, national_id: str) -> Patient:
        try:
            return _known(national_id).get()
        except Patient.DoesNotExist:
            told = _("No patient has the national ID %(national_id)s. Nothing was imported.")
            raise CommandError(told % {"national_id": national_id}) from None

    def _receive(self, path: Path, patient: Patient, confirmed_because: str) -> Receipt:
        try:
            source = path.open("rb")
        except OSError as error:
            receipt = Receipt(path.name, refusal=_("It cannot be read: %(why)s.") % {"why": error.strerror})
        else:
            with source:
                receipt = receive(File(source, name=path.name), patient, confirmed_because=confirmed_because)
        if receipt.xray is None:
            self.stderr.write(told_of(path, receipt.refusal))
        for warning in receipt.warnings:
            self.stderr.write(told_of(path, in_turn([_("kept."), warning])))
        return receipt


def _known(national_id: str) -> HideableQuerySet:
    return Patient.objects.visible().filter(national_id=normalise_national_id(national_id)).exclude(national_id="")


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
