"""Two who decide on one follow-up at once, and workers that have the same to say, with real processes on SQLite and on
PostgreSQL."""

import json

import pytest

pytestmark = pytest.mark.slow

RUSH = "from inference.tests import rush_follow_ups as rush; rush."


def outcome(installation, what: str):
    return json.loads(installation.python(f"{RUSH}{what}").splitlines()[-1])


def test_of_several_who_close_at_once_one_does_and_the_others_are_told(installation):
    told = outcome(installation, "close(people=4)")
    assert sorted(told["answers"]) == sorted(["FollowUpError"] * 3 + [told["stands"]])
    assert told["closed"] == 1


def test_what_is_given_to_somebody_who_leaves_at_that_moment_is_on_one_list(installation):
    assert outcome(installation, "leave(times=4)") == [1] * 4


def test_what_a_film_answers_that_is_hidden_at_that_moment_is_not_lost(installation):
    assert outcome(installation, "answer_with_what_is_hidden(times=4)") == [True] * 4


def test_workers_that_tell_at_once_say_mail_and_summarise_everything_once(installation):
    told = outcome(installation, "tell(workers=4)")
    once = ["batch_over", "follow_up_given", "follow_up_overdue", *["read_now"] * 3]
    assert told == {"said": once, "mails": 2, "summaries": [1, 1]}
