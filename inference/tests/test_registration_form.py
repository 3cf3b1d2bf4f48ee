"""Bringing a model: from the admin and from the command line, good ones and bad ones."""

import json
import stat
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import torch
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from safetensors.torch import load_file, save

from inference import worker
from inference.models import DiagnosticModel
from inference.nn import backbones, checkpoints, trial
from inference.nn.findings import UnusableError
from inference.nn.weights_file import read_head
from inference.registry import checking
from inference.registry.labels import LabelsError, diagnoses_of
from inference.registry.registration import register
from inference.tests import tiny_networks as tiny
from inference.tests.bad_weights import BAD, a_checkpoint

ADD = "/admin/inference/diagnosticmodel/add/"
FAMILY = "ResNet-50"


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny network's file."""
    return tiny.spec(tmp_path_factory.mktemp("weights"), FAMILY).weights


def state_of(path):
    return load_file(path)


def described(content, name="tiny.safetensors", **changes):
    """What the page's form sends."""
    architecture, options = tiny.ARCHITECTURES[FAMILY]
    return {
        "weights": SimpleUploadedFile(name, content if isinstance(content, bytes) else content.read_bytes()),
        "name": "Ours",
        "architecture": architecture,
        "options": json.dumps(options),
        "labels": "covid-19\nnormal\nVIRAL_PNEUMONIA\nopacity",
        "input_size": tiny.INPUT_SIZE,
        "mean": "0.5",
        "std": "0.25",
        "fit": "crop",
        "interpolation": "bilinear",
        "crop_share": "0.875",
        "temperature": "1,5",
        "vote_weight": "1",
        **changes,
    }


# -- From the admin ---------------------------------------------------------------------------------------------------


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
@pytest.mark.parametrize("what", BAD)
def test_a_hostile_file_is_one_refusal_and_leaves_nothing(client, administrator, what, settings):
    content, _code = BAD[what]
    client.force_login(administrator)
    answer = client.post(ADD, described(content or b" "))
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors.keys() == {"weights"}
    assert not DiagnosticModel.objects.exists()
    assert not list(settings.MEDIA_ROOT.rglob("*.safetensors"))


@pytest.mark.parametrize("what", BAD)
def test_each_bad_file_is_told_by_its_reason(what):
    content, code = BAD[what]
    with pytest.raises(UnusableError) as refusal:
        read_head(BytesIO(content))
    assert [finding["code"] for finding in refusal.value.findings] == [code]


def test_a_good_files_head_is_read(weights):
    with weights.open("rb") as file:
        tensors = read_head(file)
    assert {name: place.shape for name, place in tensors.items()} == {
        name: tuple(tensor.shape) for name, tensor in state_of(weights).items()
    }


@pytest.mark.django_db
def test_a_file_over_the_limit_is_refused_before_it_is_read(client, administrator, weights, settings, monkeypatch):
    settings.WEIGHTS_MAX_SIZE = 1000
    client.force_login(administrator)
    answer = client.post(ADD, described(weights))
    assert "at most 1000" in answer.text.replace("\xa0", " ")
    assert not DiagnosticModel.objects.exists()


@pytest.mark.django_db
def test_a_body_over_the_limit_is_refused_unread(client, administrator, monkeypatch):
    from inference.registry.model_pages import RegistersModels

    monkeypatch.setattr(RegistersModels, "largest_files", {"add": 1000})
    client.force_login(administrator)
    answer = client.post(ADD, described(bytes(4_000_000)))
    assert answer.status_code == 413


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


# -- What a trial finds -----------------------------------------------------------------------------------------------


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
    assert findings_of(state_of(weights)) == {}


def test_a_trial_lists_what_differs(weights):
    state = state_of(weights)
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
    assert findings_of(state_of(weights), **changes) == {finding["code"]: finding}


def test_a_trial_knows_wrappers_and_numbers_that_are_none(weights):
    state = state_of(weights)
    assert findings_of({f"module.{name}": t for name, t in state.items()})["prefixed"]["prefix"] == "module."
    broken = state | {"fc.bias": torch.full_like(state["fc.bias"], float("nan"))}
    assert findings_of(broken)["not_finite"]["names"] == ["fc.bias"]


def test_a_trial_knows_what_timm_does_not(weights):
    state = state_of(weights)
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


# -- From the command line --------------------------------------------------------------------------------------------


