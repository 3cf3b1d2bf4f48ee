"""What films' files say, at once: the worker does the same, a few each minute."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from imaging.read_anew import READ


class Command(BaseCommand):
    help = (
        "Reads from their files what is not known yet of older films: identifiers, device, day and time, and whether "
        "they contradict the patient. Can be stopped and run again. Files that cannot be read are named in the log."
    )

    def handle(self, **options: Any) -> None:
        done = READ.all()
        told = {"read": sum(done), "not": len(done) - sum(done)}
        self.stdout.write(_("%(read)d films read, %(not)d not.") % told)
