import re
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from backoffice.access import trail
from backoffice.formats.lists import told_of
from backoffice.sealing import rewriting
from backoffice.sealing.keys import keys


class Command(BaseCommand):
    help = "Seals by the first key of FIELD_KEYS what an older one sealed, while people work. Run it again: it goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--forget", metavar="KEY", help="Give up what this key sealed, which is lost for good.")

    def handle(self, *, forget: str | None, **options: Any) -> None:
        if forget:
            self.forget(forget)
        unread = 0
        for column in rewriting.columns():
            done = failed = 0
            for rewritten, unreadable in rewriting.sealed_anew(column):
                done, failed = done + rewritten, failed + unreadable
                self.stdout.write(told_of(str(column), _("%(n)d sealed anew") % {"n": done}))
            unread += failed
        trail.seal_anew()
        self.tell(unread)

    def forget(self, name: str) -> None:
        if not re.fullmatch("[0-9a-f]{8}", name):
            raise CommandError(_("%(name)s is no key's name: see check_integrity.") % {"name": name})
        if name in {key.name for key in keys()}:
            raise CommandError(_("The key %(name)s is in FIELD_KEYS: nothing of it is lost.") % {"name": name})
        for column in rewriting.columns():
            given_up = _("%(n)d given up") % {"n": rewriting.forgotten(column, name)}
            self.stdout.write(told_of(str(column), given_up))

    def tell(self, unread: int) -> None:
        if unread:
            told = _("%(n)d values are not read by any key of FIELD_KEYS, and stay as they are: see check_integrity.")
            raise CommandError(told % {"n": unread})
        if rewriting.is_anything_stale():
            raise CommandError(_("Somebody sealed by an older key meanwhile: start every process anew, then this."))
        told = _("All is sealed by the key %(name)s.") % {"name": keys()[0].name}
        if len(keys()) > 1:
            told = _(
                "All is sealed by the key %(name)s. Take %(old)s out of FIELD_KEYS on every machine, start the "
                "processes anew, and keep it as long as backups that are sealed by it."
            ) % {"name": keys()[0].name, "old": keys()[1].name}
        self.stdout.write(told)
