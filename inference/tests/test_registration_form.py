"""A model is brought in the admin: what its form asks, takes from a card, and refuses."""

import json
import stat
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from inference import worker
from inference.models import DiagnosticModel
from inference.registry.labels import LabelsError, diagnoses_of
from inference.tests.registering import ADD, described


@pytest.mark.django_db(transaction=True)
def test_an_administrator_registers_a_model_and_sees_it_tried(client, administrator, weights):
    client.force_login(administrator)
    page = client.post(ADD, described(weights), follow=True).text
    assert "A worker tries it" in page
    model = DiagnosticModel.objects.get()
    assert (model.stage, model.is_active, model.version) == ("shadow", False, "1")
    assert model.labels == ["COVID", "Normal", "Viral Pneumonia", "Lung Opacity"]
    assert (model.fit, model.interpolation, model.clahe, model.crop_share) == ("crop", "bilinear", False, 0.875)
    assert (model.mean, model.std, model.temperature) == ([0.5], [0.25], 1.5)
    kept = Path(model.weights.path)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_bytes() == weights.read_bytes()
    assert model.history.first().history_user == administrator

    worker.answer_waiting()
    answer = client.get(f"/admin/inference/diagnosticmodel/{model.pk}/trial/")
    assert answer.status_code == 286  # the asking ends
    assert "In the shadow" in answer.text
    assert "million parameters" in answer.text
    assert "ms a picture on cpu" in answer.text


@pytest.mark.django_db(transaction=True)
def test_the_same_name_anew_is_the_next_version_and_the_same_file_anew_is_none(client, administrator, weights):
    client.force_login(administrator)
    client.post(ADD, described(weights))
    again = client.post(ADD, described(weights))
    assert "registered already" in again.text
    client.post(ADD, described(weights, temperature="2"))
    assert list(DiagnosticModel.objects.order_by("pk").values_list("version", flat=True)) == ["1", "2"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"labels": "covid\nnormal\nTB\nopacity"}, "labels", "TB"),
        ({"labels": "covid\ncovid19\nnormal\nopacity"}, "labels", "Several outputs stand for COVID"),
        ({"labels": "normal"}, "labels", "at least two"),
        ({"mean": "0.5 0.5"}, "mean", "one number"),
        ({"mean": "half"}, "mean", "no list of numbers"),
        ({"std": "0"}, "std", "above 0"),
        ({"mean": "0.1, 0.2, 0.3"}, "std", "as many numbers"),
        ({"options": "[1]"}, "options", "JSON object"),
        ({"options": '{"drop_rate": NaN}'}, "options", "JSON object"),
        ({"options": '{"norm": "\\u0000"}'}, "options", "JSON object"),
        ({"input_size": "20000"}, "input_size", "1024"),
        ({"card": SimpleUploadedFile("card.json", b"{}")}, "card", "describes no model"),
    ],
)
def test_a_description_that_makes_no_sense_is_told_by_field(client, administrator, weights, changes, field, said):
    client.force_login(administrator)
    form = client.post(ADD, described(weights, **changes)).context["adminform"].form
    assert said in " ".join(form.errors[field])
    assert not DiagnosticModel.objects.exists()


@pytest.mark.django_db
def test_what_a_card_says_need_not_be_typed(client, administrator, weights):
    spec = described(weights)
    card = {
        "architecture": spec["architecture"],
        "options": json.loads(spec["options"]),
        "labels": ["Normal", "COVID", "Lung Opacity", "Viral Pneumonia"],
        "input_size": 64,
        "mean": [0.46437194859678],
        "std": [0.25],
        "temperature": 1.0419156551361084,
        "is_demo": True,
        "metrics": {"accuracy": 0.5},
        "preprocessing": {"fit": "letterbox", "clahe": False},
    }
    typed = {"weights": spec["weights"], "name": "Ours", "vote_weight": "1", "version": "a"}
    client.force_login(administrator)
    client.post(ADD, {**typed, "card": SimpleUploadedFile("card.json", json.dumps(card).encode())})
    model = DiagnosticModel.objects.get()
    assert (model.mean, model.temperature, model.labels) == (card["mean"], card["temperature"], card["labels"])
    assert (model.fit, model.interpolation, model.clahe) == ("letterbox", "area", False)
    assert (model.is_demo, model.version, model.metrics) == (True, "a", card["metrics"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "said",
    [
        {"preprocessing": "squash"},
        {"preprocessing": {"fit": "stretch"}},
        {"metrics": ["accuracy"]},
        {"metrics": {"accuracy": "all"}},
        {"metrics": {"accuracy": float("nan")}},
        {"labels": {"COVID": 0}},
        {"mean": [[0.5]]},
        {"temperature": "hot"},
        {"sha256": 7},
        {"vote_weight": float("inf")},
        {"name": "\x00"},
        {"options": ["pretrained"]},
    ],
)
def test_a_card_of_nonsense_breaks_no_page(client, administrator, weights, said):
    client.force_login(administrator)
    card = SimpleUploadedFile("card.json", json.dumps({"architecture": "resnet50", **said}).encode())
    assert client.post(ADD, described(weights, card=card), follow=True).status_code == 200
    assert client.get("/admin/inference/diagnosticmodel/").status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["front_desk", "clinician"])
def test_nobody_else_registers(client, request, role, weights):
    client.force_login(request.getfixturevalue(role))
    assert client.post(ADD, described(weights)).status_code == 403
    assert not DiagnosticModel.objects.exists()


def test_labels_are_mapped_from_whatever_they_are_called():
    assert diagnoses_of("COVID-19, NORMAL; Viral Pneumonia\nLung_Opacity") == [
        "COVID", "Normal", "Viral Pneumonia", "Lung Opacity",
    ]  # fmt: skip
    assert diagnoses_of("class0=Lung Opacity, class1 = covid") == ["Lung Opacity", "COVID"]
    with pytest.raises(LabelsError) as error:
        diagnoses_of("covid, tuberculosis")
    assert error.value.unmapped == ["tuberculosis"]
