"""Rescued and misled: readers whose rates are known, and whether the intervals hold them."""

import random

import pytest

from inference.figures.helped import helped, times_as_long, took
from inference.figures.shares import Share

TRUTHS = ("Normal", "COVID", "Viral Pneumonia", "Lung Opacity")


def a_reader(rng: random.Random, cases: int, *, right_alone: float, rescued: float, misled: float):
    """(own, final, truth) of so many cases, by somebody of whom the rates are known."""
    for _case in range(cases):
        truth = rng.choice(TRUTHS)
        other = rng.choice([label for label in TRUTHS if label != truth])
        own = truth if rng.random() < right_alone else other
        changes = rng.random() < (misled if own == truth else rescued)
        yield own, (other if own == truth else truth) if changes else own, truth


def test_who_was_wrong_alone_is_rescued_and_who_was_right_is_misled():
    read = [
        ("COVID", "Normal", "Normal"),  # rescued
        ("COVID", "COVID", "Normal"),  # stays wrong
        ("COVID", "Lung Opacity", "Normal"),  # wrong in another way
        ("Normal", "Normal", "Normal"),  # stays right
        ("Normal", "COVID", "Normal"),  # misled
    ]
    found = helped(read)
    assert (found.rescued, found.misled) == (Share(1, 3), Share(1, 2))
    assert (found.alone, found.after) == (Share(2, 5), Share(2, 5))


@pytest.mark.parametrize(
    ("cases", "right_alone", "rescued", "misled"),
    [(200, 0.8, 0.5, 0.05), (100, 0.7, 0.3, 0.1), (400, 0.9, 0.6, 0.02), (60, 0.6, 0.4, 0.2)],
)
def test_the_intervals_hold_what_is_true_of_a_reader_in_93_of_100_runs(cases, right_alone, rescued, misled):
    rng, runs, held = random.Random(1), 1000, [0, 0]
    for _run in range(runs):
        found = helped(a_reader(rng, cases, right_alone=right_alone, rescued=rescued, misled=misled))
        for n, (share, truth) in enumerate(((found.rescued, rescued), (found.misled, misled))):
            low, high = share.interval
            held[n] += low <= truth <= high
    assert min(held) / runs >= 0.93


def test_of_no_case_nothing_is_claimed():
    assert helped([]).rescued.interval == (0, 1)
    assert took([]).middle is None
    assert times_as_long([3.0], [2.0, 4.0]) is None


def test_how_many_times_as_long_it_takes_holds_the_truth():
    rng, held = random.Random(2), 0
    for _run in range(500):
        blind = [rng.lognormvariate(4.0, 0.6) for _ in range(50)]
        shown = [rng.lognormvariate(3.7, 0.5) for _ in range(80)]
        found = times_as_long(blind, shown)
        held += found.low <= 2.718281828 ** (4.0 - 3.7) <= found.high
    assert held / 500 >= 0.93
