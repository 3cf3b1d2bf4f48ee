"""`convert_checkpoint`: a checkpoint from elsewhere becomes plain weights, and nothing in it is run."""

import stat
import zipfile
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import load_file

from inference.nn import backbones, checkpoints


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
