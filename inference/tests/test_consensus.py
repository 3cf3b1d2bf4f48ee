"""What several models say together."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.nn.consensus import DEFAULT_THRESHOLD, Reason, Vote, decide

LABELS = ("COVID", "Normal", "Viral Pneumonia", "Lung Opacity")


def vote(model, weight=1.0, is_demo=False, **probabilities):
    return Vote(model, probabilities, weight, is_demo)


def reason(consensus, code):
    return next((r for r in consensus.reasons if r["code"] == code), None)


def test_the_diagnosis_is_the_top_of_the_mean_and_not_the_most_votes():
    consensus = decide([vote("sure", A=0.9, B=0.1), vote("so-so", A=0.45, B=0.55), vote("torn", A=0.48, B=0.52)])
    assert consensus.diagnosis == "A"
    assert consensus.confidence == pytest.approx((0.9 + 0.45 + 0.48) / 3)
    assert consensus.agreement == pytest.approx(1 / 3)


def test_a_model_s_weight_moves_the_mean():
    votes = [vote("first", weight=3, A=0.8, B=0.2), vote("second", weight=1, A=0.0, B=1.0)]
    assert decide(votes).probabilities == pytest.approx({"A": 0.6, "B": 0.4})


def test_agreement_counts_heads_and_not_weights():
    votes = [vote("heavy", weight=5, A=1.0), vote("light", weight=1, B=1.0)]
    assert decide(votes).agreement == 0.5


def test_votes_without_any_weight_count_alike():
    votes = [vote("first", weight=0, A=1.0), vote("second", weight=0, A=0.5, B=0.5)]
    assert decide(votes).probabilities == pytest.approx({"A": 0.75, "B": 0.25})


def test_a_label_that_one_model_does_not_know_counts_as_nothing_there():
    consensus = decide([vote("two", A=0.5, B=0.5), vote("three", A=0.2, B=0.2, C=0.6)])
    assert consensus.probabilities == pytest.approx({"A": 0.35, "B": 0.35, "C": 0.3})


def test_equal_probabilities_do_not_depend_on_the_order_of_models_or_labels():
    assert decide([vote("one", B=0.5, A=0.5)]).diagnosis == decide([vote("one", A=0.5, B=0.5)]).diagnosis == "A"


def test_a_sure_and_unanimous_answer_of_real_models_needs_no_review():
    consensus = decide([vote("one", A=0.9, B=0.1), vote("two", A=0.8, B=0.2)])
    assert not consensus.needs_review
    assert consensus.reasons == []
    assert consensus.agreement == 1


def test_weights_however_small_still_weigh():
    votes = [vote("first", weight=5e-324, A=0.8, B=0.2), vote("second", weight=0, B=1.0)]
    assert decide(votes).probabilities == pytest.approx({"A": 0.8, "B": 0.2})


@pytest.mark.parametrize(("confidence", "doubtful"), [(0.749, True), (0.75, False), (0.751, False)])
def test_confidence_below_the_threshold_needs_review(confidence, doubtful):
    consensus = decide([vote("one", A=confidence, B=1 - confidence)], threshold=0.75)
    assert consensus.needs_review == doubtful
    if doubtful:
        assert reason(consensus, Reason.LOW_CONFIDENCE) == {
            "code": "low_confidence",
            "confidence": confidence,
            "threshold": 0.75,
        }


def test_dissenters_are_named_with_what_they_say():
    consensus = decide([vote("one", A=0.99, B=0.01), vote("two", A=0.9, B=0.1), vote("three", A=0.4, B=0.6)])
    assert reason(consensus, Reason.MODELS_DISAGREE)["models"] == {"three": "B"}


def test_an_unsuitable_picture_and_a_demonstration_model_need_review_however_sure():
    votes = [vote("toy", is_demo=True, A=1.0), vote("real", A=1.0)]
    consensus = decide(votes, quality_issues=["tiny", "colour"])
    assert reason(consensus, Reason.PICTURE_UNSUITABLE)["issues"] == ["tiny", "colour"]
    assert reason(consensus, Reason.DEMONSTRATION_MODEL)["models"] == ["toy"]


def test_reasons_survive_json():
    consensus = decide([vote("one", is_demo=True, A=0.6, B=0.4), vote("two", A=0.4, B=0.6)], quality_issues=["colour"])
    read_again = json.loads(json.dumps(consensus.reasons))
    of_no_vote = {Reason.NO_CHEST, Reason.NOT_FRONTAL, Reason.CHILD, Reason.NOT_A_FRONTAL_CHEST_FILM, Reason.MOVED}
    assert [r["code"] for r in read_again] == [str(code) for code in Reason if code not in of_no_vote]


@pytest.mark.parametrize(
    ("votes", "complaint"),
    [
        ([], "at least one"),
        ([vote("one", weight=-1, A=1.0)], "one: a weight"),
        ([vote("one", weight=math.nan, A=1.0)], "one: a weight"),
        ([vote("one", A=0.5)], "one: probabilities"),
        ([vote("one", A=math.nan, B=1.0)], "one: probabilities"),
        ([vote("one", A=1.5, B=-0.5)], "one: probabilities"),
    ],
)
def test_nonsense_is_refused_and_named(votes, complaint):
    with pytest.raises(ValueError, match=complaint):
        decide(votes)


@st.composite
def ballots(draw):
    """One to seven models, each with weights for one to four of the labels."""
    votes = []
    for number in range(draw(st.integers(1, 7))):
        labels = draw(st.lists(st.sampled_from(LABELS), min_size=1, unique=True))
        shares = draw(st.lists(st.floats(0.001, 1), min_size=len(labels), max_size=len(labels)))
        probabilities = {label: share / sum(shares) for label, share in zip(labels, shares, strict=True)}
        votes.append(Vote(f"model {number}", probabilities, draw(st.just(0.0) | st.floats(0.001, 10))))
    return votes


@given(ballots())
def test_the_mean_is_a_distribution_over_every_label_any_model_knows(votes):
    consensus = decide(votes)
    assert set(consensus.probabilities) == {label for v in votes for label in v.probabilities}
    assert all(0 <= p <= 1 for p in consensus.probabilities.values())
    assert sum(consensus.probabilities.values()) == pytest.approx(1)
    assert consensus.confidence == max(consensus.probabilities.values())
    assert 0 <= consensus.agreement <= 1


@given(ballots(), st.randoms())
def test_the_order_of_the_models_changes_nothing(votes, random):
    shuffled = random.sample(votes, len(votes))
    first, second = decide(votes), decide(shuffled)
    assert (first.diagnosis, first.probabilities, first.agreement) == (
        second.diagnosis,
        second.probabilities,
        second.agreement,
    )


@given(ballots(), st.floats(0.01, 100))
def test_only_the_proportion_of_the_weights_counts(votes, factor):
    scaled = [Vote(v.model, v.probabilities, v.weight * factor) for v in votes]
    assert decide(scaled).probabilities == pytest.approx(decide(votes).probabilities)


@given(ballots())
def test_the_mean_lies_within_what_the_models_say(votes):
    """A mean is never more extreme than those it is made of."""
    for label, probability in decide(votes).probabilities.items():
        said = [v.probabilities.get(label, 0.0) for v in votes]
        assert min(said) - 1e-9 <= probability <= max(said) + 1e-9


@given(ballots())
def test_review_is_needed_exactly_where_the_answer_is_doubtful_or_disputed(votes):
    consensus = decide(votes)
    doubtful = consensus.confidence < DEFAULT_THRESHOLD
    disputed = any(v.diagnosis != consensus.diagnosis for v in votes)
    assert consensus.needs_review == (doubtful or disputed)
