"""What a look for drift found, in sentences that can be kept. A channel keeps codes and numbers alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import in_turn
from imaging.quality import QualityIssue
from inference.figures.drift import DEVICES, EACH, PICTURES, QUALITY, REFUSED, TOGETHER, reference_in_force
from inference.models import Diagnosis, DriftCheck


@dataclass(frozen=True)
class Line:
    """One channel of one look. `strength` is 1 where the alarm begins."""

    channel: str
    title: Sentence
    told: Sentence
    smallest: Sentence | None
    is_shifted: bool
    strength: float | None


def title_of(channel: str) -> Sentence:
    titles = {
        PICTURES: _("How films look"),
        TOGETHER: _("What the models say together"),
        EACH: _("How far each model is from the others"),
        QUALITY: _("Quality of the films"),
        DEVICES: _("Devices"),
    }
    return titles[channel]


def lines_of(check: DriftCheck) -> list[Line]:
    return [_line(channel) for channel in check.channels]


def _line(found: dict[str, Any]) -> Line:
    channel = found["channel"]
    if "films" not in found:
        too_few = _("Too few films yet to say anything.")
        return Line(channel, title_of(channel), too_few, None, False, None)
    told = _shifted(channel, found["most"]) if found["is_shifted"] else _("As in the reference period.")
    return Line(channel, title_of(channel), told, _smallest(found), found["is_shifted"], found["strength"])


def _shifted(channel: str, most: dict[str, Any]) -> Sentence:
    name = most["name"]
    shares = {"was": round(100 * most["was"]), "now": round(100 * most["is"])}
    apart = {"was": f"{most['was']:.2f}", "now": f"{most['is']:.2f}"}
    match channel:
        case "pictures":
            return _("Films look otherwise than in the reference period, most so in %(what)s.") % {"what": _seen(name)}
        case "together":
            told = apart | {"diagnosis": Diagnosis(name).label}
            return _("The models say otherwise, most so of %(diagnosis)s: %(now)s in the middle, and %(was)s before.") % told  # noqa: E501  # fmt: skip
        case "each":
            return _("%(model)s is farther from the others, or nearer: by %(now)s in the middle, and %(was)s before.") % (apart | {"model": name})  # noqa: E501  # fmt: skip
        case "quality":
            issue = _("No frontal chest film") if name == REFUSED else QualityIssue(name).label
            return _("%(issue)s: %(now)d %% of films, and %(was)d %% before.") % (shares | {"issue": issue})
    device = name or _("A device that the file does not name")
    return _("%(device)s: %(now)d %% of films, and %(was)d %% before.") % (shares | {"device": device})


def _seen(name: str) -> Sentence:
    """What a number of the embedding is of (nn/embedding.py), by its place."""
    place = int(name)
    for end, words in (
        (7, _("brightness and contrast")),
        (17, _("framing and sharpness")),
        (33, _("the greys of the chest")),
    ):
        if place < end:
            return words
    return _("the direction of edges")


def _smallest(found: dict[str, Any]) -> Sentence:
    films = {"films": found["films"], "reference": found["reference_films"]}
    begin = _("%(films)d films beside %(reference)d.") % films
    if found["smallest"] is None:
        return in_turn([begin, _("Of so few, nothing but a change of everything would have been seen.")])
    if found["usual"] is None:
        step = {"step": f"{found['smallest']:.1f}"}
        return in_turn([begin, _("A shift by %(step)s standard deviations would have been seen in four of five tries.") % step])  # noqa: E501  # fmt: skip
    told = {"usual": round(100 * found["usual"]), "smallest": round(100 * found["smallest"])}
    return in_turn([begin, _("A share that rose from %(usual)d %% to %(smallest)d %% would have been seen in four of five tries.") % told])  # noqa: E501  # fmt: skip


def changed_models(check: DriftCheck) -> list[Sentence]:
    return [
        _("%(name)s: version %(now)s answers, and %(was)s did in the reference period.")
        % {"name": name, "was": was or "–", "now": now or "–"}
        for name, was, now in check.models_changed
    ]


def told_today() -> list[Sentence]:
    """What drifts as things stand, a sentence for each channel; none where nothing does. For the first page, and for
    whoever writes to administrators."""
    return list(_today())


def _today() -> Iterator[Sentence]:
    check = DriftCheck.objects.order_by("-pk").first()
    reference = reference_in_force()
    # What was found beside an earlier reference period is no longer asked.
    if check is None or reference is None or not check.is_drifting or check.reference_id != reference.pk:
        return
    for line in lines_of(check):
        if line.is_shifted:
            yield in_turn([line.told])
    yield from changed_models(check)
