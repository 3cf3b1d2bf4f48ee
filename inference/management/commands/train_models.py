"""Train on phantoms or on real films, and write weights, cards and figures."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from tqdm import tqdm

from backoffice.formats.kept import told as as_told
from backoffice.formats.lists import listed
from inference.films import read_as_uploaded
from inference.registry.registration import register_folder

PHANTOM_SIZE, PICTURE_SIZE = 96, 224
# Of a network of timm's: all of it, or the head alone; from nothing, or from weights that somebody else trained.
EPOCHS, HEAD_EPOCHS = 12, 20
FRESH_RATE, TUNING_RATE, HEAD_RATE = 1e-3, 3e-4, 3e-3
FITS = ("lungs", "even-lungs", "squash", "letterbox", "crop")
if TYPE_CHECKING:  # torch
    from inference.training.fitting import Recipe

SIZE_STEP = 32  # every family's patches and strides divide it


class Command(BaseCommand):
    help = "Train the ensemble's models; write safetensors, a card each and ensemble.json."

    def add_arguments(self, parser: CommandParser) -> None:
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--phantoms", action="store_true", help="on synthetic radiographs: a demonstration")
        source.add_argument(
            "--data",
            type=Path,
            metavar="DIR|MANIFEST",
            help="on films: a folder per class, or a CSV of file and label, and patient, source, view, age, split",
        )
        parser.add_argument("--out", type=Path, default=Path(settings.DATA_DIR) / "trained", metavar="DIR")
        parser.add_argument("--models", nargs="+", metavar="NAME", help="only these, such as ResNet-50")
        parser.add_argument("--epochs", type=int, help="for every model, in place of its own number")
        parser.add_argument("--size", type=int, help=f"input in pixels, a multiple of {SIZE_STEP}")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--pictures", type=int, default=4800, help="how many phantoms to train on")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument("--register", action="store_true", help="register what was trained; a worker tries it")
        films = parser.add_argument_group("on films")
        films.add_argument("--arch", metavar="NAME", help="this network of timm's, in place of the project's six")
        films.add_argument(
            "--init", type=Path, metavar="WEIGHTS", help="begin with these (.safetensors, .pth) for --arch"
        )
        films.add_argument("--freeze", action="store_true", help="train the head alone, on what --init's body says")
        films.add_argument("--rate", type=float, help="the highest learning rate, for --arch")
        films.add_argument(
            "--plant",
            action="store_true",
            help="learn from films beside others of their source, and from planted opacities",
        )
        films.add_argument(
            "--fit", choices=FITS, help="what of a film is shown (default: even-lungs with --plant, else lungs)"
        )
        films.add_argument("--per-epoch", type=int, metavar="N", help="how many films an epoch is (default: all)")
        films.add_argument("--patience", type=int, default=5, help="epochs without progress before it stops")
        films.add_argument("--leave-out", nargs="+", default=[], metavar="SOURCE", help="measure on these alone")
        films.add_argument(
            "--leave-one-out", action="store_true", help="leave out each source in turn, and choose by it"
        )
        films.add_argument(
            "--together",
            nargs="+",
            action="append",
            default=[],
            metavar="SOURCE",
            help="sources that are one hospital, and are left out together; may be given again",
        )

    def handle(self, **options: Any) -> None:
        from inference.nn.backbones import WeightsError
        from inference.training.data import TrainingDataError

        started = time.monotonic()
        size = options["size"] or (PHANTOM_SIZE if options["phantoms"] else PICTURE_SIZE)
        self._check(size, options)
        try:
            made = (self._on_films if options["data"] else self._on_phantoms)(size, options)
        except (TrainingDataError, WeightsError, ValueError) as error:
            raise CommandError(as_told(error)) from error
        self._print_figures(made)
        minutes = (time.monotonic() - started) / 60
        self._say(_("Written to %(folder)s in %(minutes).1f minutes.") % {"folder": options["out"], "minutes": minutes})
        if options["register"]:
            for model in register_folder(options["out"]):
                self._say(_("Registered: %(model)s.") % {"model": model})

    def _on_phantoms(self, size: int, options: Mapping[str, Any]) -> dict[str, Any]:
        from inference.training.data import phantoms
        from inference.training.ensemble import Run, train_ensemble

        train = options["pictures"]
        run = Run(
            split=phantoms(options["seed"], train, max(8, train // 8), max(8, train // 6)),
            recipes=self._recipes(options["models"], options["epochs"]),
            size=size,
            seed=options["seed"],
            command=self._as_typed(options),
            device=options["device"],
        )
        return train_ensemble(run, options["out"], self._say)

    def _on_films(self, size: int, options: Mapping[str, Any]) -> dict[str, Any]:
        from inference.nn.preprocessing import Fit, Preprocessing
        from inference.training import films
        from inference.training.on_films import FilmsRun, train_on_films

        found = films.find(options["data"], read_as_uploaded)
        films.check_sources(found, options["leave_out"])
        groups = films.groups(found, options["together"]) if options["leave_one_out"] else []
        groups = [group for group in groups if not set(group) <= set(options["leave_out"])]
        if options["leave_one_out"] and len(groups) < 2:
            raise CommandError(_("--leave-one-out needs films of two sources or more, named in a manifest."))
        fit = Fit(options["fit"] or (Fit.EVEN_LUNGS if options["plant"] else Fit.LUNGS))
        run = FilmsRun(
            films=found,
            recipes=self._architecture(options)
            if options["arch"]
            else self._recipes(options["models"], options["epochs"]),
            size=size,
            seed=options["seed"],
            command=self._as_typed(options),
            preprocessing=Preprocessing(fit, clahe=fit is not Fit.EVEN_LUNGS),
            leave_out=tuple(options["leave_out"]),
            groups=tuple(groups),
            per_epoch=options["per_epoch"],
            patience=options["patience"],
            plant=options["plant"],
            together=tuple(group for group in films.groups(found, options["together"]) if len(group) > 1),
            device=options["device"],
        )
        with tqdm(total=100, unit="%", bar_format="{desc} {bar} {n:.0f} %", disable=None) as bar:

            def show(what: str, share: float) -> None:
                bar.set_description_str(what, refresh=False)
                bar.update(100 * share - bar.n)

            return train_on_films(run, options["out"], self._say, show)

    def _architecture(self, options: Mapping[str, Any]) -> "list[Recipe]":
        from inference.training.fitting import Recipe
        from inference.training.starting import takes_image_size

        name = options["arch"]
        rate = options["rate"] or (HEAD_RATE if options["freeze"] else TUNING_RATE if options["init"] else FRESH_RATE)
        return [
            Recipe(
                name,
                name,
                epochs=options["epochs"] or (HEAD_EPOCHS if options["freeze"] else EPOCHS),
                learning_rate=rate,
                takes_image_size=takes_image_size(name),
                initial=options["init"],
                frozen=options["freeze"],
            )
        ]

    def _check(self, size: int, options: Mapping[str, Any]) -> None:
        if size < 2 * SIZE_STEP or size % SIZE_STEP:
            raise CommandError(_("--size must be a multiple of %(step)d, 64 or more.") % {"step": SIZE_STEP})
        for name in ("epochs", "pictures", "per_epoch", "patience"):
            if options[name] is not None and options[name] < 1:
                raise CommandError(_("--%(name)s must be 1 or more.") % {"name": name})
        if options["seed"] < 0:
            raise CommandError(_("--seed must be 0 or more."))
        if (options["init"] or options["freeze"]) and not options["arch"]:
            raise CommandError(_("--init and --freeze need --arch: whose weights they are."))
        if options["freeze"] and not options["init"]:
            raise CommandError(_("--freeze needs --init: a body that has learned nothing says nothing."))
        if options["plant"] and options["freeze"]:
            raise CommandError(_("--plant trains all of a network, --freeze its head alone; give one of them."))
        if options["phantoms"] and any(options[n] for n in ("arch", "plant", "leave_out", "leave_one_out")):
            raise CommandError(_("--arch, --plant and leaving sources out are for --data."))

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
        if options["init"]:
            parts.append(f"--init {options['init'].name}")
        parts += [f"--together {' '.join(some)}" for some in options["together"]]
        for name in ("arch", "models", "leave_out", "per_epoch", "epochs", "size", "seed", "rate"):
            if value := options[name]:
                told = " ".join(value) if isinstance(value, list) else value
                parts.append(f"--{name.replace('_', '-')} {told}")
        parts += [f"--{name.replace('_', '-')}" for name in ("freeze", "plant", "leave_one_out") if options[name]]
        if options["phantoms"]:
            parts.append(f"--pictures {options['pictures']}")
        elif options["fit"]:
            parts.append(f"--fit {options['fit']}")
        return " ".join(parts)

    def _print_figures(self, made: Mapping[str, Any]) -> None:
        rows = [(entry["name"], entry["metrics"]) for entry in made["models"]]
        for name, figures in [*rows, (_("consensus"), made["consensus"])]:
            self._say(f"{name:<18} {figures['accuracy']:7.1%}  log loss {figures['log_loss']:.3f}")
        if "outside" in made["consensus"]:
            self._print_beside(made)

    def _print_beside(self, made: Mapping[str, Any]) -> None:
        from inference.nn.cards import beside

        for entry in made["models"]:
            self._say(f"\n{entry['name']}\n\n{beside(entry['metrics'], entry['metrics']['outside'])}")

    def _say(self, line: str) -> None:
        with tqdm.external_write_mode():  # above the bar
            self.stdout.write(line)
            self.stdout.flush()
