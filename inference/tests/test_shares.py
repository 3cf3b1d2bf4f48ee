"""Shares and their intervals, against published and exact values."""

import pytest

from inference.figures.shares import Share, agreement, by_class, wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # Newcombe, Two-sided confidence intervals for the single proportion, Stat. Med. 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (29, 29, 0.8830, 1.0),
    ],
)
def test_wilsons_interval_is_as_published(k, n, low, high):
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


def test_of_no_case_everything_is_possible_and_no_share_is_told():
    assert wilson(0, 0) == (0, 1)
    assert Share(0, 0).value is None


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2)])
def test_what_is_no_share_is_refused(k, n):
    with pytest.raises(ValueError, match="no share"):
        wilson(k, n)


def test_few_are_said_to_be_few():
    assert Share(29, 29).is_of_few
    assert not Share(30, 30).is_of_few


def test_sensitivity_and_specificity_are_of_those_who_have_it_and_those_who_have_not():
    pairs = [("ill", "ill"), ("ill", "well"), ("well", "well"), ("well", "well"), ("well", "ill"), ("other", "well")]
    ill, absent = by_class(pairs, ["ill", "absent"])
    assert (ill.sensitivity, ill.specificity) == (Share(1, 2), Share(3, 4))
    assert (absent.sensitivity, absent.specificity) == (Share(0, 0), Share(6, 6))
    assert agreement(pairs) == Share(3, 6)
