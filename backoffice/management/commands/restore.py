from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from backoffice.backups import keys, restoring
from backoffice.backups.bar import Bar
from backoffice.backups.errors import BackupError
from backoffice.backups.here import installation
from backoffice.backups.reading import Checked
from backoffice.records.dates import moment_in


class Command(BaseCommand):
    help = "Rebuilds an empty installation from an archive. Which that is the settings say: DATABASE_URL, DATA_DIR."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("archive", type=Path, metavar="ARCHIVE")
        parser.add_argument("--check", action="store_true", help="Only read it to its end; write nothing.")
        parser.add_argument(
            "--key", type=Path, metavar="FILE", help="Its private key; default BACKUP_PRIVATE_KEY_FILE."
        )

    def handle(self, *, archive: Path, check: bool, key: Path | None, **options: Any) -> None:
        do = restoring.check if check else restoring.restore
        with Bar() as bar:
            try:
                checked = do(archive, keys.identities(key), bar)
            except BackupError as error:
                raise CommandError(str(error.told)) from error
            except OSError as error:
                told = {"file": error.filename or archive, "why": error.strerror or error}
                raise CommandError(_("%(file)s: %(why)s.") % told) from error
        self.tell(checked, check=check)

    def tell(self, checked: Checked, *, check: bool) -> None:
        moment = moment_in(checked.about.made_at)
        told = {
            "rows": checked.manifest.rows,
            "files": checked.manifest.files,
            "made_at": date_format(localtime(moment), "DATETIME_FORMAT"),
        }
        said = _("It is whole: %(rows)d rows and %(files)d files of %(made_at)s.") if check else _("Restored: %(rows)d rows and %(files)d files of %(made_at)s.")  # noqa: E501  # fmt: skip
        self.stdout.write(said % told)
        if checked.about.installation != installation():
            self.stderr.write(_("It was made with another secret key than this place has: set DJANGO_SECRET_KEY to the one that was kept, or identifiers of DICOM results and links in the making are others."))  # noqa: E501  # fmt: skip
        if not check:
            self.stdout.write(_("Before the workers start: look at the mails that wait (Mails in the admin), which may have gone out since."))  # noqa: E501  # fmt: skip
