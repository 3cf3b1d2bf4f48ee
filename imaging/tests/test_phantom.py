"""Synthetic radiographs: steady, varied, and told apart by nothing trivial."""

import numpy as np
import pytest

from imaging import phantom


@pytest.mark.parametrize("diagnosis", phantom.DIAGNOSES)
def test_the_same_seed_draws_the_same_picture(diagnosis):
    first, second = (phantom.render(diagnosis, seed=7, size=128) for _ in range(2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, phantom.render(diagnosis, seed=8, size=128)[: first.shape[0], : first.shape[1]])


def test_a_picture_is_grey_eight_bit_and_as_long_as_asked():
    picture = phantom.render("Normal", seed=1, size=200)
    assert picture.dtype == np.uint8
    assert picture.ndim == 2
    assert max(picture.shape) == 200


def test_pictures_differ_in_size_and_aspect():
    shapes = {phantom.render("Normal", seed).shape for seed in range(4)}
    aspects = [width / height for height, width in shapes]
    assert len(shapes) == 4
    assert max(aspects) - min(aspects) > 0.05


def test_an_unknown_diagnosis_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="Viral Pneumonia"):
        phantom.render("Flu", seed=1)


def test_a_size_too_small_for_ribs_is_refused():
    with pytest.raises(ValueError, match="at least 64"):
        phantom.render("Normal", seed=1, size=32)


def test_one_seed_is_one_patient_whatever_the_diagnosis():
    """Outside the finding the two pictures differ by exposure alone."""
    normal = phantom.render("Normal", seed=3, size=256).astype(float)
    ill, mask = phantom.render_with_mask("Lung Opacity", seed=3, size=256)
    elsewhere = mask < 0.01
    assert np.corrcoef(normal[elsewhere], ill[elsewhere].astype(float))[0, 1] > 0.97


def test_a_normal_phantom_has_no_finding_and_the_others_have():
    for diagnosis in phantom.DIAGNOSES:
        _, mask = phantom.render_with_mask(diagnosis, seed=11, size=128)
        assert (mask.max() > 0.2) == (diagnosis != "Normal")


def test_ground_glass_lies_in_both_lungs_and_a_consolidation_in_one():
    for seed in range(6):
        shares = {}
        for diagnosis in ("COVID", "Lung Opacity"):
            _, mask = phantom.render_with_mask(diagnosis, seed, size=128)
            left = mask[:, : mask.shape[1] // 2].sum() / mask.sum()
            shares[diagnosis] = min(left, 1 - left)
        assert shares["COVID"] > 0.1
        assert shares["Lung Opacity"] < 0.1


def test_ground_glass_lies_further_out_than_interstitial_disease():
    def distance_from_the_middle(diagnosis):
        _, mask = phantom.render_with_mask(diagnosis, seed=5, size=128)
        columns = np.abs(np.arange(mask.shape[1]) - mask.shape[1] / 2)
        return (mask.sum(0) * columns).sum() / mask.sum()

    assert distance_from_the_middle("COVID") > 1.3 * distance_from_the_middle("Viral Pneumonia")


def test_neither_brightness_nor_contrast_gives_the_diagnosis_away():
    """The cut that best tells ill from well among some phantoms is tried on others."""
    pictures = {d: [phantom.render(d, seed, size=96) for seed in range(120)] for d in phantom.DIAGNOSES}
    for measure, hardly_better_than_a_coin in ((np.mean, 0.6), (np.std, 0.75)):
        measured = {d: np.array([measure(picture) for picture in drawn]) for d, drawn in pictures.items()}
        well = measured.pop("Normal")
        for ill in measured.values():
            assert share_told(well, ill) < hardly_better_than_a_coin


def share_told(well: np.ndarray, ill: np.ndarray) -> float:
    cuts = np.concatenate((well[:60], ill[:60]))
    best = max(cuts, key=lambda cut: abs(share_right(well[:60], ill[:60], cut) - 0.5))
    share = share_right(well[60:], ill[60:], best)
    return max(share, 1 - share)


def share_right(well, ill, cut):
    return ((ill > cut).mean() + (well <= cut).mean()) / 2
