"""Asking the models from the admin: the action, the limit, and what a page shows while and after they answer."""

import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from PIL import Image

from backoffice.models import Role
from inference import worker
from inference.models import DiagnosticModel, ModelResult, Prediction, Worker
from inference.requests import ask
from inference.tests.own_answers import has_read, read_by_hand

pytestmark = pytest.mark.django_db(transaction=True)
XRAYS = "/admin/imaging/xrayimage/"
PREDICTIONS = "/admin/inference/prediction/"


def act(client, where, action, rows):
    return client.post(where, {"action": action, "_selected_action": [row.pk for row in rows]}, follow=True)


def page_of(xray) -> str:
    return reverse("admin:imaging_xrayimage_change", args=[xray.pk])


@pytest.fixture
def answered(make_xray, tiny_models, clinician):
    [prediction] = ask([make_xray()], by=clinician).predictions
    worker.answer_waiting()
    prediction.refresh_from_db()
    return prediction


def test_the_action_asks_about_every_selected_xray(client, clinician, make_xray):
    client.force_login(clinician)
    xrays = [make_xray(seed) for seed in range(3)]
    response = act(client, XRAYS, "ask_models", xrays)
    assert "The models are asked about 3 X-rays" in response.content.decode()
    assert Prediction.objects.filter(status="pending", requested_by=clinician).count() == 3


def test_an_xray_that_waits_already_is_not_asked_about_twice(client, clinician, make_xray):
    client.force_login(clinician)
    xray = make_xray()
    act(client, XRAYS, "ask_models", [xray])
    response = act(client, XRAYS, "ask_models", [xray])
    assert "1 X-ray is being answered already" in response.content.decode()
    assert Prediction.objects.count() == 1


def test_what_is_over_the_daily_limit_is_told_and_not_asked(client, clinician, make_xray, settings):
    settings.MAX_PREDICTIONS_PER_DAY = 2
    client.force_login(clinician)
    response = act(client, XRAYS, "ask_models", [make_xray(seed) for seed in range(3)])
    assert "1 X-ray is over your limit of 2 for today" in response.content.decode()
    assert Prediction.objects.count() == 2


def test_the_page_waits_shows_progress_and_then_stops_asking(client, clinician, make_xray, tiny_models):
    client.force_login(clinician)
    xray = make_xray()
    client.post(f"{page_of(xray)[: -len('change/')]}ask/")
    assert 'hx-trigger="every 1s"' in client.get(page_of(xray)).content.decode()
    Prediction.objects.update(status="processing", progress=40)
    card = client.get(reverse("admin:imaging_xrayimage_answer", args=[xray.pk])).content.decode()
    assert 'value="40"' in card
    Prediction.objects.update(status="pending")
    worker.answer_waiting()
    card = client.get(reverse("admin:imaging_xrayimage_answer", args=[xray.pk])).content.decode()
    assert "hx-trigger" not in card
    assert "What do you see?" in card
    assert "Tiny ResNet" not in card
    page = read_by_hand(client, Prediction.objects.get()).text
    assert "Tiny ResNet" in page
    assert "data-heat-choice" in page


def test_where_a_role_is_shown_the_answer_at_once_its_heat_maps_arrive_with_it(client, clinician, answered):
    Role.objects.update(reads_first=False)
    client.force_login(clinician)
    card = client.get(reverse("admin:imaging_xrayimage_answer", args=[answered.xray_id])).text
    assert "Tiny ResNet" in card
    assert "data-heat-choice" in card


def test_who_asks_urgently_is_answered_first_and_all_see_that_it_is_urgent(client, clinician, make_xray):
    client.force_login(clinician)
    calm, waiting, urgent = (make_xray(seed) for seed in range(3))
    act(client, XRAYS, "ask_models", [calm, waiting])
    told = act(client, XRAYS, "ask_models_urgently", [waiting, urgent]).text
    assert "The models are asked about 1 X-ray." in told
    assert "1 X-ray that was waiting is urgent from now on." in told
    assert "is being answered already" not in told
    assert list(Prediction.objects.filter(is_urgent=True).values_list("xray", flat=True).order_by("pk")) == [
        waiting.pk,
        urgent.pk,
    ]
    for address in [XRAYS, PREDICTIONS, "/admin/"]:
        assert "urgent" in client.get(address).text


