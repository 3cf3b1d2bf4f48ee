"""What a trial finds in weights, and what they may cost it."""

import tempfile

import pytest
import torch
from safetensors.torch import load_file, save

from inference import worker
from inference.models import DiagnosticModel
from inference.nn import backbones, trial
from inference.registry import checking
from inference.registry.registration import register
from inference.tests import tiny_networks as tiny
from inference.tests.registering import ADD, FAMILY, described


def findings_of(state, **changes):
    """What a trial says of these tensors: in this process, as the child does it."""
    architecture, options = tiny.ARCHITECTURES[FAMILY]
    description = {
        "architecture": architecture,
        "options": options,
        "labels": 4,
        "channels": 1,
        "input_size": tiny.INPUT_SIZE,
    } | changes
    with tempfile.TemporaryFile() as file:
        file.write(save(state))
        file.flush()
        *_progress, last = trial.tried(file, **description)
    return {finding["code"]: finding for finding in last["findings"]}


def test_a_trial_of_what_fits_finds_nothing(weights):
    assert findings_of(load_file(weights)) == {}


def test_a_trial_lists_what_differs(weights):
    state = load_file(weights)
    renamed = {("layer1.0.conv9.weight" if name == "layer1.0.conv1.weight" else name): t for name, t in state.items()}
    found = findings_of(renamed)
    assert found["missing"]["names"] == ["layer1.0.conv1.weight"]
    assert found["unexpected"]["names"] == ["layer1.0.conv9.weight"]
    reshaped = state | {"layer1.0.conv1.weight": torch.zeros(3, 3, 3, 3)}
    assert findings_of(reshaped)["shapes"]["tensors"][0][:2] == ["layer1.0.conv1.weight", [3, 3, 3, 3]]


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"labels": 3}, {"code": "outputs", "given": 4, "wanted": 3}),
        ({"channels": 3}, {"code": "channels", "given": 1, "wanted": 3}),
    ],
)
def test_a_trial_tells_outputs_and_channels_by_their_own_names(weights, changes, finding):
    assert findings_of(load_file(weights), **changes) == {finding["code"]: finding}


def test_a_trial_knows_wrappers_and_numbers_that_are_none(weights):
    state = load_file(weights)
    assert findings_of({f"module.{name}": t for name, t in state.items()})["prefixed"]["prefix"] == "module."
    broken = state | {"fc.bias": torch.full_like(state["fc.bias"], float("nan"))}
    assert findings_of(broken)["not_finite"]["names"] == ["fc.bias"]


def test_a_trial_knows_what_timm_does_not(weights):
    state = load_file(weights)
    assert "resnet50" in findings_of(state, architecture="resnet5O")["no_architecture"]["alike"]
    assert "no_such_option" in findings_of(state, options={"no_such_option": 1})["options_refused"]["why"]
    assert "options_refused" in findings_of(state, options={"pretrained": True})
    crossvit = findings_of(state, architecture="crossvit_tiny_240", options={}, channels=3, input_size=224)
    assert crossvit["input_size"]["own"] == 240


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("mobilenetv3_small_050", {}),  # layers between its features and its head
        ("ghostnet_050", {}),
        ("mixer_s32_224", {}),  # tokens without a prefix
        ("convnext_atto", {}),  # a head that no map adds up to
        ("levit_128s", {}),  # two heads
        ("vit_tiny_patch16_224", {"depth": 1}),
    ],
)
def test_classifiers_of_every_kind_can_be_tried(architecture, options):
    state = backbones.build(architecture, options, 4, 3).state_dict()
    found = findings_of(state, architecture=architecture, options=options, channels=3, input_size=224)
    assert found == {}


@pytest.mark.django_db(transaction=True)
def test_what_does_not_fit_is_told_on_its_page_and_tried_again_at_a_press(client, administrator, weights):
    client.force_login(administrator)
    client.post(ADD, described(weights, labels="covid\nnormal\nopacity", architecture="resnet50"))
    worker.answer_waiting()
    model = DiagnosticModel.objects.get()
    page = client.get(f"/admin/inference/diagnosticmodel/{model.pk}/change/").text
    assert "The network has 4 outputs, and 3 labels are given." in page
    assert not DiagnosticModel.objects.in_the_shadow().exists()
    chosen = {"action": "retry", "_selected_action": model.pk, "_from_page": "yes"}
    again = client.post("/admin/inference/diagnosticmodel/", chosen, follow=True).text
    assert "A worker tries it" in again


@pytest.mark.django_db(transaction=True)
def test_options_that_would_take_all_memory_or_time_end_the_trial_and_not_the_worker(weights, settings):
    settings.WEIGHTS_MEMORY_LIMIT, settings.WEIGHTS_SECONDS = 1 << 30, 2
    common = {"labels": ["COVID", "Normal"], "input_size": 64, "mean": [0.5], "std": [0.25]}
    vast = {"embed_dim": 65536, "num_heads": 8}
    endless = {"layers": [10**9, 1, 1, 1]}
    register(weights, name="Vast", architecture="vit_base_patch16_224", options=vast, **common)
    register(weights, name="Endless", architecture="resnet50", options=endless, **common)
    checking.check_new_models()
    codes = {model.name: model.findings[0]["code"] for model in DiagnosticModel.objects.all()}
    assert codes["Vast"] == "too_large"
    assert codes["Endless"] in ("too_slow", "too_large")


@pytest.mark.django_db(transaction=True)
def test_weights_that_were_changed_under_it_are_found(weights):
    model = register(
        weights, name="A", architecture="resnet50", labels=["COVID", "Normal"], input_size=64, mean=[0.5], std=[1]
    )
    with open(model.weights.path, "r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    checking.check_new_models()
    assert DiagnosticModel.objects.get().findings[0]["code"] == "changed_file"
