from typing import Any

from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic.intake import differences, sync

TOLD = 20  # differences that are written out


class Command(BaseCommand):
    help = "Write every intake record anew, or (--check) compare each with what would be written."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="Change nothing; say what differs, and exit 1 where anything does."
        )

    def handle(self, *, check: bool, **options: Any) -> None:
        if check:
            self.check_records()
        else:
            self.rebuild()

    def rebuild(self) -> None:
        appointments = records = 0
        for batch in differences.batches():
            appointments += len(batch)
            records += sync.rebuild(batch)
        told = {"records": records, "appointments": appointments}
        self.stdout.write(
            _("%(records)d records written for %(appointments)d appointments; hidden ones have none.") % told
        )

    def check_records(self) -> None:
        found = 0
        for pk, what in differences.differences():
            found += 1
            if found <= TOLD:
                self.stdout.write(_("appointment %(key)d: %(what)s") % {"key": pk, "what": what})
        if found > TOLD:
            self.stdout.write(_("… and %(n)d more") % {"n": found - TOLD})
        if found:
            raise CommandError(
                ngettext(
                    "%d record differs. Mend it with: manage.py rebuild_intake",
                    "%d records differ. Mend them with: manage.py rebuild_intake",
                    found,
                )
                % found
            )
        self.stdout.write(_("Every record is as a rebuild would write it."))
