"""A PyTorch checkpoint as safetensors: once, by a process that it can do nothing to."""

import os
import secrets
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import CommandParser
from django.core.management.base import BaseCommand, CommandError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from backoffice.files import apart
from backoffice.files.apart import Undone, Why
from backoffice.formats.lists import listed
from inference.registry.nursery import KIND, nurse

TASK = "inference.nn.checkpoints:converted"


class Command(BaseCommand):
    help = "Convert a PyTorch checkpoint (.pth, .pt, .ckpt) into safetensors, for register_model."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("out", type=Path, metavar="OUT", help="the safetensors file to write")
        parser.add_argument("--architecture", default="", metavar="NAME", help="timm's name, where it is not guessed")
        parser.add_argument("--force", action="store_true", help="write over OUT")

    def handle(self, *, file: Path, out: Path, architecture: str, force: bool, **options: Any) -> None:
        if out.exists() and not force:
            raise CommandError(_("%(file)s is there already. Name another file, or add --force.") % {"file": out})
        try:
            found = self.convert(file, out, architecture)
        except OSError as error:
            told = {"file": error.filename or file, "why": error.strerror}
            raise CommandError(_("%(file)s: %(why)s.") % told) from error
        except Undone as undone:
            raise CommandError(_why_not(undone)) from undone
        if "refused" in found:
            raise CommandError(_refusal(found))
        self.tell(found, out)

    def convert(self, file: Path, out: Path, architecture: str) -> dict[str, Any]:
        """What was found. Written aside first: whoever is killed leaves nothing that is taken for weights."""
        draft = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
        try:
            with file.open("rb") as source, draft.open("xb", buffering=0) as target:
                _check_size(source)
                limits: dict[str, Any] = {
                    "seconds": settings.WEIGHTS_SECONDS,
                    "memory": settings.WEIGHTS_MEMORY_LIMIT,
                    "space": settings.WEIGHTS_MAX_SIZE,
                    "by": nurse,
                }
                with closing(
                    apart.values(TASK, source, kind=KIND, into=[target], architecture=architecture, **limits)
                ) as said:
                    found = next(said)
                os.fsync(target.fileno())
            if "refused" not in found:
                draft.replace(out)
            return found
        finally:
            draft.unlink(missing_ok=True)

    def tell(self, found: dict[str, Any], out: Path) -> None:
        say = self.stdout.write
        told = {"n": found["tensors"], "millions": found["numbers"] / 1e6}
        say(_("%(n)d tensors, %(millions).1f million numbers.") % told)
        if found["wrapper"]:
            say(_("They lay under “%(key)s”.") % {"key": found["wrapper"]})
        if found["prefix"]:
            say(_("Every name began with “%(prefix)s”, which is taken away.") % {"prefix": found["prefix"]})
        if found["renamed"]:
            say(_("%(n)d tensors have timm’s names now.") % {"n": found["renamed"]})
        if found["left_out_count"]:
            left = {"n": found["left_out_count"], "names": listed(found["left_out"])}
            say(_("%(n)d tensors that the network has no place for are left out: %(names)s.") % left)
        if found["architecture"]:
            seen = {"name": found["architecture"], "size": found["input_size"], "channels": found["channels"] or "?"}
            say(
                _("Architecture: %(name)s, for pictures of %(size)s px and %(channels)s channels, if made as usual.")
                % seen
            )
        else:
            say(_("Architecture: none of those that are looked for. Name it with --architecture, by timm’s name."))
        if found["outputs"]:
            say(_("Outputs: %(n)d.") % {"n": found["outputs"]})
        if found["labels"]:
            say(_("Labels, as it says itself: %(labels)s.") % {"labels": listed(found["labels"])})
        say(_("Written to %(file)s. Next: “manage.py register_model %(file)s …”.") % {"file": out})


def _check_size(source: Any) -> None:
    size = os.fstat(source.fileno()).st_size
    # A training run's optimiser is twice the network.
    if size > 3 * settings.WEIGHTS_MAX_SIZE:
        told = {"size": filesizeformat(size), "most": filesizeformat(3 * settings.WEIGHTS_MAX_SIZE)}
        raise CommandError(_("The file is %(size)s; at most %(most)s are read. Raise WEIGHTS_MAX_SIZE.") % told)


def _refusal(found: dict[str, Any]) -> str:
    match found["refused"]:
        case "is_a_program":
            return (
                _(
                    "It holds a whole program, not only numbers (%(why)s), and is not opened. Where it was trained, "
                    "save “model.state_dict()” instead."
                )
                % found
            )
        case "no_tensors":
            return _("It holds no tensors under names, so no network. Save “model.state_dict()” where it was trained.")
        case "no_architecture":
            return _("timm knows no architecture “%(architecture)s”. Give it by timm’s name.") % found
        case "another_network":
            return (
                _(
                    "Its tensors are not those of %(architecture)s: %(percent)d %% of the names and shapes are alike. "
                    "Leave --architecture out to have it guessed."
                )
                % found
            )
    return _("It cannot be read as a PyTorch checkpoint: %(why)s.") % found


def _why_not(undone: Undone) -> str:
    match undone.why:
        case Why.MEMORY:
            told = {"megabytes": settings.WEIGHTS_MEMORY_LIMIT // 1024**2}
            return _("Reading it takes more than %(megabytes)d MB. Raise WEIGHTS_MEMORY_LIMIT if it is yours.") % told
        case Why.TIME:
            told = {"seconds": settings.WEIGHTS_SECONDS}
            return _("Reading it takes longer than %(seconds)d seconds. Raise WEIGHTS_SECONDS if it is yours.") % told
    return str(undone)
