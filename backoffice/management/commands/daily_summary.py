import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.jobs import daily, summary
from backoffice.records.dates import parse_day


class Command(BaseCommand):
    help = "What a day was like, in numbers: keeps it, mails it to the administrators once, and prints it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--day", help="Another day than yesterday, such as 2026-11-29.")
        parser.add_argument("--dry-run", action="store_true", help="Only print it.")

    def handle(self, *, day: str | None, dry_run: bool, **options: Any) -> None:
        chosen = self.chosen(day)
        for section in summary.of(chosen):
            self.stdout.write(daily.told_in_text(section))
        if dry_run:
            return
        if chosen >= timezone.localdate():
            raise CommandError(_("This day is not over: use --dry-run, or ask for it tomorrow."))
        told = _("Kept, and mailed.") if daily.summarise(chosen) else _("There is a summary of %(day)s already.")
        self.stdout.write(told % {"day": date_format(chosen)})

    def chosen(self, day: str | None) -> datetime.date:
        if day is None:
            return timezone.localdate() - datetime.timedelta(days=1)
        try:
            return parse_day(day)
        except ValidationError as error:
            raise CommandError(error.messages[0]) from None
