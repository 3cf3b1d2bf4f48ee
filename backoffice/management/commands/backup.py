from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.backups import recorded
from backoffice.backups.bar import Bar
from backoffice.backups.errors import BackupError
from backoffice.formats.lists import listed

SHOWN = 3


class Command(BaseCommand):
    help = "Writes database and private files into one archive, while people work, and prints its path."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=settings.BACKUP_FOLDER, metavar="FOLDER")

    def handle(self, *, folder: Path, **options: Any) -> None:
        with Bar() as bar:
            try:
                made = recorded.back_up(folder.absolute(), bar)
            except BackupError as error:
                raise CommandError(str(error.told)) from error
        if n := len(made.missing):
            told = ngettext(
                "%(n)d file that the database names was not there, and is in no backup: %(names)s",
                "%(n)d files that the database names were not there, and are in no backup: %(names)s",
                n,
            )
            self.stderr.write(told % {"n": n, "names": listed(made.missing[:SHOWN])})
        if made.thinned:
            self.stderr.write(_("Older ones that have had their time were removed: %(names)s") % {"names": listed(made.thinned)})  # noqa: E501  # fmt: skip
        self.stdout.write(str(made.path))
