import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.access import trail


class Command(BaseCommand):
    help = "Says whether the access trail is as it was sealed. Changes nothing; exits with 1 where it is not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("heads", nargs="*", metavar="HEAD", help="From paper: as a day's mail gave it, in quotes.")

    def handle(self, *, heads: list[str], **options: Any) -> None:
        gone = [printed for printed in heads if not self.is_linked(printed)]
        broken = list(trail.breaks())
        for sentence in broken:
            self.stdout.write(sentence)
        if broken or gone:
            sys.exit(1)
        if head := trail.head():
            told = _("Whole, up to batch %(number)d. Its head: %(head)s")
            self.stdout.write(told % {"number": head.number, "head": trail.as_printed(head.digest)})
        else:
            self.stdout.write(_("Nothing has been sealed yet."))

    def is_linked(self, printed: str) -> bool:
        try:
            link = trail.linked(printed)
        except ValueError:
            told = _("%(head)s is no head: copy the groups of four from the day's mail, four at least.")
            raise CommandError(told % {"head": printed}) from None
        if link is None:
            told = _("%(head)s stands in the chain no more: it was made anew, or cut, since this was printed.")
            self.stdout.write(told % {"head": printed})
            return False
        told = _("%(head)s is batch %(number)d, sealed %(when)s.")
        when = date_format(timezone.localtime(link.sealed_at), "SHORT_DATETIME_FORMAT")
        self.stdout.write(told % {"head": printed, "number": link.number, "when": when})
        return True