def flags(**changes):
    architecture, options = tiny.ARCHITECTURES[FAMILY]
    return {
        "name": "Ours",
        "architecture": architecture,
        "options": json.dumps(options),
        "labels": ["covid", "normal", "x=Viral Pneumonia", "opacity"],
        "input_size": tiny.INPUT_SIZE,
        "mean": ["0.5"],
        "std": ["0.25"],
        **changes,
    }


@pytest.mark.django_db(transaction=True)
def test_the_command_registers_tries_and_says_what_it_found(weights, capsys):
    call_command("register_model", weights, **flags())
    said = capsys.readouterr().out
    assert "Ours, version 1, is registered: in the shadow." in said
    assert "It answers: 0.0 million parameters" in said
    model = DiagnosticModel.objects.in_the_shadow().get()
    assert model.trial["device"] == "cpu"
    call_command("register_model", weights, **flags(name="Other", inactive=True))
    assert DiagnosticModel.objects.get(name="Other").stage == "aside"


@pytest.mark.django_db(transaction=True)
def test_the_command_says_what_differs_and_fails(weights, capsys, tmp_path):
    with pytest.raises(CommandError, match="1 of 1"):
        call_command("register_model", weights, **flags(labels=["covid", "normal"]))
    assert "4 outputs" in capsys.readouterr().err
    checkpoint = tmp_path / "model.safetensors"
    checkpoint.write_bytes(a_checkpoint())
    with pytest.raises(CommandError):
        call_command("register_model", checkpoint, **flags())
    assert "convert_checkpoint" in capsys.readouterr().err
    with pytest.raises(CommandError, match="--labels"):
        call_command("register_model", weights, name="A", architecture="resnet50")


@pytest.mark.django_db(transaction=True)
def test_a_folder_with_a_card_is_registered_whole(tmp_path, capsys):
    entries = []
    for seed in range(2):
        spec = tiny.spec(tmp_path, FAMILY, seed)
        entries.append(
            {
                "name": f"Net {seed}", "version": spec.sha256[:8], "file": spec.weights.name, "sha256": spec.sha256,
                "architecture": spec.architecture, "options": spec.options, "labels": list(spec.labels),
                "input_size": spec.input_size, "mean": list(spec.mean), "std": list(spec.std), "temperature": 1.0,
                "vote_weight": 1.0, "is_demo": True, "metrics": {},
            }
        )  # fmt: skip
    (tmp_path / "ensemble.json").write_text(json.dumps({"models": entries, "consensus": {}}))
    call_command("register_model", tmp_path)
    models = DiagnosticModel.objects.in_the_shadow()
    assert [(model.name, model.version, model.is_demo, model.clahe) for model in models] == [
        (entry["name"], entry["version"], True, True) for entry in entries
    ]


# -- Converting -------------------------------------------------------------------------------------------------------


def converted(tmp_path, capsys, document, **options):
    """Write a checkpoint and convert it: (the tensors, what the command said)."""
    source, out = tmp_path / "model.pth", tmp_path / "model.safetensors"
    torch.save(document, source)
    call_command("convert_checkpoint", source, out, **options)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    return load_file(out), capsys.readouterr().out


def resnet():
    return backbones.build("resnet18", {}, 4, 3).eval()


def test_a_wrapped_checkpoint_becomes_plain_safetensors(tmp_path, capsys):
    network = resnet()
    state = {f"module.model.{name}": tensor for name, tensor in network.state_dict().items()}
    document = {"epoch": 3, "state_dict": state, "class_to_idx": {"normal": 1, "covid": 0, "viral": 2, "opacity": 3}}
    tensors, said = converted(tmp_path, capsys, document)
    assert tensors.keys() == network.state_dict().keys()
    assert all(torch.equal(tensors[name], tensor) for name, tensor in network.state_dict().items())
    for told in ("“state_dict”", "“module.model.”", "resnet18", "Outputs: 4", "covid, normal, viral, opacity"):
        assert told in said


def test_a_head_of_another_name_becomes_timms_and_what_was_not_the_network_is_left_out(tmp_path, capsys):
    state = {f"backbone.{name}": tensor for name, tensor in resnet().state_dict().items()}
    state["head.1.weight"], state["head.1.bias"] = (state.pop(f"backbone.fc.{name}") for name in ("weight", "bias"))
    state["criterion.weight"] = torch.ones(4)
    tensors, said = converted(tmp_path, capsys, state)
    assert tensors.keys() == resnet().state_dict().keys()
    assert torch.equal(tensors["fc.weight"], state["head.1.weight"])
    assert "left out: criterion.weight" in said


