"""Networks by name, and weights that fit them or are refused with the list of what differs."""

import hashlib
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save

from inference.nn import backbones
from inference.nn.backbones import WeightsError
from inference.tests import tiny_networks as tiny


def write(path, state):
    content = save({key: tensor.contiguous() for key, tensor in state.items()})
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def load(name, path, sha256):
    architecture, options = tiny.ARCHITECTURES[name]
    return backbones.load(architecture, options, len(tiny.LABELS), 1, path, sha256)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_a_loaded_network_answers_as_the_saved_one(name, tmp_path):
    saved = tiny.network(name)
    loaded = load(name, *write(tmp_path / "w.safetensors", saved.state_dict()))
    pictures = torch.randn(2, 1, tiny.INPUT_SIZE, tiny.INPUT_SIZE)
    assert torch.equal(loaded(pictures), saved(pictures))
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())


def test_loading_draws_no_random_numbers(tmp_path):
    file = write(tmp_path / "w.safetensors", tiny.network("Swin-T").state_dict())
    before = torch.random.get_rng_state()
    load("Swin-T", *file)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weights_in_half_precision_fit(tmp_path):
    state = {k: v.half() if v.is_floating_point() else v for k, v in tiny.network("ResNet-50").state_dict().items()}
    assert load("ResNet-50", *write(tmp_path / "w.safetensors", state)).conv1.weight.dtype == torch.float32


def test_what_differs_is_listed_by_name_and_shape(tmp_path):
    state = tiny.network("ResNet-50").state_dict()
    state["head.weight"] = state.pop("fc.weight")
    state["fc.bias"] = torch.zeros(7)
    with pytest.raises(WeightsError) as refusal:
        load("ResNet-50", *write(tmp_path / "w.safetensors", state))
    message = str(refusal.value)
    assert "w.safetensors does not fit resnet50" in message
    assert "1 missing: fc.weight" in message
    assert "1 unexpected: head.weight" in message
    assert "fc.bias (7 in the file, 4 in the network)" in message


def test_a_long_list_of_differences_is_cut_short(tmp_path):
    file = write(tmp_path / "w.safetensors", tiny.network("ViT-B/16").state_dict())
    with pytest.raises(WeightsError, match=r"missing: .* and \d+ more") as refusal:
        load("DenseNet-121", *file)
    assert len(str(refusal.value)) < 2000


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"gone\.safetensors.*No such file"):
        load("ResNet-50", tmp_path / "gone.safetensors", "0" * 64)


def test_a_changed_file_is_refused_before_it_is_parsed(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"not what was registered")
    with pytest.raises(WeightsError, match="is not the file that was registered"):
        load("ResNet-50", path, "0" * 64)


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"\x80\x04 a pickle, perhaps")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load("ResNet-50", path, hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize("architecture", ["no_such_net", "hf-hub:someone/net", ""])
def test_an_architecture_that_timm_does_not_have_is_refused(architecture):
    with pytest.raises(WeightsError, match="no architecture named"):
        backbones.build(architecture, {}, 4, 1)


@pytest.mark.parametrize("option", ["pretrained", "checkpoint_path", "num_classes"])
def test_options_that_would_fetch_or_unpickle_are_refused(option):
    with pytest.raises(WeightsError, match=option):
        backbones.build("resnet18", {option: "x"}, 4, 1)


def test_options_that_the_architecture_does_not_know_are_refused():
    with pytest.raises(WeightsError, match="resnet18 refuses its options"):
        backbones.build("resnet18", {"wings": 2}, 4, 1)


def test_timm_comes_in_beside_any_build_of_torchvision():
    """In a fresh process: the import is what is tested."""
    code = "from inference.nn.backbones import import_timm; print(import_timm().__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "timm", done.stderr
