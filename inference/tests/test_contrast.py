"""Opacities that are planted in films, and a loss that sets films beside others of their own hospital alone."""

import cv2
import numpy as np
import pytest
import torch

from imaging import phantom
from inference.nn.lungs import around_lungs, lung_box
from inference.nn.preprocessing import Fit, Preprocessing
from inference.training.augmenting import evened, varied
from inference.training.contrast import NORMALS, Contrast, abnormality
from inference.training.data import Inputs, TrainingDataError
from inference.training.planting import planted

NORMAL = 1
EVEN = Preprocessing(Fit.EVEN_LUNGS, clahe=False)


def film(seed):
    return EVEN.model_input(phantom.render("Normal", seed, 200), 64)


def contrast(labels, hospitals):
    """Pictures whose grey is their own number."""
    pictures = np.stack([np.full((64, 64), n, np.uint8) for n in range(len(labels))])
    return Contrast(Inputs(pictures, np.array(labels)), NORMAL, tuple(hospitals))


@pytest.mark.parametrize("seed", range(6))
def test_what_is_planted_is_brighter_than_the_air_it_displaced_and_lies_in_the_lungs(seed):
    before = film(seed).astype(int)
    after = planted(film(seed), np.random.default_rng(seed)).astype(int)
    changed = np.abs(after - before) > 12
    assert changed.any()
    assert (after - before)[changed].mean() > 0
    assert before[changed].mean() < before.mean()
    assert not changed[:, :3].any()
    assert not changed[:, -3:].any()


def test_the_same_numbers_plant_the_same():
    twice = [planted(film(1), np.random.default_rng(5)) for _ in range(2)]
    assert np.array_equal(*twice)
    assert not np.array_equal(twice[0], planted(film(1), np.random.default_rng(6)))


def test_of_pictures_with_even_greys_tone_tells_nothing():
    picture = phantom.render("Normal", 3, 200)
    darker = (255 * (picture / 255) ** 1.6).astype(np.uint8)
    top, bottom, left, right = around_lungs(picture)
    seen, other = EVEN.model_input(picture, 64), cv2.equalizeHist(cv2.resize(darker[top:bottom, left:right], (64, 64)))
    assert np.abs(seen.astype(int) - other.astype(int)).mean() < 4
    assert np.abs(picture.astype(int) - darker.astype(int)).mean() > 20


def test_around_the_lungs_is_their_box_and_more_within_the_picture():
    for seed in range(5):
        picture = phantom.render("Normal", seed, 160)
        (top, bottom, left, right), (above, below, before, behind) = lung_box(picture), around_lungs(picture)
        assert 0 <= above <= top < bottom <= below <= picture.shape[0]
        assert 0 <= before <= left < right <= behind <= picture.shape[1]


def test_pictures_that_were_varied_are_even_again_as_they_were_prepared():
    pictures = torch.rand(3, 1, 40, 50, generator=torch.Generator().manual_seed(0)) ** 2
    pictures[:, :, 0, 0], pictures[:, :, 0, 1] = 0, 1
    greys = (pictures * 255).round().byte().numpy()
    expected = np.stack([cv2.equalizeHist(grey[0]) for grey in greys])
    assert np.abs((evened(pictures) * 255).round().numpy()[:, 0] - expected).max() <= 1
    torch.manual_seed(0)
    again = varied(torch.from_numpy(np.stack([film(1), film(2)]))[:, None].float() / 255, even=True)
    assert again.mean().item() == pytest.approx(0.5, abs=0.05)


def test_films_are_set_beside_films_of_their_own_hospital_alone():
    torch.manual_seed(0)
    hospitals = ["a"] * 4 + ["b"] * 4 + ["c"] * 4
    taught = contrast([1, 1, 0, 2, 1, 1, 0, 2, 0, 0, 2, 2], hospitals)
    for _ in range(10):
        lesson = taught.lesson(np.arange(12))
        greys = lesson.pictures[:, 0, 0]  # the corner is no lung: nothing is planted there
        well, _, own = np.split(greys, np.cumsum(lesson.lengths))[:3]
        assert len(well) == len(own) == NORMALS
        assert len({hospitals[grey] for grey in (*well, *own)}) == 1
        assert hospitals[well[0]] != "c"


def test_sick_films_of_a_hospital_without_normal_ones_say_nothing_of_what_is_normal():
    """Whatever it is that all films of that hospital show, their answer for normal is left as it is."""
    torch.manual_seed(0)
    taught = contrast([1, 1, 0, 0], ["a", "a", "c", "c"])
    lesson = taught.lesson(np.array([2, 3]))
    well, ill, own, sick, worse = lesson.lengths
    assert own == 0
    logits = torch.zeros(len(lesson.pictures), 3, requires_grad=True)
    lesson.loss(logits).backward()
    pulled = logits.grad[:, NORMAL]
    assert (pulled[:well] < 0).all()
    assert (pulled[well : well + ill] > 0).all()
    assert pulled[-sick - worse :].sum().item() == pytest.approx(0, abs=1e-6)


def test_the_odds_of_a_finding_are_those_of_all_findings_together():
    logits = torch.tensor([[2.0, 0.5, -1.0]])
    probability = logits.softmax(1)[0, NORMAL]
    assert abnormality(logits, NORMAL).item() == pytest.approx(((1 - probability) / probability).log().item(), abs=1e-5)


def test_without_a_normal_film_there_is_nothing_to_plant_in():
    with pytest.raises(TrainingDataError, match="no film to learn from is normal"):
        contrast([0, 2], ["a", "a"])
