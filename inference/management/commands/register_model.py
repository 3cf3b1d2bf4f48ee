"""Bring a model of one's own: a safetensors file with its description, or a folder that `train_models` wrote.

It is tried here and now, then answers in the shadow; an administrator accepts it. As every command: exits with 1 where
a part of what was asked was not done.
"""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils.translation import gettext as _

from backoffice.formats.kept import told as as_told
from backoffice.formats.lists import in_turn, told_of
from inference.models import DiagnosticModel
from inference.nn.cards import ENSEMBLE_FILE
from inference.registry import registration
from inference.registry.finding_words import in_words
from inference.registry.registration import CardError
from inference.registry.registration_form import IMAGENET, RegistrationForm

FLAGS = ("name", "version", "architecture", "labels", "options", "input_size", "mean", "std")


class Command(BaseCommand):
    help = "Register a model: weights as safetensors with their description, or a folder with ensemble.json."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("weights", type=Path, metavar="FILE|FOLDER")
        parser.add_argument("--name", help="what it is called; of a name that is there, this is a new version")
        parser.add_argument("--model-version", dest="version", metavar="VERSION", help="default: the next number")
        parser.add_argument("--architecture", help="timm's name, such as resnet50")
        parser.add_argument("--labels", nargs="+", metavar="LABEL", help="of each output, in order; or NAME=DIAGNOSIS")
        parser.add_argument("--options", metavar="JSON", help="keyword arguments for timm")
        parser.add_argument("--input-size", type=int, metavar="N", help="edge in pixels (default 224)")
        parser.add_argument("--mean", nargs="+", help="of pixels in 0–1, one number or three (default: ImageNet's)")
        parser.add_argument("--std", nargs="+")
        parser.add_argument("--fit", choices=DiagnosticModel.Fit.values, default="squash")
        parser.add_argument("--interpolation", choices=DiagnosticModel.Interpolation.values, default="area")
        parser.add_argument("--no-clahe", action="store_true", help="its pictures were not evened out")
        parser.add_argument("--crop-share", type=float, default=1.0, help="0.875: the middle 224 of 256")
        parser.add_argument("--temperature", type=float, default=1.0)
        parser.add_argument("--weight", type=float, default=1.0, help="of its vote")
        parser.add_argument("--demo", action="store_true", help="trained on synthetic pictures")
        parser.add_argument("--inactive", action="store_true", help="set aside: it does not answer in the shadow yet")
        parser.add_argument("--no-wait", action="store_true", help="leave the trying to a worker")

    def handle(self, *, weights: Path, no_wait: bool, **options: Any) -> None:
        forms = self.of_folder(weights, options) if weights.is_dir() else [self.of_file(weights, options)]
        registered = [self.register(path, data, no_wait) for path, data in forms]
        if not all(registered):
            told = {"n": registered.count(False), "all": len(registered)}
            raise CommandError(_("%(n)d of %(all)d models cannot be used.") % told)

    def of_file(self, weights: Path, options: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
        if missing := [f"--{flag}" for flag in ("name", "architecture", "labels") if not options[flag]]:
            raise CommandError(_("Say also: %(flags)s.") % {"flags": " ".join(missing)})
        usual = {"input_size": 224, "options": "{}", **IMAGENET}
        return weights, {**usual, **self.said(options), **self.choices(options)}

    def of_folder(self, folder: Path, options: dict[str, Any]) -> list[tuple[Path, dict[str, Any]]]:
        card = folder / ENSEMBLE_FILE
        try:
            entries = registration.entries_of(card.read_bytes())
        except (OSError, CardError) as error:
            raise CommandError(
                _("%(card)s does not describe models: %(why)s.") % {"card": card, "why": error}
            ) from error
        if len(entries) > 1 and self.said(options):
            raise CommandError(_("The folder describes several models: its card says what each is, and no flag does."))
        return [(folder / Path(str(entry.get("file", ""))).name, self.of_entry(entry, options)) for entry in entries]

    def of_entry(self, entry: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        typed = {**self.choices(options), **self.said(options)}
        return {**typed, "card": entry}

    def said(self, options: dict[str, Any]) -> dict[str, Any]:
        given = {flag: options[flag] for flag in FLAGS if options[flag] is not None}
        lists = {
            flag: "\n".join(value) if flag == "labels" else ", ".join(value)
            for flag, value in given.items()
            if isinstance(value, list)
        }
        return given | lists

    def choices(self, options: dict[str, Any]) -> dict[str, Any]:
        return {
            "fit": options["fit"],
            "interpolation": options["interpolation"],
            "clahe": not options["no_clahe"],
            "crop_share": options["crop_share"],
            "temperature": options["temperature"],
            "vote_weight": options["weight"],
            "is_demo": options["demo"],
            "set_aside": options["inactive"],
        }

    def register(self, path: Path, data: dict[str, Any], no_wait: bool) -> bool:
        """Whether it is registered and, if it was tried, can be used."""
        with ExitStack() as files:
            try:
                sent = {"weights": File(files.enter_context(path.open("rb")), name=path.name)}
            except OSError as error:
                raise CommandError(_("%(file)s: %(why)s.") % {"file": path, "why": error.strerror}) from error
            if entry := data.pop("card", None):
                sent["card"] = ContentFile(json.dumps(entry).encode(), name=ENSEMBLE_FILE)
            form = RegistrationForm(data, sent)
            if not form.is_valid():
                self.stderr.write(told_of(path.name, in_turn(_errors(form))))
                return False
            try:
                model = form.register(wake=no_wait)
            except IntegrityError as error:
                raise CommandError(_("Somebody has registered this version at this moment. Try again.")) from error
        told = {"name": model.name, "version": model.version, "stage": model.get_stage_display()}
        self.stdout.write(_("%(name)s, version %(version)s, is registered: %(stage)s.") % told)
        if no_wait:
            self.stdout.write(_("A worker tries it; its page shows what was found."))
            return True
        return self.tried(model)

    def tried(self, model: DiagnosticModel) -> bool:
        from inference.registry import checking  # torch, which printing this command's help does not need

        checking.check(model, self.progress)
        self.stdout.write("")
        if model.check_error:
            for sentence in in_words(model.findings) or [as_told(model.check_error)]:
                self.stderr.write(sentence)
            return False
        trial = model.trial
        told = {
            "millions": trial["parameters"] / 1e6,
            "milliseconds": trial["milliseconds"],
            "device": trial["device"],
            "dtype": trial["dtype"],
        }
        self.stdout.write(
            _(
                "It answers: %(millions).1f million parameters, %(milliseconds).0f ms a picture on %(device)s in "
                "%(dtype)s."
            )
            % told
        )
        return True

    def progress(self, percent: int) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\r{percent:3d} %", ending="")
            self.stdout.flush()


def _errors(form: RegistrationForm) -> list[str]:
    return [
        told_of(form.fields[name].label, message) if name in form.fields else str(message)
        for name, messages in form.errors.items()
        for message in messages
    ]
