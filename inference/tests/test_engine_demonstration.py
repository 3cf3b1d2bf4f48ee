"""The six demonstration models that come with the project do what their cards say."""

import json
from collections import Counter
from pathlib import Path

import pytest

from imaging import phantom
from inference.nn.consensus import Vote, decide
from inference.nn.engine import Ensemble
from inference.nn.model_files import read_ensemble

WEIGHTS = Path(__file__).parents[2] / "fixtures" / "weights"
FAMILIES = ["ResNet-50", "DenseNet-121", "EfficientNet-B0", "ViT-B/16", "Swin-T", "CrossViT-Tiny"]
UNSEEN = 900_000_000  # far from every seed in the cards


@pytest.fixture(scope="module")
def ensemble():
    return Ensemble(read_ensemble(WEIGHTS), device="cpu")


def consensus(row):
    return decide([Vote(answer.model, answer.probabilities) for answer in row])


def test_there_is_one_of_each_family_and_together_they_stay_small(ensemble):
    assert [spec.name for spec in ensemble.models] == FAMILIES
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 25_000_000


def test_each_card_says_that_it_is_a_demonstration_and_which_file_it_is_about(ensemble):
    for spec in ensemble.models:
        card = spec.weights.with_suffix(".md").read_text()
        assert "demonstration" in card
        assert "no medical value" in card
        assert spec.sha256 in card
    assert all(entry["is_demo"] for entry in json.loads((WEIGHTS / "ensemble.json").read_text())["models"])


def test_their_consensus_is_right_about_95_of_100_unseen_phantoms(ensemble):
    truths = [d for d in phantom.DIAGNOSES for _ in range(15)]
    pictures = [phantom.render(d, UNSEEN + n, size=320) for n, d in enumerate(truths)]
    answers = [consensus(row).diagnosis for row in ensemble.predict(pictures, heatmaps=False)]
    assert sum(a == t for a, t in zip(answers, truths, strict=True)) >= 0.95 * len(truths)


def test_each_that_shows_where_it_looked_shows_the_side_where_the_consolidation_is(ensemble):
    """In at least four of five phantoms; a map that ignores the picture would be right about as often as a coin."""
    drawn = [phantom.render_with_mask("Lung Opacity", UNSEEN + 100 + n, size=200) for n in range(40)]
    rows = ensemble.predict([picture for picture, _ in drawn])
    right = Counter()
    for row, (_, mask) in zip(rows, drawn, strict=True):
        for answer in row:
            if answer.heatmap is not None:
                right[answer.model] += on_the_left(answer.heatmap) == on_the_left(mask)
    assert set(right) == {"ResNet-50", "DenseNet-121"}
    assert min(right.values()) >= 0.8 * len(drawn)


def on_the_left(heat):
    middle = heat.shape[1] // 2
    return heat[:, :middle].sum() > heat[:, middle:].sum()
