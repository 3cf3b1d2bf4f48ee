"""What films' files say, at once: the worker does the same, a few each minute."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from imaging import read_anew


class Command(BaseCommand):
    help = (
        "Reads from their files what is not known yet of older films: identifiers, device, day and time, and whether "
        "they contradict the patient. Can be stopped and run again. Files that cannot be read are named in the log."
    )

    def handle(self, **options: Any) -> None:
        done = [read_anew.read(film) for film in read_anew.waiting()]
        told = {"read": sum(done), "not": len(done) - sum(done)}
        self.stdout.write(_("%(read)d films read, %(not)d not.") % told)
