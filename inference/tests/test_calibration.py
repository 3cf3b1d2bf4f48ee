"""Whether probabilities mean what they say, and how often the true class is left out: numbers alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.nn import conformal
from inference.nn.calibration import (
    COLDEST,
    FEWEST_CASES,
    Kind,
    Scaling,
    entropy,
    expected_calibration_error,
    figures,
    fit,
    fit_temperature,
    fit_vector,
    folds,
    log_losses,
    log_softmax,
)


def honest(n: int, labels: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is exactly as likely as it says, and what was true."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(n, labels)) * 1.5
    truths = np.array([random.choice(labels, p=row) for row in np.exp(log_softmax(logits))])
    return logits, truths


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_on_is_found(temperature):
    logits, truths = honest(4000)
    found = fit_temperature(log_softmax(temperature * logits), truths)
    assert 1 / found.scales == pytest.approx([temperature] * 4, rel=0.1)


def test_answers_that_are_all_right_keep_some_doubt():
    found = fit_temperature(log_softmax(5 * np.eye(4)), np.arange(4))
    assert 1 / found.scales == pytest.approx([COLDEST] * 4)


def test_a_vector_scaling_finds_what_was_done_to_each_label():
    logits, truths = honest(4000)
    done = Scaling(np.array([0.5, 0.8, 1.2, 0.4]), np.array([0.3, -1.0, 0.0, 0.7]))
    distorted = done.undo(log_softmax(logits))
    found = fit_vector(distorted, truths)
    assert found.scales == pytest.approx(done.scales, abs=0.12)
    assert found.biases - found.biases.mean() == pytest.approx(done.biases - done.biases.mean(), abs=0.25)


@given(
    st.lists(st.floats(-20, 0), min_size=3, max_size=3),
    st.lists(st.floats(0.1, 4), min_size=3, max_size=3),
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
)
def test_what_was_applied_can_be_undone(logs, scales, biases):
    scaling, row = Scaling(np.array(scales), np.array(biases)), log_softmax(np.array([logs]))
    assert scaling.undo(scaling.apply(row)) == pytest.approx(row, abs=1e-6)


def test_too_sure_a_model_is_cooled_and_the_gain_is_measured_on_cases_held_out():
    logits, truths = honest(600)
    raw = log_softmax(3 * logits)
    found = fit(raw, raw, truths, range(600))
    assert found.kind == Kind.TEMPERATURE
    before, after = figures(raw, truths), figures(found.held_out, truths)
    assert after["ece"] < before["ece"] / 2
    assert after["log_loss"] < before["log_loss"]
    on_its_own = log_losses(fit_temperature(raw, truths).apply(raw), truths).mean()
    assert after["log_loss"] >= on_its_own  # what was fitted to a case flatters it


def test_a_vector_scaling_is_taken_where_it_pays():
    logits, truths = honest(600)
    raw = log_softmax((logits - [1.5, 0, 0, -1.5]) * [3, 2, 1, 3])
    assert fit(raw, raw, truths, range(600)).kind == Kind.VECTOR


def test_what_is_honest_already_is_kept_and_so_is_what_few_cases_say_nothing_of():
    logits, truths = honest(600)
    raw = log_softmax(logits)
    assert fit(raw, raw, truths, range(600)).scaling is None
    few = FEWEST_CASES - 1
    assert fit(3 * raw[:few], 3 * raw[:few], truths[:few], range(few)).kind == Kind.KEPT


def test_a_model_that_is_always_right_is_made_no_surer_by_that():
    raw = log_softmax(np.eye(4)[np.arange(80) % 4] * 3)
    assert fit(raw, raw, np.arange(80) % 4, range(80)).kind == Kind.KEPT


def test_a_person_is_never_on_both_sides_of_a_fit():
    truths, people = np.arange(60) % 4, [f"person {n // 5}" for n in range(60)]
    fold_of = folds(truths, people)
    assert len(set(fold_of)) == 5
    assert all(len({fold_of[n] for n in range(60) if people[n] == person}) == 1 for person in people)


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy():
    sure = np.log(np.array([[0.9, 0.1]] * 10))
    assert expected_calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0)
    assert expected_calibration_error(sure, np.array([0] * 4 + [1] * 6)) == pytest.approx(0.5)


def test_entropy_goes_from_certain_to_wide_open():
    assert entropy({"A": 1.0, "B": 0.0}) == 0
    assert entropy({"A": 0.25, "B": 0.25, "C": 0.25, "D": 0.25}) == pytest.approx(1)


# -- Sets --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("coverage", "needed"), [(0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_a_promise_needs_so_many_cases_and_not_one_less(coverage, needed):
    assert conformal.fewest_cases(coverage) == needed
    assert conformal.bound(np.linspace(0.2, 0.9, needed), coverage) == 0.2
    assert conformal.bound(np.linspace(0.2, 0.9, needed - 1), coverage) is None


def test_the_true_class_is_left_out_no_more_often_than_promised_whichever_it_is():
    logits, truths = honest(6000)
    p = np.exp(log_softmax(logits * [3, 1, 1, 0.3]))  # however wrong the probabilities are
    known, new = slice(0, 2000), slice(2000, None)
    for label in range(4):
        bound = conformal.bound(p[known][truths[known] == label, label], 0.9)
        held = p[new][truths[new] == label, label] >= bound
        assert held.mean() == pytest.approx(0.9, abs=0.05)


def test_a_class_with_too_few_cases_is_never_left_out():
    found = conformal.prediction_set({"A": 0.7, "B": 0.2, "C": 0.1}, {"A": 0.5, "B": 0.3, "C": None})
    assert (found.labels, found.undecided) == (["A"], ["C"])
    assert conformal.missing({"A": 9, "B": 3}, ["A", "B", "C"], 0.9) == {"B": 6, "C": 9}


def test_what_the_bounds_hold_is_counted_on_cases_that_they_were_not_taken_from():
    assert conformal.covered(np.linspace(0.2, 0.9, 9), 0.9) is None
    assert conformal.covered(np.linspace(0.2, 0.9, 10), 0.9) == 9