def test_a_film_is_asked_about_urgently_or_made_urgent_while_it_waits(client, clinician, make_xray):
    client.force_login(clinician)
    xray, other = make_xray(0), make_xray(1)
    assert "Ask urgently" in client.get(page_of(xray)).text
    client.post(f"{page_of(xray)[: -len('change/')]}ask/")
    client.post(f"{page_of(other)[: -len('change/')]}ask/", {"urgent": "1"})
    assert "Make it urgent" in client.get(page_of(xray)).text
    assert "Make it urgent" not in client.get(page_of(other)).text
    client.post(f"{page_of(xray)[: -len('change/')]}ask/", {"urgent": "1"})
    assert Prediction.objects.filter(is_urgent=True).count() == 2


def test_who_waits_is_told_what_is_before_them_and_how_long_it_takes(client, clinician, make_xray, answered):
    client.force_login(clinician)
    ModelResult.objects.update(milliseconds=4000)  # two models
    xrays = [make_xray(seed) for seed in range(1, 4)]
    ask(xrays[:2], by=clinician)
    ask(xrays[2:], by=clinician, urgent=True)
    assert "No worker is running" in client.get(page_of(xrays[1])).text
    baker.make(Worker, beat_at=timezone.now())
    told = client.get(page_of(xrays[1])).text
    assert "2 X-rays are before it." in told
    assert "That takes about 25 seconds." in told
    assert "before it" not in client.get(page_of(xrays[2])).text


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_who_no_longer_needs_it_cancels_it_on_the_films_page(client, clinician, make_xray, status):
    client.force_login(clinician)
    [prediction] = ask([make_xray()], by=clinician).predictions
    Prediction.objects.update(status=status)
    cancel = reverse("admin:imaging_xrayimage_cancel", args=[prediction.xray_id])
    assert cancel in client.get(page_of(prediction.xray)).text
    assert "It is cancelled." in client.post(cancel, follow=True).text
    prediction.refresh_from_db()
    assert prediction.status == "cancelled"
    assert "Nothing was left to cancel" in client.post(cancel, follow=True).text


def test_the_page_of_what_is_not_answered_shows_no_fields_that_only_an_answer_fills(client, clinician, make_xray):
    [prediction] = ask([make_xray(1)], by=clinician).predictions
    client.force_login(clinician)
    address = reverse("admin:inference_prediction_change", args=[prediction.pk])
    page = client.get(address).text
    assert "Asked by" in page
    for title in ("Signature", "Final diagnosis", "Agreement", "How it was made", "Models' answers"):
        assert title not in page
    Prediction.objects.filter(pk=prediction.pk).update(status="failed", error="The picture’s file cannot be read.")
    assert "cannot be read" in client.get(address).text


def test_the_list_refreshes_what_runs_and_stops_when_nothing_does(client, clinician, make_xray):
    client.force_login(clinician)
    [running] = ask([make_xray()], by=clinician).predictions
    live = client.get(f"{XRAYS}live/?live={running.pk}")
    assert live.status_code == 200
    assert f'id="prediction-{running.pk}"' in live.content.decode()
    Prediction.objects.update(status="cancelled")
    assert client.get(f"{XRAYS}live/?live={running.pk}").status_code == 286  # htmx stops polling


def test_the_answer_names_votes_reasons_and_the_demonstration(client, clinician, answered):
    has_read(clinician, answered)
    Prediction.objects.update(
        diagnosis="COVID",
        confidence=0.71,
        review_reasons=[
            {"code": "low_confidence", "confidence": 0.71, "threshold": 0.75},
            {"code": "models_disagree", "models": {"Tiny ViT": "Viral Pneumonia"}},
            {"code": "picture_unsuitable", "issues": ["low_resolution"]},
            {"code": "demonstration_model", "models": ["Tiny ViT"]},
        ],
    )
    client.force_login(clinician)
    page = client.get(page_of(answered.xray)).content.decode()
    for words in [
        "confidence 0.71 is below 0.75",
        "Tiny ViT says Viral Pneumonia",
        "picture unsuitable: low resolution",
        "trained on synthetic pictures, not on patients",
        "Agree: COVID",
        "No heat map of Tiny ViT: where networks of this kind look cannot be drawn",
    ]:
        assert words in page