def test_torchvisions_efficientnet_gets_timms_names_and_answers_alike(tmp_path, capsys):
    theirs = torchvision_models().efficientnet_b0(num_classes=3).eval()
    tensors, said = converted(tmp_path, capsys, {"model": theirs.state_dict()})
    assert "timm’s names now" in said
    assert_answers_alike(theirs, backbones.build("efficientnet_b0", {}, 3, 3), tensors, 64)


def test_torchvisions_vit_gets_timms_names_and_answers_alike():
    small = {"image_size": 64, "patch_size": 16, "num_layers": 2, "num_heads": 2, "hidden_dim": 32, "mlp_dim": 128}
    theirs = torchvision_models().VisionTransformer(**small, num_classes=3).eval()
    ours = backbones.build("vit_base_patch16_224", {"img_size": 64, "embed_dim": 32, "depth": 2, "num_heads": 2}, 3, 3)
    tensors = checkpoints.with_timms_names("vit_base_patch16_224", theirs.state_dict())
    assert_answers_alike(theirs, ours, tensors, 64)


def torchvision_models():
    backbones.import_timm()  # which makes any build of torchvision importable
    from torchvision import models

    return models


def assert_answers_alike(theirs, ours, tensors, size):
    ours.load_state_dict(tensors)
    picture = torch.rand(1, 3, size, size)
    with torch.no_grad():
        assert torch.allclose(ours.eval()(picture), theirs(picture), atol=1e-5)


def test_a_checkpoint_of_another_network_than_was_named_is_refused(tmp_path, capsys):
    with pytest.raises(CommandError, match="not those of resnet18"):
        converted(tmp_path, capsys, {"a.weight": torch.zeros(3, 2), "a.bias": torch.zeros(3)}, architecture="resnet18")


@pytest.mark.slow
def test_what_is_not_known_is_converted_as_it_is(tmp_path, capsys):
    tensors, said = converted(tmp_path, capsys, {"a.weight": torch.zeros(3, 2), "a.bias": torch.zeros(3)})
    assert tensors.keys() == {"a.weight", "a.bias"}
    assert "none of those that are looked for" in said


class Evil:
    def __reduce__(self):
        return (open, ("/tmp/registry-was-here", "w"))  # noqa: S108


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (resnet, "whole program"),
        (Evil, "whole program"),
        (lambda: {"epoch": 3}, "no tensors"),
        (lambda: [torch.zeros(2)], "no tensors"),
        (lambda: b"text", "no tensors"),
    ],
)
def test_a_checkpoint_without_a_network_or_with_a_program_is_refused_and_not_opened(document, said, tmp_path, capsys):
    with pytest.raises(CommandError, match=said):
        converted(tmp_path, capsys, document())
    assert [path.name for path in tmp_path.iterdir()] == ["model.pth"]
    assert not Path("/tmp/registry-was-here").exists()  # noqa: S108


def test_a_file_that_is_no_checkpoint_is_refused_with_the_reason(tmp_path):
    source, out = tmp_path / "a.pth", tmp_path / "out.safetensors"
    source.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(CommandError, match="cannot be read as a PyTorch checkpoint"):
        call_command("convert_checkpoint", source, out)
    with pytest.raises(CommandError, match="No such file"):
        call_command("convert_checkpoint", tmp_path / "absent.pth", out)
    out.write_bytes(b"mine")
    with pytest.raises(CommandError, match="there already"):
        call_command("convert_checkpoint", source, out)
    assert out.read_bytes() == b"mine"


def test_a_bomb_takes_no_more_than_it_may(tmp_path, settings):
    """Zeros, packed: a kilobyte in the file for each megabyte in memory."""
    settings.WEIGHTS_MEMORY_LIMIT = 150 * 1024**2
    source, bomb = tmp_path / "a.pth", tmp_path / "bomb.pth"
    torch.save({"a": torch.zeros(60_000_000), "b": torch.zeros(2)}, source)
    with zipfile.ZipFile(source) as plain, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for entry in plain.namelist():
            packed.writestr(entry, plain.read(entry))
    source.unlink()
    with pytest.raises(CommandError, match=r"more than 150 MB"):
        call_command("convert_checkpoint", bomb, tmp_path / "out.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.pth"]
