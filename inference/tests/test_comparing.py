"""“Run again and compare”: a new answer about the same film, and what is otherwise, in words."""

import pytest
from django.urls import reverse

from inference import voting, worker
from inference.models import DiagnosticModel, Prediction
from inference.requests import ask
from inference.tests.own_answers import has_read

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answered(make_xray, tiny_models, clinician) -> Prediction:
    voting.forget_the_ensemble()
    [prediction] = ask([make_xray(1)], by=clinician).predictions
    worker.answer_waiting()
    prediction.refresh_from_db()
    return prediction


def address(page: str, prediction: Prediction) -> str:
    return reverse(f"admin:inference_prediction_{page}", args=[prediction.pk])


def run_again(client, prediction: Prediction) -> str:
    """The page that the press leads to, once a worker has answered."""
    response = client.post(address("again", prediction))
    assert response.status_code == 302
    assert "The models look at the film again" in client.get(response["Location"]).text
    worker.answer_waiting()
    return client.get(response["Location"]).text


def test_the_same_models_say_the_same_to_the_last_bit_and_it_is_said(client, administrator, answered):
    client.force_login(administrator)
    page = run_again(client, answered)
    assert Prediction.objects.filter(xray=answered.xray, status="completed").count() == 2
    assert "The diagnosis is the same" in page
    assert "Everything is the same to the last bit" in page


def test_what_was_otherwise_when_they_were_made_is_said(client, administrator, answered):
    model = DiagnosticModel.objects.order_by("pk").first()
    model.temperature, model.vote_weight = 2.5, 3.0
    model.save()
    stored = answered.provenance
    stored["torch"], stored["device_name"], stored["pixels_sha256"] = "1.0", "an older processor", "0" * 64
    stored["dtype"] = "bfloat16"
    stored["models"][1]["sha256"], stored["models"][1]["version"] = "f" * 64, "0.9"
    stored["models"][1]["preprocessing"]["clahe"] = False
    stored["models"].append(stored["models"][1] | {"name": "Gone"})
    Prediction.objects.filter(pk=answered.pk).update(provenance=stored)
    client.force_login(administrator)
    page = run_again(client, answered)
    for said in (
        "Tiny ResNet is calibrated otherwise.",
        "The vote of Tiny ResNet weighed 1 and weighs 3.",
        "Tiny ViT has other weights: version 1 in place of 0.9.",
        "Tiny ViT sees films otherwise",
        "No longer asked: Gone.",
        "torch: 1.0 →",
        "It is computed in another way: bfloat16 → float32.",
        "It was computed on an older processor",
        "The picture that the models see of this film is another one.",
    ):
        assert said in page, said


def test_a_difference_that_nothing_explains_is_said_to_be_one(client, administrator, answered):
    result = answered.results.first()
    moved = dict(result.probabilities)
    first, second = list(moved)[:2]
    moved[first], moved[second] = moved[first] + 1e-9, moved[second] - 1e-9
    answered.results.filter(pk=result.pk).update(probabilities=moved)
    client.force_login(administrator)
    assert "Nothing that is kept differs" in run_again(client, answered)


def test_who_may_not_read_an_answer_sees_no_word_of_it_there(client, clinician, front_desk, answered):
    for person in (clinician, front_desk):
        client.force_login(person)
        assert client.get(address("compare", answered)).status_code == 403
        assert client.post(address("again", answered)).status_code == 403
    assert Prediction.objects.count() == 1


def test_another_film_s_answer_one_that_is_hidden_and_one_that_is_not_there_are_not_shown(
    client, administrator, clinician, make_xray, answered
):
    [other] = ask([make_xray(2)], by=clinician).predictions
    worker.answer_waiting()
    client.force_login(administrator)
    assert "There is one answer about this film so far" in client.get(address("compare", answered)).text
    assert client.get(f"{address('compare', answered)}?with={other.pk}").status_code == 404
    assert client.get(f"{address('compare', answered)}?with=x").status_code == 404
    assert client.get(address("again", answered)).status_code == 403
    answered.xray.__class__.objects.filter(pk=answered.xray_id).hide(by=administrator, reason="twice")
    assert client.post(address("again", answered)).status_code == 409  # it says what was hidden meanwhile


def test_two_presses_at_once_ask_once(client, administrator, answered):
    client.force_login(administrator)
    first, second = (client.post(address("again", answered))["Location"] for _press in range(2))
    assert first == second
    assert Prediction.objects.filter(xray=answered.xray).count() == 2


def test_the_answer_s_page_leads_to_it(client, administrator, clinician, answered):
    client.force_login(administrator)
    assert address("compare", answered) in client.get(address("change", answered)).text
    client.force_login(clinician)
    assert address("compare", answered) not in client.get(address("change", answered)).text


def test_who_reads_first_compares_once_both_answers_are_open_to_them(client, clinician, answered):
    client.force_login(clinician)
    assert client.get(address("compare", answered)).status_code == 403
    has_read(clinician, answered)
    page = run_again(client, answered)
    assert "closed to you until your own about it is kept" in page
    assert "The diagnosis is the same" not in page
    newer = answered.xray.predictions.latest("pk")
    has_read(clinician, newer)
    assert "The diagnosis is the same" in client.get(address("compare", answered)).text
