from pathlib import Path

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from clinic.models import Patient
from imaging.storing import Receipt, receive


class Command(BaseCommand):
    help = (
        "Imports the X-rays in a folder, through the same door as the admin's upload. With --patient all are that "
        "patient's; without, each folder in it is named with its patient's national ID."
    )

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--patient", metavar="NATIONAL_ID", help="whose X-rays these are")

    def handle(self, *, folder: Path, patient: str | None, **options):
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        folders = (
            {patient: folder} if patient else {each.name: each for each in sorted(folder.iterdir()) if each.is_dir()}
        )
        # All patients first, so that a mistyped one is told before anything is imported.
        patients = {national_id: self._patient(national_id) for national_id in folders}
        receipts = [self._receive(path, patients[key]) for key, each in folders.items() for path in _files_in(each)]
        kept = sum(receipt.xray is not None and not receipt.was_there for receipt in receipts)
        refused = sum(receipt.xray is None for receipt in receipts)
        self.stdout.write(f"{kept} kept, {len(receipts) - kept - refused} already there, {refused} refused.")
        if refused:
            raise CommandError(f"{refused} of {len(receipts)} files were refused; the reasons are above.")

    def _patient(self, national_id: str) -> Patient:
        try:
            return Patient.objects.visible().get(national_id=national_id.upper())
        except Patient.DoesNotExist:
            raise CommandError(f"No patient has the national ID {national_id}. Nothing was imported.") from None

    def _receive(self, path: Path, patient: Patient) -> Receipt:
        with path.open("rb") as source:
            receipt = receive(File(source, name=path.name), patient)
        if receipt.xray is None:
            self.stderr.write(f"{path}: {receipt.refusal}")
        for warning in receipt.warnings:
            self.stderr.write(f"{path}: kept. {warning}")
        return receipt


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
