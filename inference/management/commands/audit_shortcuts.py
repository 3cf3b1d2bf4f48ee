"""Whether trained models answer by the border, by letters or by the hospital instead of by the lungs."""

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from inference.films import read_as_uploaded
from inference.nn.cards import ENSEMBLE_FILE


class Command(BaseCommand):
    help = "Put the models in a folder to trials that a network fails which cheats. Exits with 1 where one does."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--data", type=Path, metavar="DIR|MANIFEST", required=True, help="as train_models takes it")
        parser.add_argument("--models", type=Path, default=Path(settings.DATA_DIR) / "trained", metavar="DIR")
        parser.add_argument("--most", type=int, default=600, help="ask about so many films at most")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")

    def handle(self, *, data: Path, models: Path, most: int, device: str, **options: Any) -> None:
        from inference.nn.backbones import WeightsError
        from inference.training import shortcuts
        from inference.training.data import TrainingDataError

        try:
            found = {
                spec.name: shortcuts.audit(spec, device, labels, films)
                for spec, labels, films in self._fair(data, models, most)
            }
        except OSError as error:
            raise CommandError(_("No models in %(folder)s: %(error)s") % {"folder": models, "error": error}) from error
        except (TrainingDataError, WeightsError, ValueError) as error:
            raise CommandError(str(error)) from error
        for name, findings in found.items():
            self.stdout.write(f"{name}:")
            for finding in findings:
                verdict = _("takes a shortcut") if finding.is_exposed else _("takes none")
                self.stdout.write(f"  {verdict}: {finding.says}")
        told = {name: [finding.as_json() for finding in findings] for name, findings in found.items()}
        (models / "shortcuts.json").write_text(json.dumps(told, indent=2) + "\n")
        if exposed := sum(any(finding.is_exposed for finding in findings) for findings in found.values()):
            raise CommandError(_("%(n)d of %(all)d models take a shortcut.") % {"n": exposed, "all": len(found)})

    def _fair(self, data: Path, models: Path, most: int) -> Any:
        """Each model, the labels, and films with their pictures that it did not learn from."""
        from inference.nn.model_files import read_ensemble
        from inference.training import evaluation, films
        from inference.training.data import load_readable
        from inference.training.ensemble import Skipped

        found = films.find(data, read_as_uploaded)
        entries = json.loads((models / ENSEMBLE_FILE).read_text(encoding="utf-8"))["models"]
        skipped = Skipped(self.stderr.write)
        for spec, entry in zip(read_ensemble(models), entries, strict=True):
            asked = evaluation.divided(found, entry["training"])
            fair = films.some_of([*asked.within, *(s for some in asked.outside.values() for s in some)], most)
            yield spec, found.labels, list(load_readable(fair, skipped))
