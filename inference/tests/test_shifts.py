"""Planted shifts are noticed within fifty films, and a year without one is quiet. Pure numbers; films are phantoms."""

from functools import cache

import numpy as np
import pytest

from imaging import phantom
from inference.figures import shifts
from inference.figures.shifts import Numbers, Shares, fisher, of_numbers, of_shares
from inference.nn.embedding import LENGTH, embedding
from inference.nn.gate import Gate, measures

REFERENCE, RUNS = 300, 50
DEVICES = {"Alpha 1": 0.6, "Beta 2": 0.3, "": 0.1}
ISSUES = {"too_dark": 0.03, "low_contrast": 0.02, "cut_off": 0.05}
LABELS = 4


@cache
def looks(seed: int, inverted: bool = False) -> np.ndarray:
    picture = phantom.render(phantom.DIAGNOSES[seed % 4], seed, 96)
    picture = 255 - picture if inverted else picture
    return embedding(picture, measures(picture, gate().template))


@cache
def gate() -> Gate:
    return Gate.read()


def shares_of(rng, chances: dict[str, float], films: int) -> dict[str, int]:
    return {name: int(rng.binomial(films, p)) for name, p in chances.items()}


def devices_of(rng, films: int, chances: dict[str, float] = DEVICES) -> dict[str, int]:
    return dict(zip(chances, rng.multinomial(films, list(chances.values())).tolist(), strict=True))


def answers_of(rng, films: int, networks: list[np.ndarray]) -> np.ndarray:
    """How far each network is from all together, of films of every kind: each is unsure in its own way."""
    said = said_by(rng, films, networks)
    return np.abs(said - said.mean(0)).sum(2).T / 2


def said_by(rng, films: int, networks: list[np.ndarray]) -> np.ndarray:
    kinds = rng.integers(LABELS, size=films)
    columns = []
    for network in networks:
        logits = network[kinds] + rng.normal(0, 1.2, (films, LABELS))
        p = np.exp(logits - logits.max(1, keepdims=True))
        columns.append(p / p.sum(1, keepdims=True))
    return np.array(columns)


def networks_of(rng, count: int) -> list[np.ndarray]:
    return [np.eye(LABELS) * rng.uniform(2.5, 5) + rng.normal(0, 0.3, (LABELS, LABELS)) for _ in range(count)]


def test_negatives_are_noticed_within_fifty_films():
    rng = np.random.default_rng(1)
    films = np.array([looks(seed) for seed in range(90)], float)
    negatives = np.array([looks(seed, inverted=True) for seed in range(90, 115)], float)
    assert films.shape[1] == LENGTH
    noticed = 0
    for _run in range(RUNS):
        reference = films[rng.integers(len(films), size=REFERENCE)]
        now = negatives[rng.integers(len(negatives), size=shifts.NEWEST)]
        noticed += of_numbers(Numbers(reference, now, list(range(LENGTH)))).is_shifted
    assert noticed / RUNS >= 0.9


def test_a_new_device_is_noticed_within_fifty_films():
    rng, noticed = np.random.default_rng(2), 0
    for _run in range(RUNS):
        was = devices_of(rng, REFERENCE)
        now = devices_of(rng, shifts.NEWEST, {name: p * 0.6 for name, p in DEVICES.items()} | {"Gamma 3": 0.4})
        found = of_shares(Shares(was, REFERENCE, now, shifts.NEWEST))
        noticed += found.is_shifted and found.most["name"] == "Gamma 3"
    assert noticed / RUNS >= 0.9


def test_swapped_weights_of_one_model_of_six_are_noticed_within_fifty_films():
    """What it says by itself is as before: that it departs from the others is not."""
    rng, noticed = np.random.default_rng(3), 0
    names = [f"model {n}" for n in range(6)]
    for _run in range(RUNS):
        networks = networks_of(rng, 6)
        reference = answers_of(rng, REFERENCE, networks)
        networks[2] = networks_of(rng, 1)[0][[1, 2, 3, 0]]  # as sure as before, and wrong
        found = of_numbers(Numbers(reference, answers_of(rng, shifts.NEWEST, networks), names))
        noticed += found.is_shifted and found.most["name"] == "model 2"
    assert noticed / RUNS >= 0.9


@pytest.mark.parametrize("seed", range(2))
def test_a_year_of_weeks_in_which_nothing_shifts_raises_one_false_alarm_at_most(seed):
    """All channels and both windows, as the weekly look has them; five clinics for each seed."""
    rng = np.random.default_rng(100 + seed)
    for _clinic in range(5):
        networks = networks_of(rng, 6)
        was = {
            "pictures": rng.normal(size=(REFERENCE, LENGTH)),
            "together": said_by(rng, REFERENCE, networks).mean(0),
            "each": answers_of(rng, REFERENCE, networks),
        }
        devices, issues = devices_of(rng, REFERENCE), shares_of(rng, ISSUES, REFERENCE)
        alarms = 0
        for _week in range(52):
            found = []
            for films in (shifts.NEWEST, 90):
                now = {
                    "pictures": rng.normal(size=(films, LENGTH)),
                    "together": said_by(rng, films, networks).mean(0),
                    "each": answers_of(rng, films, networks),
                }
                found += [of_numbers(Numbers(was[name], now[name], list(range(now[name].shape[1])))) for name in was]
                found.append(of_shares(Shares(devices, REFERENCE, devices_of(rng, films), films)))
                found.append(of_shares(Shares(issues, REFERENCE, shares_of(rng, ISSUES, films), films)))
            assert len(found) == shifts.CHANNELS * shifts.WINDOWS
            alarms += any(one.is_shifted for one in found)
        assert alarms <= 1


def test_the_smallest_shift_is_seen_four_times_in_five_and_a_much_smaller_one_is_not():
    rng = np.random.default_rng(5)
    smallest = of_numbers(Numbers(rng.normal(size=(REFERENCE, 1)), rng.normal(size=(50, 1)), ["x"])).smallest
    seen = {1.0: 0, 0.4: 0}
    for step in seen:
        for _run in range(200):
            now = rng.normal(step * smallest, 1, (50, 1))
            seen[step] += of_numbers(Numbers(rng.normal(size=(REFERENCE, 1)), now, ["x"])).is_shifted
    assert seen[1.0] / 200 >= 0.75
    assert seen[0.4] / 200 <= 0.2


def test_the_smallest_share_is_seen_four_times_in_five():
    rng, seen = np.random.default_rng(6), 0
    found = of_shares(Shares({"a": 9}, REFERENCE, {"a": 2}, 50))
    assert found.usual == 0.03
    for _run in range(300):
        now = {"a": int(rng.binomial(50, found.smallest))}
        seen += of_shares(Shares({"a": 9}, REFERENCE, now, 50)).is_shifted
    assert 0.72 <= seen / 300 <= 0.9


def test_fishers_exact_test_is_as_computed_by_hand():
    # Of 4 in 4 beside 0 in 4 there is one way in 70; both tails make two.
    assert fisher(0, 4, 4, 4) == pytest.approx(2 / 70)
    assert fisher(2, 4, 2, 4) == 1


def test_of_too_few_films_nothing_is_said():
    few, many = np.zeros((5, 1)), np.zeros((REFERENCE, 1))
    assert of_numbers(Numbers(many, few, ["x"])) is None
    assert of_numbers(Numbers(few, many, ["x"])) is None
    assert of_shares(Shares({}, 5, {}, 50)) is None
