from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from backoffice.backups import keys
from backoffice.backups.errors import BackupError


class Command(BaseCommand):
    help = "Makes a pair of keys for backups: writes the private one into FILE, and prints the public one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            public = keys.make_pair(file)
        except BackupError as error:
            raise CommandError(str(error.told)) from error
        self.stdout.write(f"BACKUP_KEY={public}")
        told = _("The private key is in %(file)s. Keep it where this machine does not, twice: without it no backup is opened.")  # noqa: E501  # fmt: skip
        self.stderr.write(told % {"file": file})
