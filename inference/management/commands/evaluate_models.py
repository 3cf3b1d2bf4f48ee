"""What trained models are worth on labelled films: at hospitals that they learned from, and at others beside it."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from inference.films import read_as_uploaded


class Command(BaseCommand):
    help = (
        "Measure the models in a folder on films; write figures and a picture of how far percentages can be believed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, metavar="DIR|MANIFEST", required=True, help="as train_models takes it")
        parser.add_argument("--models", type=Path, default=Path(settings.DATA_DIR) / "trained", metavar="DIR")
        parser.add_argument("--out", type=Path, metavar="DIR", help="where figures go (default: the models' folder)")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")

    def handle(self, *, data: Path, models: Path, out: Path | None, device: str, **options: Any) -> None:
        from inference.nn.backbones import WeightsError
        from inference.training import evaluation, films
        from inference.training.data import TrainingDataError
        from inference.training.ensemble import Skipped

        try:
            found = evaluation.evaluate(models, films.find(data, read_as_uploaded), device, Skipped(self.stderr.write))
        except OSError as error:
            raise CommandError(_("No models in %(folder)s: %(error)s") % {"folder": models, "error": error}) from error
        except (TrainingDataError, WeightsError, ValueError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(evaluation.page(found))
        evaluation.write(found, out or models)
        self.stdout.write(_("Written to %(folder)s.") % {"folder": out or models})
