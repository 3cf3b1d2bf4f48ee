"""Training and calibration of one network, and the pictures it is done with."""

import numpy as np
import pytest
import torch

from imaging import phantom
from inference.training import data
from inference.training.data import Inputs
from inference.training.ensemble import figures
from inference.training.fitting import Recipe, fit

SMALL = Recipe("DenseNet-121", "densenet121", {"growth_rate": 4, "block_config": [2, 2]}, epochs=3)


def halves(count, seed):
    """Noise that is brighter in one half: class 0 on the left, class 1 on the right."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    pictures = rng.integers(0, 120, (count, 32, 32))
    for picture, label in zip(pictures, labels, strict=True):
        picture[:, 16 * label : 16 * label + 16] += 100
    return Inputs(pictures.astype(np.uint8), labels)


def train(seed=0, **changes):
    lines = []
    keywords = {"classes": 2, "seed": seed, "device": torch.device("cpu"), "report": lines.append}
    return fit(SMALL, halves(128, 1), halves(64, 2), **keywords | changes), lines


def test_a_network_learns_what_tells_the_classes_apart():
    fitted, lines = train()
    assert fitted.validation_accuracy > 0.95
    assert len(lines) == SMALL.epochs
    assert "epoch 3/3" in lines[-1]


def test_the_same_seed_makes_the_same_weights_and_another_one_others():
    (first, _), (again, _), (other, _) = train(3), train(3), train(4)
    same = [torch.equal(a, b) for a, b in zip(first.network.parameters(), again.network.parameters(), strict=True)]
    differs = [torch.equal(a, b) for a, b in zip(first.network.parameters(), other.network.parameters(), strict=True)]
    assert all(same)
    assert not all(differs)


def test_figures_count_what_was_right_by_class():
    sure = [{"A": 0.9, "B": 0.1}, {"A": 0.8, "B": 0.2}, {"A": 0.3, "B": 0.7}, {"A": 0.6, "B": 0.4}]
    measured = figures(("A", "B"), [0, 0, 1, 1], sure)
    assert measured["accuracy"] == 0.75
    assert measured["recall"] == {"A": 1.0, "B": 0.5}
    assert measured["log_loss"] == pytest.approx(-np.log([0.9, 0.8, 0.7, 0.4]).mean())


def test_no_phantom_is_in_two_parts_or_in_two_seeds():
    splits = [data.phantoms(seed, 40, 12, 12) for seed in (0, 1)]
    sources = [s.name for split in splits for part in (split.train, split.validation, split.held_out) for s in part]
    assert len(set(sources)) == len(sources) == 2 * 64


def test_every_diagnosis_is_drawn_equally_often_at_every_size():
    split = data.phantoms(0, 32, 8, 8)
    shapes = {(s.label, max(s.load().shape)) for s in split.train}
    assert len(shapes) == len(phantom.DIAGNOSES) * len(data.PHANTOM_SIZES)
