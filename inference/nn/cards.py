"""What a person is told of a model: its card, and its figures where it learned beside those elsewhere. No Django."""

import json
from collections.abc import Mapping
from typing import Any

ENSEMBLE_FILE = "ensemble.json"
"""In a folder of models: what each is, and their figures."""

DEMONSTRATION = """\
**This is a demonstration.** It was trained on synthetic pictures that a program draws, has never
seen a patient's X-ray, and has no medical value. Its answers about real X-rays mean nothing.
"""
NOT_A_DEVICE = """\
This model is not a medical device. The figures below hold for pictures like those it was trained
on and for no others; a clinician decides.
"""
PREPARED = {
    "squash": "squashed to {size}×{size}",
    "letterbox": "whole within {size}×{size}, black beside it",
    "crop": "the middle alone, {size}×{size}",
    "lungs": "the box in which the lungs lie, squashed to {size}×{size}",
    "even-lungs": "the box in which the lungs lie and a little around it, squashed to {size}×{size}, every grey made "
    "equally common",
}

FLATTERS = """\
The first column flatters. A network learns a hospital's machines, letters and patients along with the disease, and is
right about that hospital's next film for the wrong reason. **The second column is what a hospital that gave no films to
the training should expect.** Neither is shown without the other.
"""
PLANTED = """\
What is normal was learned within each hospital alone: from its sick films beside its normal ones, and from normal films
beside others in which a program had planted opacities.
"""
NOT_MEASURED = """\
**How it does at any other hospital has not been measured**, as all films come from places that it learned from. Expect
clearly less than this column says: networks of this kind have lost a third and more of it.
"""
ROWS = (
    ("accuracy", "right answers"),
    ("balanced", "right answers, every class counted alike"),
    ("abnormal_auc", "tells a film with a finding from a normal one (AUC; 0.50 is a coin)"),
    ("ece", "how far its percentages are from the truth (ECE)"),
)


def card(entry: Mapping[str, Any], consensus: Mapping[str, Any]) -> str:
    """The Markdown of one entry of `ensemble.json`."""
    made = entry["training"]
    options = json.dumps(entry["options"]) if entry["options"] else "none"
    made_by = entry.get("preprocessing", {})
    prepared = PREPARED[made_by.get("fit", "squash")].format(size=entry["input_size"])
    return f"""\
# {entry["name"]}

{DEMONSTRATION if entry["is_demo"] else NOT_A_DEVICE}
| | |
| --- | --- |
| weights | `{entry["file"]}`, half precision |
| SHA-256 | `{entry["sha256"]}` |
| architecture | timm's `{entry["architecture"]}`, {made["parameters"] / 1e6:.2f} million parameters |
| options | `{options}` |
| input | {"CLAHE, " if made_by.get("clahe", True) else ""}{prepared}, one grey channel; \
mean {entry["mean"][0]:.4f}, standard deviation {entry["std"][0]:.4f} of pixels in 0–1 |
| output | {", ".join(entry["labels"])}; logits divided by {entry["temperature"]:.3f} |

## How it was made

`{made["command"]}`: {made["pictures"]} pictures, {made["epochs"]} epochs, seed {made["seed"]}, torch {made["torch"]}, \
timm {made["timm"]}.
The pictures: {made["origin"]}.
{_balance(made)}\
The temperature was fitted on {made["validation_pictures"]} validation pictures (accuracy there: \
{made["validation_accuracy"]:.1%}).

{_on_films(entry) if "outside" in entry["metrics"] else _on_phantoms(entry, consensus)}"""


def _balance(made: Mapping[str, Any]) -> str:
    said = ""
    if counts := made.get("counts"):
        said += f"Learned from: {', '.join(f'{cell} {n}' for cell, n in counts.items())}. "
        said += "They were drawn so that each class, and in it each source, came alike often.\n"
    if made.get("planted"):
        said += PLANTED
    if alone := made.get("told_by_source"):
        said += (
            f"**Only one source has {', '.join(alone)}**, so these can be told by the source instead of the disease.\n"
        )
    return said


def _on_phantoms(entry: Mapping[str, Any], consensus: Mapping[str, Any]) -> str:
    metrics = entry["metrics"]
    recalls = "\n".join(f"| {label} | {recall:.1%} |" for label, recall in metrics["recall"].items())
    return f"""\
## Held out

{metrics["pictures"]} pictures that were neither trained nor tuned on, asked as the application asks, \
with these very weights:
accuracy **{metrics["accuracy"]:.1%}**, log loss {metrics["log_loss"]:.3f}. \
The consensus of all {consensus["models"]} models: {consensus["accuracy"]:.1%}.

| class | found |
| --- | --- |
{recalls}
"""


def _on_films(entry: Mapping[str, Any]) -> str:
    metrics = entry["metrics"]
    within = {name: value for name, value in metrics.items() if name != "outside"}
    return f"## Held out\n\n{beside(within, metrics['outside'])}"


def beside(within: Mapping[str, Any] | None, outside: Mapping[str, Mapping[str, Any]] | None) -> str:
    """The figures (measures.with_intervals) of films from hospitals that were learned from, beside those by hospital
    that was not; either may be missing, and that is said."""
    columns = [("hospitals it learned from", within)] if within else []
    columns += [(f"never seen: {name}", found) for name, found in (outside or {}).items()]
    if not columns:
        return "There are no films to measure on.\n"
    lines = ["| | " + " | ".join(name for name, _ in columns) + " |", "| --- " * (len(columns) + 1) + "|"]
    lines.append("| films (patients) | " + " | ".join(f"{c['pictures']} ({c['patients']})" for _, c in columns) + " |")
    lines += [f"| {words} | " + " | ".join(_cell(c, name) for _, c in columns) + " |" for name, words in ROWS]
    for label in columns[0][1]["classes"]:
        for name in ("sensitivity", "specificity"):
            cells = (_number(c["classes"][label][name]) for _, c in columns)
            lines.append(f"| {label}: {name} | " + " | ".join(cells) + " |")
    about = FLATTERS if within and outside else NOT_MEASURED if within else ""
    if outside and (mean := mean_outside(outside)) is not None:
        about += (
            f"\nOn the mean of the hospitals it has not seen, its AUC for normal against abnormal is **{mean:.2f}**.\n"
        )
    return f"{about}\n" + "\n".join(lines) + f"\n\n{UNDER_THE_TABLE}"


UNDER_THE_TABLE = """\
In brackets: 95 % intervals, patients drawn again. “–”: these films cannot tell, as a class is missing among them.
"""


def mean_outside(outside: Mapping[str, Mapping[str, Any]], name: str = "abnormal_auc") -> float | None:
    """A figure's mean over the hospitals that were left out and can tell it."""
    values = [found[name] for found in outside.values() if found[name] is not None]
    return sum(values) / len(values) if values else None


def _cell(found: Mapping[str, Any], name: str) -> str:
    interval = found["intervals"].get(name)
    return _number(found[name]) + (f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else "")


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
