"""The second opinion on the admin's first page: what waits for a clinician, what runs, what failed."""

import pytest
from django.utils import timezone

from inference.asking import ask
from inference.models import Prediction

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def first_page(client, clinician):
    client.force_login(clinician)
    return lambda: client.get("/admin/").text


def test_an_answer_that_needs_review_waits_there_until_it_is_signed(first_page, make_xray, clinician):
    [prediction] = ask([make_xray()], by=clinician).predictions
    answer = {"status": "completed", "diagnosis": "COVID", "confidence": 0.71, "finished_at": timezone.now()}
    Prediction.objects.update(**answer, needs_review=True)
    assert f"?prediction={prediction.pk}" in first_page()
    assert "COVID 0.71" in first_page()
    Prediction.objects.update(is_validated=True, final_diagnosis="COVID")
    assert "COVID 0.71" not in first_page()
    assert "Nothing waits." in first_page()


def test_what_runs_and_what_failed_are_counted(first_page, make_xray, clinician):
    assert "The models are idle." in first_page()
    ask([make_xray(seed) for seed in range(3)], by=clinician)
    Prediction.objects.filter(pk=Prediction.objects.last().pk).update(status="failed", error="It broke.")
    page = first_page()
    assert "2 pictures" in page
    assert "1 failed" in page


def test_the_front_desk_sees_none_of_it(client, front_desk, make_xray, clinician):
    ask([make_xray()], by=clinician)
    client.force_login(front_desk)
    assert "Waiting for a clinician" not in client.get("/admin/").text