def test_a_model_shows_where_it_looked_if_its_map_lies_on_findings(client, clinician, answered, tmp_path):
    client.force_login(clinician)
    has_read(clinician, answered)
    of_resnet, of_vit = (
        client.get(reverse("admin:inference_modelresult_heatmap", args=[result.pk]))
        for result in answered.results.order_by("pk")
    )
    path = tmp_path / "heat.png"
    path.write_bytes(of_resnet.getvalue())
    assert "no-store" in of_resnet["Cache-Control"]
    with Image.open(path) as heat:
        assert heat.mode == "RGBA"
    assert of_vit.status_code == 404


def test_a_failed_prediction_is_tried_again(client, clinician, make_xray, tiny_models):
    [prediction] = ask([make_xray()], by=clinician).predictions
    Prediction.objects.update(status="failed", attempts=3, error="It broke.")
    client.force_login(clinician)
    act(client, PREDICTIONS, "retry", [prediction])
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert (prediction.status, prediction.attempts, prediction.error) == ("completed", 1, "")


def test_the_front_desk_sees_nothing_of_it(client, front_desk, answered):
    client.force_login(front_desk)
    result = ModelResult.objects.first()
    for address in [
        XRAYS,
        page_of(answered.xray),
        reverse("admin:imaging_xrayimage_answer", args=[answered.xray_id]),
        f"{XRAYS}live/?live={answered.pk}",
        PREDICTIONS,
        f"{PREDICTIONS}{answered.pk}/change/",
        reverse("admin:inference_modelresult_heatmap", args=[result.pk]),
    ]:
        assert client.get(address).status_code == 403, address
    for address in [
        reverse("admin:imaging_xrayimage_ask", args=[answered.xray_id]),
        reverse("admin:imaging_xrayimage_cancel", args=[answered.xray_id]),
        reverse("admin:inference_prediction_sign", args=[answered.pk]),
    ]:
        assert client.post(address).status_code == 403, address


@pytest.mark.parametrize("address", [XRAYS, PREDICTIONS])
def test_the_lists_cost_the_same_however_long(client, clinician, make_xray, address):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.force_login(clinician)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    ask([make_xray(0)], by=clinician)
    client.get(address)  # content types and the like are cached from here on
    short = queries()
    ask([make_xray(seed) for seed in range(1, 9)], by=clinician)
    assert queries() == short


@pytest.mark.parametrize(
    ("language", "told"), [("en", "sensitivity (COVID: 0.9"), ("zh-hant", "敏感度 (COVID-19：0.9")]
)
def test_a_models_figures_and_labels_are_told_in_the_readers_language(client, administrator, answered, language, told):
    model = DiagnosticModel.objects.first()
    model.metrics = {"pictures": 800, "recall": {"COVID": 0.9}}
    model.save()
    administrator.language = language
    administrator.save()
    client.force_login(administrator)
    page = client.get(reverse("admin:inference_diagnosticmodel_change", args=[model.pk])).text
    assert told in page
    assert ("COVID-19、正常、病毒性肺炎、肺部陰影" in page) == (language == "zh-hant")


def test_every_admin_page_of_it_opens(client, administrator, answered):
    client.force_login(administrator)
    model = answered.results.first().model
    for address in [
        PREDICTIONS,
        f"{PREDICTIONS}{answered.pk}/change/",
        f"{PREDICTIONS}{answered.pk}/history/",
        "/admin/inference/diagnosticmodel/",
        f"/admin/inference/diagnosticmodel/{model.pk}/change/",
        "/admin/inference/report/",
    ]:
        assert client.get(address).status_code == 200, address
