"""What was found wrong with a model's weights or description, in words, with what to do."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.formats.lists import listed, listed_apart, told_of
from backoffice.records.diffs import words_for
from inference.models import DiagnosticModel
from inference.nn.findings import Code

Finding = dict[str, Any]


def in_words(findings: Iterable[Finding]) -> list[str]:
    """What is so, and what to do: one line each."""
    return [_said(finding) for finding in findings]


@words_for(DiagnosticModel, "findings")
def findings_told(findings: list[Finding]) -> str:
    return listed_apart(in_words(findings))


def _said(finding: Finding) -> str:
    code = Code(finding["code"])
    for say in (_of_the_file, _of_the_description, _of_both, _of_the_answer):
        if said := say(code, finding):
            return said
    raise ValueError(f"no words for {code}")


def _of_the_file(code: Code, told: Finding) -> str:
    match code:
        case Code.IS_A_CHECKPOINT:
            return _(
                "This is a PyTorch checkpoint, not safetensors: opening one can run a program. Convert it first, with "
                "“manage.py convert_checkpoint”."
            )
        case Code.NO_SAFETENSORS:
            return _("This is no safetensors file, or only a part of one. Choose another file, or save it anew.")
        case Code.LARGE_HEAD:
            return _("Its list of tensors is %(megabytes)d MB; at most %(most)d MB are read. Save it anew.") % told
        case Code.BAD_HEAD if told["tensor"]:
            return _("The tensor “%(tensor)s” lies where none can lie, or is none. Save the file anew.") % told
        case Code.BAD_HEAD:
            return _("Its list of tensors cannot be read. Save the file anew.")
        case Code.NOT_COVERED:
            return _("Its tensors and its length differ by %(bytes)d bytes. Save or send it anew.") % told
        case Code.NO_FILE:
            return _("The file of its weights is not there. Restore it from a backup, or register it anew.")
        case Code.CHANGED_FILE:
            return _(
                "The file is not the one that was registered: its checksum is another. Restore it from a backup, or "
                "register it as a new version."
            )
        case Code.NOT_FINITE:
            n = told["count"]
            said = ngettext(
                "%(n)d tensor holds numbers that are not finite: %(names)s. Its training went wrong; train it anew.",
                "%(n)d tensors hold numbers that are not finite: %(names)s. Its training went wrong; train it anew.",
                n,
            )
            return said % {"n": n, "names": _names(told)}
    return ""


def _of_the_description(code: Code, told: Finding) -> str:
    match code:
        case Code.NO_ARCHITECTURE if told["alike"]:
            said = _("timm %(timm)s knows no architecture “%(architecture)s”. Did you mean %(alike)s?")
            return said % {**told, "alike": listed(told["alike"])}
        case Code.NO_ARCHITECTURE:
            return _("timm %(timm)s knows no architecture “%(architecture)s”. Give it by timm’s name.") % told
        case Code.OPTIONS_REFUSED:
            return _("The options do not suit the architecture. timm says: %(why)s") % told
        case Code.INPUT_SIZE:
            said = _(
                "The network takes pictures of %(own)d px, and the input size is given as %(given)d. Give %(own)d, or "
                "the option “img_size” that it was trained with."
            )
            return said % told
    return ""


def _of_both(code: Code, told: Finding) -> str:
    match code:
        case Code.PREFIXED:
            said = _(
                "Every tensor’s name begins with “%(prefix)s”, which a wrapper around the network has left. "
                "“manage.py convert_checkpoint” takes it away."
            )
            return said % told
        case Code.OUTPUTS:
            said = _(
                "The network has %(given)d outputs, and %(wanted)d labels are given. Give one label for each output, "
                "in their order; outputs that are none of the diagnoses need a network trained without them."
            )
            return said % told
        case Code.CHANNELS:
            said = _(
                "The network takes %(given)d channels, and mean and standard deviation are given for %(wanted)d. Give "
                "as many numbers as it takes channels."
            )
            return said % told
        case Code.MISSING:
            n = told["count"]
            said = ngettext(
                "%(n)d tensor is missing from the file: %(names)s. Check the architecture and its options.",
                "%(n)d tensors are missing from the file: %(names)s. Check the architecture and its options.",
                n,
            )
            return said % {"n": n, "names": _names(told)}
        case Code.UNEXPECTED:
            n = told["count"]
            said = ngettext(
                "%(n)d tensor of the file belongs to no such network: %(names)s. Check the architecture and its "
                "options.",
                "%(n)d tensors of the file belong to no such network: %(names)s. Check the architecture and its "
                "options.",
                n,
            )
            return said % {"n": n, "names": _names(told)}
        case Code.SHAPES:
            n = told["count"]
            said = ngettext(
                "%(n)d tensor has another shape than the network’s: %(tensors)s. Check the architecture and its "
                "options.",
                "%(n)d tensors have another shape than the network’s: %(tensors)s. Check the architecture and its "
                "options.",
                n,
            )
            return said % {"n": n, "tensors": _shapes(told)}
    return ""


def _of_the_answer(code: Code, told: Finding) -> str:
    match code:
        case Code.ANSWER_FAILED:
            return _("The network does not answer about a picture. torch says: %(why)s") % told
        case Code.ANSWER_SHAPE:
            return _("The network’s answer is not one number for each label but %(shape)s.") % {
                "shape": _shape(told["given"])
            }
        case Code.ANSWER_NOT_FINITE:
            return _("The network answers with numbers that are not finite. Train it anew.")
        case Code.TOO_LARGE:
            said = _(
                "Trying it takes more than the %(megabytes)d MB that a trial may take: check the options, or raise "
                "WEIGHTS_MEMORY_LIMIT."
            )
            return said % told
        case Code.TOO_SLOW:
            said = _(
                "One picture takes it longer than the %(seconds)d seconds that a trial may take: check the options, or "
                "raise WEIGHTS_SECONDS."
            )
            return said % told
        case Code.BROKE_DOWN:
            return _("The process that tried it broke down. The worker’s log says why.")
    return ""


def _names(told: Finding) -> str:
    return _and_more(told["names"], told["count"])


def _shapes(told: Finding) -> str:
    said = _("%(given)s in the file, %(wanted)s in the network")
    tensors = [
        told_of(name, said % {"given": _shape(given), "wanted": _shape(wanted)})
        for name, given, wanted in told["tensors"]
    ]
    return _and_more(tensors, told["count"])


def _and_more(shown: list[str], count: int) -> str:
    rest = count - len(shown)
    if not rest:
        return listed_apart(shown)
    more = ngettext("%(shown)s and %(n)d more", "%(shown)s and %(n)d more", rest)
    return more % {"shown": listed_apart(shown), "n": rest}


def _shape(edges: list[int]) -> str:
    return "×".join(map(str, edges)) or _("a single number")
