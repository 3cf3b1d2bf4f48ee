"""`register_model`, as it is typed."""

import json

import pytest
from django.core.management import CommandError, call_command

from inference.models import DiagnosticModel
from inference.tests import tiny_networks as tiny
from inference.tests.bad_weights import a_checkpoint
from inference.tests.registering import FAMILY


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
