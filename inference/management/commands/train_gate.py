"""Fits the gate to phantoms and drawn pictures, and says how it does on folders of real ones."""

from pathlib import Path
from typing import Any

from django.core.management import CommandParser
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Fit the gate that keeps what is no frontal chest film from a vote, and write its numbers to fixtures/."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--measure-only", action="store_true", help="Keep the numbers that stand.")
        parser.add_argument("--measure", type=Path, metavar="DIR", help="Say how many pictures in here are let in.")

    def handle(self, *, measure_only: bool, measure: Path | None, **options: Any) -> None:
        from inference.nn.gate import NUMBERS  # OpenCV, only here
        from inference.training import gate

        if not measure_only:
            gate.write(gate.train(), NUMBERS)
            self.stdout.write(f"Written: {NUMBERS}")
        if measure:
            kept_out, total = gate.kept_out(measure)
            self.stdout.write(f"{len(kept_out)} of {total} pictures in {measure} are kept out.")
            for path in kept_out:
                self.stdout.write(f"  {path}")
