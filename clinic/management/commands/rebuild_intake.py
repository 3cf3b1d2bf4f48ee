from typing import Any

from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError

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
        self.stdout.write(f"{records} records written for {appointments} appointments; hidden ones have none.")

    def check_records(self) -> None:
        found = 0
        for pk, what in differences.differences():
            found += 1
            if found <= TOLD:
                self.stdout.write(f"appointment {pk}: {what}")
        if found > TOLD:
            self.stdout.write(f"… and {found - TOLD} more")
        if found:
            raise CommandError(f"{found} records differ. Mend them with: manage.py rebuild_intake")
        self.stdout.write("Every record is as a rebuild would write it.")
