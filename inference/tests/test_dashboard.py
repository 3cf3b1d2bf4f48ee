"""The second opinion on the admin's first page: what waits for a clinician, what runs, what failed, what was found."""

import datetime

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from model_bakery import baker

from backoffice.access import roles
from inference.models import Prediction, Worker
from inference.requests import ask

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def first_page(client, clinician):
    client.force_login(clinician)
    return lambda: client.get("/admin/").text


@pytest.fixture
def answered(make_xray, clinician):
    """Three answers that need a review."""
    predictions = ask([make_xray(seed) for seed in range(3)], by=clinician).predictions
    answer = {"status": "completed", "diagnosis": "COVID", "confidence": 0.71, "finished_at": timezone.now()}
    Prediction.objects.update(**answer, needs_review=True)
    return predictions


def test_an_answer_waits_there_until_it_is_signed_and_nothing_is_told_of_it(first_page, answered):
    page = first_page()
    assert f"?prediction={answered[0].pk}" in page
    assert page.count("COVID") == page.count(">COVID</th>")
    assert "0.71" not in page
    Prediction.objects.update(is_validated=True, final_diagnosis="COVID")
    assert "Nothing waits." in first_page()


@pytest.mark.parametrize(("minutes", "said"), [(0, "just now"), (1, "1 minute"), (135, "2 hours")])
def test_how_long_an_answer_waits_is_said_shortly(first_page, answered, minutes, said):
    Prediction.objects.update(created_at=timezone.now() - datetime.timedelta(minutes=minutes))
    assert f">{said}<" in first_page().replace("\xa0", " ")


def test_what_runs_is_counted_for_whoever_asked(first_page, make_xray, clinician):
    assert "The models are idle." in first_page()
    ask([make_xray(seed) for seed in range(2)], by=clinician)
    assert "2 pictures" in first_page()


def test_who_is_there_to_answer_is_said_where_it_is_not_as_it_should_be(first_page, make_xray, clinician):
    assert "No worker" not in first_page()
    ask([make_xray()], by=clinician)
    assert "No worker has been started." in first_page()
    one = baker.make(Worker, beat_at=timezone.now())
    assert "No worker" not in first_page()
    Worker.objects.update(trouble="no_gpu", detail="torch 9 is built without CUDA")
    assert "No GPU" not in first_page()  # a reader can do nothing about it
    clinician.groups.add(Group.objects.get(name=roles.ADMINISTRATORS))
    assert "No GPU was found: the models run on the processor" in first_page()
    assert "torch 9 is built without CUDA" in first_page()
    Worker.objects.update(beat_at=one.beat_at - datetime.timedelta(minutes=5))
    assert "No worker answers: the last one was heard of 5 minutes ago" in first_page()


def test_what_failed_says_why_and_waits_again_at_one_press(first_page, client, make_xray, clinician):
    assert 'id="retry-' not in first_page()
    [prediction] = ask([make_xray()], by=clinician).predictions
    Prediction.objects.update(status="failed", error="The picture's file cannot be read.", attempts=3)
    page = first_page()
    assert "file cannot be read." in page
    assert f'id="retry-{prediction.pk}"' in page
    pressed = {"action": "retry", "_selected_action": prediction.pk, "_from_dashboard": "1"}
    after = client.post("/admin/inference/prediction/", pressed, follow=True)
    assert after.redirect_chain == [("/admin/", 302)]
    assert "1 waits again." in after.text
    assert 'id="retry-' not in after.text
    prediction.refresh_from_db()
    assert (prediction.status, prediction.attempts) == ("pending", 0)


def test_all_that_failed_waits_again_at_one_press(first_page, client, make_xray, clinician):
    ask([make_xray(seed) for seed in range(4)], by=clinician)
    Prediction.objects.update(status="failed", error="It broke.")
    assert "Try all again" in first_page()
    every = {"action": "retry", "_selected_action": Prediction.objects.last().pk, "select_across": "1"}
    client.post("/admin/inference/prediction/?status__exact=failed", {**every, "_from_dashboard": "1"})
    assert Prediction.objects.filter(status="pending").count() == 4


def test_the_chart_counts_what_was_signed_and_nothing_that_the_models_alone_say(first_page, answered):
    signed = answered[0]
    Prediction.objects.filter(pk=signed.pk).update(is_validated=True, final_diagnosis="Normal")
    page = first_page()
    week = page[page.index("<caption>Diagnoses for each week") :].split("</tr>")[-2]
    normal, opacity, viral, covid = [cell.split("<")[0] for cell in week.split("<td>")[1:]]
    assert (normal, opacity, viral, covid) == ("1", "0", "0", "0")


def test_one_film_that_was_asked_about_twice_counts_once(first_page, answered, clinician):
    film = answered[0].xray
    answer = {"status": "completed", "diagnosis": "COVID", "confidence": 0.8, "finished_at": timezone.now()}
    Prediction.objects.create(xray=film, requested_by=clinician, **answer)
    Prediction.objects.update(is_validated=True, final_diagnosis="COVID")
    assert "COVID: 3" in first_page()


def test_progress_reaches_the_page_while_it_runs(first_page, client, make_xray, clinician):
    ask([make_xray()], by=clinician)
    Prediction.objects.update(status="processing", progress=10)
    assert 'value="10"' in client.get("/admin/live/running/").text
    Prediction.objects.update(progress=60)
    assert 'value="60"' in client.get("/admin/live/running/").text


def test_the_front_desk_sees_none_of_it(client, front_desk, answered):
    client.force_login(front_desk)
    page = client.get("/admin/").text
    for title in ("Waiting for a clinician", "Running", "Diagnoses for each week"):
        assert title not in page
    for name in ("waiting_for_a_clinician", "running", "failed", "diagnoses_each_week"):
        assert client.get(f"/admin/live/{name}/").status_code == 404
