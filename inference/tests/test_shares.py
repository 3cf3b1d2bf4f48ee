"""Shares and their intervals, against published and exact values."""

from collections import Counter

import pytest

from inference.figures.shares import Share, agreement, by_class, kappa, wilson


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
    counted = Counter(pairs)
    ill, absent = by_class(counted, ["ill", "absent"])
    assert (ill.sensitivity, ill.specificity) == (Share(1, 2), Share(3, 4))
    assert (absent.sensitivity, absent.specificity) == (Share(0, 0), Share(6, 6))
    assert agreement(counted) == Share(3, 6)


def test_kappa_and_its_interval_are_as_published():
    """Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions (2003), table 18.2: two raters, a hundred
    subjects, κ = 0.68 with a standard error of 0.087."""
    rated = {("psychotic", "psychotic"): 75, ("psychotic", "neurotic"): 1, ("psychotic", "organic"): 4,
             ("neurotic", "psychotic"): 5, ("neurotic", "neurotic"): 4, ("neurotic", "organic"): 1,
             ("organic", "organic"): 10}  # fmt: skip
    found = kappa(rated)
    assert found.value == pytest.approx(0.676, abs=5e-4)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.0877, abs=5e-4)


def test_kappa_is_not_defined_where_there_is_one_class_alone_and_is_one_where_all_agree():
    assert kappa({}).value is None
    assert kappa({("well", "well"): 9}).value is None
    assert kappa({("well", "well"): 9, ("ill", "ill"): 3}).value == pytest.approx(1)
    assert kappa({("well", "ill"): 5, ("ill", "well"): 5}).value == pytest.approx(-1)
