import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext, ngettext

from backoffice.formats.lists import told_of
from backoffice.jobs.registry import Check, check


class Command(BaseCommand):
    help = "Compares what is counted with what is there. Changes nothing; exits with 1 where something differs."

    def add_arguments(self, parser: CommandParser) -> None:
        names = sorted(check.all())
        parser.add_argument("--without", nargs="+", default=[], choices=names, help="Leave these out.")

    def handle(self, **options: Any) -> None:
        asked = {name: function for name, function in check.all().items() if name not in options["without"]}
        found = sum(self.run_check(name, function) for name, function in asked.items())
        if found:
            self.stdout.write(ngettext("%d difference.", "%d differences.", found) % found)
            sys.exit(1)

    def run_check(self, name: str, function: Check) -> int:
        """Print each difference as it is found, however many; returns how many that were."""
        found = 0
        for sentence in function():
            self.stdout.write(told_of(gettext(name), sentence))
            found += 1
        if not found:
            self.stdout.write(told_of(gettext(name), gettext("ok")))
        return found
