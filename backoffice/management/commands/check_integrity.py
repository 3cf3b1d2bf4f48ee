import sys

from django.core.management.base import BaseCommand

from backoffice.jobs.registry import checks


class Command(BaseCommand):
    help = "Compares what is counted with what is there. Changes nothing; exits with 1 where something differs."

    def handle(self, **options):
        found = sum(self.run_check(name, check) for name, check in checks().items())
        if found:
            self.stdout.write(f"{found} differences.")
            sys.exit(1)

    def run_check(self, name: str, check) -> int:
        """Print each difference as it is found, however many; returns how many that were."""
        found = 0
        for sentence in check():
            self.stdout.write(f"{name}: {sentence}")
            found += 1
        if not found:
            self.stdout.write(f"{name}: ok")
        return found
