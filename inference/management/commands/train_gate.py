"""Fits the gate to phantoms and drawn pictures, and says how it does on folders of real ones."""

from pathlib import Path
from typing import Any

from django.core.management import CommandParser
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Fit the gate that keeps what is no frontal chest film from a vote, and write its numbers to fixtures/."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--measure-only", action="store_true", help="Keep the numbers that stand.")
        parser.add_argument("--draw", type=int, metavar="N", help="Draw N of each kind, and say how many are let in.")
        parser.add_argument("--measure", type=Path, metavar="DIR", help="Say how many pictures in here are let in.")

    def handle(self, *, measure_only: bool, draw: int | None, measure: Path | None, **options: Any) -> None:
        from inference.nn.gate import NUMBERS  # OpenCV, only here
        from inference.training import gate

        if not measure_only:
            gate.write(gate.train(), NUMBERS)
            self.stdout.write(f"Written: {NUMBERS}")
        if draw:
            counts = gate.let_in(draw)
            through, total = (sum(numbers) for numbers in zip(*counts.values(), strict=True))
            self.stdout.write(f"{through} of {total} new drawings are let in ({1 - through / total:.1%} are refused).")
            for kind, (some, all_of_kind) in counts.items():
                self.stdout.write(f"  {kind}: {some} of {all_of_kind}")
        if measure:
            kept_out, total = gate.kept_out(measure)
            self.stdout.write(f"{len(kept_out)} of {total} pictures in {measure} are kept out.")
            for path in kept_out:
                self.stdout.write(f"  {path}")
