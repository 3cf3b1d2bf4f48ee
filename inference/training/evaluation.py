"""What models of a folder are worth on labelled films, as a page of figures and a picture. No Django."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from inference.nn.cards import ENSEMBLE_FILE, beside
from inference.nn.engine import Ensemble
from inference.nn.model_files import read_ensemble, write_whole
from inference.training import films as real
from inference.training import measures
from inference.training.data import Sample, TrainingDataError
from inference.training.ensemble import Skipped
from inference.training.films import Films
from inference.training.on_films import answers

CONSENSUS = "consensus"


@dataclass(frozen=True)
class Asked:
    """Films of sources that a model learned from, of patients that it did not; and those of other sources."""

    within: list[Sample]
    outside: dict[str, list[Sample]]


def divided(films: Films, training: Mapping[str, Any]) -> Asked:
    """Which films a model may be measured on, by what its entry in `ensemble.json` says of its training.

    Of the very films that it learned from, those that were held out; of others, all: their patients are others as far
    as anybody knows.
    """
    known = set(training.get("sources", ()))
    fair = [sample for sample in films.samples if sample.source in known]
    if training.get("films") == films.fingerprint:
        fair = real.parts(films, training["seed"], fair).held_out
    others = sorted(set(films.sources) - known)
    return Asked(fair, {source or "these films": films.of([source]) for source in others})


def evaluate(folder: Path, films: Films, device: str, skipped: Skipped) -> dict[str, dict[str, Any]]:
    """Figures of each model in the folder, and of their consensus, by name: "within", "outside" (by source), "parts".

    Raises TrainingDataError where the models and the films have no label in common, or no film is fair to ask about.
    """
    document = json.loads((folder / ENSEMBLE_FILE).read_text(encoding="utf-8"))
    specs = read_ensemble(folder)
    for spec in specs:
        if strange := sorted(set(spec.labels) ^ set(films.labels)):
            raise TrainingDataError(
                f"{spec.name} answers {', '.join(spec.labels)}, but the films are labelled {', '.join(films.labels)}; "
                f"name alike: {', '.join(strange)}"
            )
    # The consensus has seen what any of its models has; so all are measured on the same films.
    asked = divided(films, _joint(document["models"]))
    ensemble, normal = Ensemble(specs, device), films.normal()
    names = [*(spec.name for spec in specs), CONSENSUS] if len(specs) > 1 else [specs[0].name]
    found: dict[str, dict[str, Any]] = {name: {"within": None, "outside": {}, "parts": {}} for name in names}
    if not asked.within and not asked.outside:
        raise TrainingDataError("no film is left to ask about: all were learned from")
    for part, samples in (("", asked.within), *asked.outside.items()):
        if not samples:
            continue
        read, table = answers(ensemble, samples, films.labels, skipped)
        for name, probabilities in zip(names, table, strict=False):
            figures = measures.with_intervals(films.labels, read, probabilities, normal)
            by_part = measures.by_part(films.labels, read, probabilities, normal)
            if part:
                found[name]["outside"][part] = figures
            else:
                found[name]["within"] = figures
            found[name]["parts"][part or "hospitals it learned from"] = by_part
    for entry in document["models"]:
        # Where no film here is of another hospital, what its training measured at others stands beside.
        if not found[entry["name"]]["outside"]:
            found[entry["name"]]["outside"] = entry["metrics"].get("outside") or {}
    return found


def _joint(entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    training = [entry["training"] for entry in entries]
    told = {(made.get("films"), made["seed"]) for made in training}
    sources = sorted({source for made in training for source in made.get("sources", ())})
    return dict(training[0]) | {"sources": sources} if len(told) == 1 else {"sources": sources}


def write(found: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Write figures.json, figures.md and a reliability picture for each model."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / "figures.json", (json.dumps(found, indent=2, ensure_ascii=False) + "\n").encode())
    write_whole(folder / "figures.md", page(found).encode())
    for name, figures in found.items():
        curves = {"learned from": figures["within"]} | {f"never seen: {k}": v for k, v in figures["outside"].items()}
        write_whole(folder / picture_of(name), reliability({k: v for k, v in curves.items() if v}).encode())


def picture_of(name: str) -> str:
    return "reliability-" + "".join(c if c.isalnum() else "-" for c in name.lower()) + ".svg"


def page(found: Mapping[str, Mapping[str, Any]]) -> str:
    pages = []
    for name, figures in found.items():
        lines = [
            f"# {name}\n",
            beside(figures["within"], figures["outside"]),
            f"![How often it is right]({picture_of(name)})\n",
        ]
        for where, kinds in figures["parts"].items():
            for kind, parts in kinds.items():
                lines.append(f"## {where}: by {kind}\n\n{_table(parts)}")
        pages.append("\n".join(lines))
    return "\n".join(pages)


def _table(parts: Mapping[str, Mapping[str, Any]]) -> str:
    head = "| | films | right | classes alike | normal or not (AUC) | ECE |\n| --- | --- | --- | --- | --- | --- |\n"
    rows = []
    for name, f in parts.items():
        auc = "–" if f["abnormal_auc"] is None else f"{f['abnormal_auc']:.2f}"
        rows.append(
            f"| {name} | {f['pictures']} | {f['accuracy']:.2f} | {f['balanced']:.2f} | {auc} | {f['ece']:.2f} |\n"
        )
    return head + "".join(rows)


EDGE, MARGIN = 320, 48
COLOURS = ("#1f6f8b", "#b3541e", "#5b8c2a", "#7a4f9a", "#8a6d1f")


def reliability(curves: Mapping[str, Mapping[str, Any]]) -> str:
    """SVG: how often answers are right, over how sure they say they are. On the diagonal, a percentage means itself."""
    height = EDGE + 2 * MARGIN + 18 * len(curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {EDGE + 2 * MARGIN} {height}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="#fff"/>',
        f'<rect x="{MARGIN}" y="{MARGIN}" width="{EDGE}" height="{EDGE}" fill="none" stroke="#888"/>',
        f'<path d="M{MARGIN} {MARGIN + EDGE}L{MARGIN + EDGE} {MARGIN}" stroke="#bbb" stroke-dasharray="4"/>',
        f'<text x="{MARGIN}" y="{MARGIN + EDGE + 18}">says it is sure, 0 to 1</text>',
        f'<text x="{MARGIN}" y="{MARGIN - 10}">is right, 0 to 1</text>',
    ]
    for n, (name, figures) in enumerate(curves.items()):
        colour = COLOURS[n % len(COLOURS)]
        places = [(MARGIN + EDGE * b["said"], MARGIN + EDGE * (1 - b["right"])) for b in figures["reliability"]]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        parts.append(f'<path d="M{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        y = MARGIN + EDGE + 36 + 18 * n
        parts.append(f'<text x="{MARGIN}" y="{y}" fill="{colour}">{escape(name)} (ECE {figures["ece"]:.2f})</text>')
    return "".join(parts) + "</svg>\n"
