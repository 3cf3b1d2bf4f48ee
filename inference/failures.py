"""Why a film was not answered, or a model cannot be used: kept with it in English, by a worker, and told to each reader
in their own language. What the networks say of weights, which know no Django, is recognised here too."""

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import Pattern, told
from backoffice.formats.lists import listed_apart

STOPPED = Pattern(
    gettext_noop(
        "The worker stopped %(n)d times while it was looking at this picture. Check the picture and the machine's "
        "memory, then retry."
    )
)
ENDED_ITS_WORKER = Pattern(
    gettext_noop(
        "The worker stopped %(n)d times while it asked this model. It may need more memory than the machine has, or a "
        "library cannot run it on this device. Mend that, then have it tried again."
    )
)
NO_ANSWER = Pattern(
    gettext_noop("The models could not answer in %(n)d attempts. The worker's log says why; mend it, then retry.")
)
UNREADABLE = gettext_noop("The picture's file cannot be read. Restore it from a backup, or upload it again.")
NO_MODEL = gettext_noop("No model votes. Register models and accept one, or tick “votes” on one, then retry.")
NO_DEVICE = Pattern(gettext_noop("INFERENCE_DEVICE does not fit this machine: %(error)s."))


SHAPES = re.compile(r" \((\S+) in the file, (\S+) in the network\)")
AND_MORE = re.compile(r" and (\d+) more$")


def _each_told(kept: str) -> str:
    return listed_apart(map(told, kept.split("; ")))


def _names_told(kept: str) -> str:
    """Of tensors, with their shapes, and how many more there are."""
    names = SHAPES.sub(lambda shapes: _(" (%s in the file, %s in the network)") % shapes.groups(), kept)
    return AND_MORE.sub(lambda more: _(" and %s more") % more.groups(), names)


OF_WEIGHTS = [
    Pattern(gettext_noop("%(model)s answers with numbers that are not finite")),
    Pattern(gettext_noop("timm %(version)s has no architecture named %(name)s")),
    Pattern(gettext_noop("options must not contain %(names)s")),
    Pattern(gettext_noop("%(architecture)s refuses its options %(options)s: %(error)s")),
    Pattern(gettext_noop("%(architecture)s is built for %(own)s px, but its input size is given as %(size)s")),
    Pattern(gettext_noop("cannot read the weights %(path)s: %(error)s")),
    Pattern(
        gettext_noop("%(file)s is not the file that was registered: its SHA-256 is %(found)s, expected %(registered)s")
    ),
    Pattern(gettext_noop("%(file)s is not a safetensors file: %(error)s")),
    Pattern(gettext_noop("%(file)s does not fit %(architecture)s; %(differences)s"), differences=_each_told),
    Pattern(gettext_noop("%(n)d missing: %(names)s"), names=_names_told),
    Pattern(gettext_noop("%(n)d unexpected: %(names)s"), names=_names_told),
    Pattern(gettext_noop("%(n)d of another shape: %(names)s"), names=_names_told),
]
