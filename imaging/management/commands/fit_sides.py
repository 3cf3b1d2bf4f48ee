"""The weights by which a mirrored film is known, from a folder of upright films."""

import csv
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError
from PIL import Image

from imaging import chest, sides

PARTS = 5  # each scored by weights that do not know it, which is what the bound is taken from


class Command(BaseCommand):
    help = (
        "Makes fixtures/sides.json anew: by which weights a mirrored film is known. Says for each source what was "
        "found by weights that know none of its films."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("films", type=Path, help="a folder with a manifest.csv: file, source")
        parser.add_argument("--without", action="append", default=[], help="a source whose films are not learned from")

    def handle(self, films: Path, without: list[str], **options: Any) -> None:
        sources, features = _chests(films)
        for source in sorted(set(sources)):
            self.stdout.write(_held_out(source, sources, features))
        learned = features[~np.isin(sources, without)]
        if not learned.size:
            raise CommandError("No film is left to learn from.")
        numbers = {"weights": sides.fitted(learned).round(4).tolist(), "bound": round(_bound(learned), 4)}
        sides.NUMBERS.write_text(json.dumps(numbers) + "\n")


def _chests(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the source of each film that lies as chests do, and its features."""
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as manifest:
        rows = list(csv.DictReader(manifest))
    found = []
    for row in rows:
        with Image.open(folder / row["file"]) as film:
            picture = film.convert("L")
        if chest.lies_as_chests_do(chest.small(picture)):
            found.append((row["source"], sides.features(picture)))
    return np.array([source for source, _features in found]), np.array([features for _source, features in found])


def _held_out(source: str, sources: np.ndarray, features: np.ndarray) -> str:
    theirs, others = features[sources == source], features[sources != source]
    if not others.size:
        return f"{source}: there is no other source to learn from"
    scores, bound = theirs @ sides.fitted(others), _bound(others)
    return (
        f"{source}: {len(scores)} films, {np.mean(scores < bound):.2%} falsely said to be mirrored; "
        f"of their mirror images {np.mean(-scores < bound):.0%} found"
    )


def _bound(features: np.ndarray) -> float:
    parts, scores = np.arange(len(features)) % PARTS, np.zeros(len(features))
    for part in range(PARTS):
        scores[parts == part] = features[parts == part] @ sides.fitted(features[parts != part])
    return float(np.quantile(scores, sides.FALSE_ALARMS))
