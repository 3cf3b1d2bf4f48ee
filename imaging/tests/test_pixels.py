"""Contrast enhancement."""

import numpy as np
import pytest

from imaging import phantom
from imaging.pixels import enhance


@pytest.fixture
def flat_picture():
    """A chest with almost no contrast."""
    return (phantom.render("Normal", seed=2, size=256) // 8 + 100).astype(np.uint8)


def test_enhancing_spreads_the_grey_levels_and_keeps_the_size(flat_picture):
    enhanced = enhance(flat_picture)
    assert enhanced.shape == flat_picture.shape
    assert enhanced.dtype == np.uint8
    assert enhanced.std() > 1.5 * flat_picture.std()


def test_enhancing_leaves_the_picture_it_was_given_alone(flat_picture):
    before = flat_picture.copy()
    enhance(flat_picture)
    assert np.array_equal(flat_picture, before)


@pytest.mark.parametrize("picture", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8)), np.zeros((0, 8), np.uint8)])
def test_what_is_not_a_grey_eight_bit_picture_is_refused(picture):
    with pytest.raises(ValueError, match="grey uint8"):
        enhance(picture)
