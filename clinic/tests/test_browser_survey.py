"""The survey page in a real browser: questions are added and moved without leaving it."""

import pytest
from model_bakery import baker
from playwright.sync_api import Page

from clinic.models import LikertQuestion, NumericQuestion

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def survey(page_of, administrator) -> Page:
    for position, text in enumerate(["First", "Second"], start=1):
        baker.make(LikertQuestion, text=text, min_label="no", max_label="yes", position=position)
    baker.make(NumericQuestion, text="How many?", position=1)
    page = page_of(administrator)
    page.goto("/admin/clinic/survey/")
    return page


def test_questions_are_added_and_moved_and_saved_together(survey: Page):
    scales = survey.get_by_role("region", name="Scale questions")
    scales.get_by_role("button", name="Add another question").click()
    survey.keyboard.type("Added")  # the focus is in the new question
    added = scales.get_by_role("listitem").last
    added.get_by_label("Label at 1").fill("never")
    added.get_by_label("Label at 7").fill("always")
    for _place in range(3):  # past the empty one, and two more
        added = scales.get_by_role("listitem").filter(has=survey.locator("input[name='likert-3-text']"))
        added.get_by_role("button", name="Move up").click()
    survey.get_by_label("Question: How many?").fill("How much?")
    survey.get_by_role("button", name="Save both").click()
    # The new one, two that gave way, and the number question.
    survey.get_by_role("status").filter(has_text="4 questions are saved.").wait_for()
    assert [question.text for question in LikertQuestion.objects.asked()] == ["Added", "First", "Second"]
    assert NumericQuestion.objects.get().text == "How much?"
