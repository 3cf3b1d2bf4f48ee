from typing import Any

from django.core.management import CommandParser
from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from backoffice.formats.lists import told_of
from backoffice.jobs.registry import purge


class Command(BaseCommand):
    help = "Takes out what has had its time: old access events, sent mails, abandoned imports, expired sessions …"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count what would be taken out.")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        for what, function in purge.all().items():
            count = function(dry_run=dry_run)
            became = _("%(n)d to take out") if dry_run else _("%(n)d taken out")
            self.stdout.write(told_of(_(what), became % {"n": count}))
