"""The quality of older films, at once: the worker does the same, a few each minute."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from imaging.measured_anew import MEASURED


class Command(BaseCommand):
    help = (
        "Measures by today's rules, from their files, what makes older films doubtful. Can be stopped and run again. "
        "Files that cannot be read are named in the log."
    )

    def handle(self, **options: Any) -> None:
        done = MEASURED.all()
        told = {"measured": sum(done), "not": len(done) - sum(done)}
        self.stdout.write(_("%(measured)d films measured, %(not)d not.") % told)
