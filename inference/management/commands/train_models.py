"""Train the ensemble on phantoms or on a folder per class, and write weights, cards and figures."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from backoffice.formats.kept import told as as_told
from backoffice.formats.lists import listed

PHANTOM_SIZE, PICTURE_SIZE = 96, 224
if TYPE_CHECKING:  # torch
    from inference.training.data import Split
    from inference.training.fitting import Recipe

SIZE_STEP = 32  # every family's patches and strides divide it


class Command(BaseCommand):
    help = "Train the ensemble's models; write safetensors, a card each and ensemble.json."

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--phantoms", action="store_true", help="on synthetic radiographs: a demonstration")
        source.add_argument("--data", type=Path, metavar="DIR", help="on a folder per class, named for the class")
        parser.add_argument("--out", type=Path, default=Path(settings.DATA_DIR) / "trained", metavar="DIR")
        parser.add_argument("--models", nargs="+", metavar="NAME", help="only these, such as ResNet-50")
        parser.add_argument("--epochs", type=int, help="for every model, in place of its own number")
        parser.add_argument("--size", type=int, help=f"input in pixels, a multiple of {SIZE_STEP}")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--pictures", type=int, default=4800, help="how many phantoms to train on")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")

    def handle(self, **options: Any) -> None:
        from inference.nn.backbones import WeightsError
        from inference.training.data import TrainingDataError
        from inference.training.ensemble import Run, train_ensemble

        started = time.monotonic()
        size = options["size"] or (PHANTOM_SIZE if options["phantoms"] else PICTURE_SIZE)
        self._check(size, options)
        try:
            run = Run(
                split=self._split(options),
                recipes=self._recipes(options["models"], options["epochs"]),
                size=size,
                seed=options["seed"],
                command=self._as_typed(options),
                device=options["device"],
            )
            made = train_ensemble(run, options["out"], self._say)
        except (TrainingDataError, WeightsError, ValueError) as error:
            raise CommandError(as_told(error)) from error
        self._print_figures(made)
        minutes = (time.monotonic() - started) / 60
        self._say(_("Written to %(folder)s in %(minutes).1f minutes.") % {"folder": options["out"], "minutes": minutes})

    def _check(self, size: int, options: Mapping[str, Any]) -> None:
        if size < 2 * SIZE_STEP or size % SIZE_STEP:
            raise CommandError(_("--size must be a multiple of %(step)d, 64 or more.") % {"step": SIZE_STEP})
        for name in ("epochs", "pictures"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(_("--%(name)s must be 1 or more.") % {"name": name})
        if options["seed"] < 0:
            raise CommandError(_("--seed must be 0 or more."))

    def _split(self, options: Mapping[str, Any]) -> "Split":
        from inference.training import data

        if options["data"]:
            return data.folder_per_class(options["data"], options["seed"], _read_as_uploaded)
        train = options["pictures"]
        return data.phantoms(options["seed"], train, max(8, train // 8), max(8, train // 6))

    def _recipes(self, names: Sequence[str] | None, epochs: int | None) -> "list[Recipe]":
        from inference.training.ensemble import RECIPES

        known = {recipe.name: recipe for recipe in RECIPES}
        if unknown := sorted(set(names or ()) - known.keys()):
            raise CommandError(
                _("Unknown models: %(unknown)s. Known: %(known)s.")
                % {"unknown": listed(unknown), "known": listed(known)}
            )
        chosen = [known[name] for name in names] if names else RECIPES
        return [replace(recipe, epochs=epochs) for recipe in chosen] if epochs else list(chosen)

    def _as_typed(self, options: Mapping[str, Any]) -> str:
        """The command for the model card, without this machine's folders."""
        parts = ["train_models", "--phantoms" if options["phantoms"] else f"--data {options['data'].name}"]
        for name in ("models", "epochs", "size", "seed"):
            if options[name]:
                value = " ".join(options[name]) if name == "models" else options[name]
                parts.append(f"--{name} {value}")
        if options["phantoms"]:
            parts.append(f"--pictures {options['pictures']}")
        return " ".join(parts)

    def _print_figures(self, made: Mapping[str, Any]) -> None:
        rows = [(entry["name"], entry["metrics"]) for entry in made["models"]]
        for name, figures in [*rows, (_("consensus"), made["consensus"])]:
            self._say(f"{name:<18} {figures['accuracy']:7.1%}  log loss {figures['log_loss']:.3f}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _read_as_uploaded(path: Path) -> np.ndarray:
    """A picture file as grey pixels, through the door that uploads come through: a model is trained on what it
    will be asked about."""
    from imaging import dicom, raster
    from imaging.decoded import Refused

    data = path.read_bytes()
    try:
        return (dicom.read(data) if dicom.is_dicom(data) else raster.read(data)).grey
    except Refused as refusal:
        raise ValueError(str(refusal)) from refusal
