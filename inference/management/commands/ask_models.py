"""The quickest way to see the models work: picture files in, a table out, nothing stored.

As every command: exits with 1 where a part of what was asked was not done.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.translation import gettext as _

from backoffice.formats.lists import listed_apart, told_of
from backoffice.formats.terminal import cells, in_column
from imaging import ingest
from inference.calibrating import calibrated
from inference.confidences import confidence_told
from inference.demo import WEIGHTS
from inference.models import DiagnosticModel
from inference.nn.consensus import Consensus, Vote, decide
from inference.wording import in_words

if TYPE_CHECKING:  # torch
    from inference.nn.engine import ModelSpec


class Command(BaseCommand):
    help = "Ask the models that vote about picture files (PNG, JPEG, DICOM) and print a table. Stores nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *, files: list[Path], **options: Any) -> None:
        pictures, refused = self.read(files)
        if pictures:
            self.print_table(self.answers(pictures))
        for path, why in refused.items():
            self.stderr.write(told_of(path, why))
        if refused:
            told = {"n": len(refused), "all": len(files)}
            raise CommandError(_("%(n)d of %(all)d files were not answered.") % told)

    def read(self, files: list[Path]) -> tuple[dict[Path, ingest.Picture], dict[Path, str]]:
        pictures, refused = {}, {}
        for path in files:
            try:
                pictures[path] = ingest.read(path.read_bytes(), path.name)
            except (ingest.Refused, OSError) as error:
                refused[path] = str(error)
        return pictures, refused

    def answers(self, pictures: dict[Path, ingest.Picture]) -> dict[Path, tuple[list[Vote], Consensus]]:
        from imaging import pixels  # with torch, only here: printing this command's help needs neither
        from inference import suitability
        from inference.nn.engine import Ensemble

        grey = {path: pixels.decode(picture.pixels_png) for path, picture in pictures.items()}
        unlike = {path: why for path, one in grey.items() if (why := suitability.objection_to(one))}
        for path, why in unlike.items():
            said = [why, *self.said_of(pictures[path]), *suitability.flaws(pictures[path].quality_issues)]
            told = {"file": path.name, "why": listed_apart(in_words(said))}
            self.stdout.write(_("%(file)s has no answer: %(why)s") % told)
        asked = {path: picture for path, picture in pictures.items() if path not in unlike}
        if not asked:
            return {}
        specs, weights, demos, vectors = self.voting_models()
        ensemble = Ensemble(
            specs,
            device=settings.INFERENCE_DEVICE,
            memory_limit=settings.INFERENCE_MEMORY_LIMIT,
            tuned=settings.DATA_DIR / "tuned",
        )
        answers = ensemble.predict([grey[path] for path in asked], heatmaps=False)
        table = {}
        for (path, picture), given in zip(asked.items(), answers, strict=True):
            votes = [
                Vote(answer.model, calibrated(answer, vector).probabilities, weight, is_demo)
                for answer, weight, is_demo, vector in zip(given, weights, demos, vectors, strict=True)
            ]
            table[path] = (
                votes,
                decide(votes, settings.CONFIDENCE_THRESHOLD, picture.quality_issues, said=self.said_of(picture)),
            )
        return table

    def said_of(self, picture: ingest.Picture) -> list[dict]:
        from inference import suitability

        return suitability.reasons(picture.body_part, picture.view, picture.patient_age)

    def voting_models(self) -> tuple[list["ModelSpec"], list[float], list[bool], list[dict]]:
        """What is registered and votes; on a machine without a database, the demonstration models."""
        from inference.nn.model_files import read_ensemble
        from inference.voting import spec_of

        try:
            models = list(DiagnosticModel.objects.voting())
        except DatabaseError:
            models = []
        if models:
            weights, demos = [m.vote_weight for m in models], [m.is_demo for m in models]
            return [spec_of(m) for m in models], weights, demos, [m.vector_scaling for m in models]
        self.stderr.write(_("No model is registered here: the demonstration models answer."))
        specs = read_ensemble(WEIGHTS)
        return specs, [1.0] * len(specs), [True] * len(specs), [{}] * len(specs)

    def print_table(self, answers: dict[Path, tuple[list[Vote], Consensus]]) -> None:
        if not answers:
            return
        models = [vote.model for vote in next(iter(answers.values()))[0]]
        rows = [[_("file"), _("diagnosis"), _("confidence"), _("agree"), *models]]
        for path, (votes, consensus) in answers.items():
            said = [consensus.diagnosis, confidence_told(consensus.confidence), f"{consensus.agreement:.0%}"]
            said += [f"{vote.diagnosis} {confidence_told(max(vote.probabilities.values()))}" for vote in votes]
            rows.append([path.name, *said])
        widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            self.stdout.write("  ".join(map(in_column, row, widths)).rstrip())
        self.stdout.write("")
        for path, (_votes, consensus) in answers.items():
            if consensus.needs_review:
                told = {"file": path.name, "why": listed_apart(in_words(consensus.reasons))}
                self.stdout.write(_("%(file)s needs review: %(why)s") % told)
