import sys
from typing import Any

from django.core.management.base import BaseCommand

from backoffice.jobs.registry import Check, check


class Command(BaseCommand):
    help = "Compares what is counted with what is there. Changes nothing; exits with 1 where something differs."

    def handle(self, **options: Any) -> None:
        found = sum(self.run_check(name, function) for name, function in check.all().items())
        if found:
            self.stdout.write(f"{found} differences.")
            sys.exit(1)

    def run_check(self, name: str, function: Check) -> int:
        """Print each difference as it is found, however many; returns how many that were."""
        found = 0
        for sentence in function():
            self.stdout.write(f"{name}: {sentence}")
            found += 1
        if not found:
            self.stdout.write(f"{name}: ok")
        return found
