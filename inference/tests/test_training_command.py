"""`train_models`, as it is typed."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from imaging import phantom
from inference.nn.engine import Ensemble
from inference.nn.model_files import read_ensemble
from inference.training.data import PHANTOM_SIZES

QUICK = ("--epochs", "1", "--size", "64", "--models", "DenseNet-121")


def train(*arguments):
    printed = StringIO()
    call_command("train_models", *arguments, stdout=printed)
    return printed.getvalue()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("made")
    return out, train("--phantoms", "--pictures", "32", *QUICK, "--out", str(out))


def test_it_writes_weights_that_answer(made):
    out, _ = made
    (spec,) = read_ensemble(out)
    ((answer,),) = Ensemble([spec], device="cpu").predict([phantom.render("COVID", 1, 100)])
    assert set(answer.probabilities) == set(phantom.DIAGNOSES)


def test_it_says_in_the_card_and_the_entry_that_it_is_a_demonstration(made):
    out, _ = made
    card = (out / "densenet-121.md").read_text()
    (entry,) = json.loads((out / "ensemble.json").read_text())["models"]
    assert entry["is_demo"]
    assert "no medical value" in card
    assert entry["sha256"] in card
    assert "seeds: training 0–31, validation 1000000–1000007, held out 2000000–2000007" in card


def test_it_measures_on_held_out_pictures_and_prints_what_it_found(made):
    out, printed = made
    document = json.loads((out / "ensemble.json").read_text())
    figures = document["models"][0]["metrics"]
    assert figures["pictures"] == 8
    # An ensemble of one is that one.
    assert document["consensus"]["accuracy"] == figures["accuracy"]
    assert f"consensus          {figures['accuracy']:7.1%}" in printed


def test_it_makes_the_same_weights_again(made, tmp_path):
    train("--phantoms", "--pictures", "32", *QUICK, "--out", str(tmp_path))
    assert read_ensemble(tmp_path)[0].sha256 == read_ensemble(made[0])[0].sha256


def test_several_models_are_trained_side_by_side_and_kept_in_order(tmp_path):
    names = ["ViT-B/16", "DenseNet-121"]
    options = ("--pictures", "16", "--epochs", "1", "--size", "64")
    printed = train("--phantoms", *options, "--models", *names, "--out", str(tmp_path))
    assert [spec.name for spec in read_ensemble(tmp_path)] == names
    assert all(f"{name}: epoch 1/1" in printed for name in names)


def test_a_folder_per_class_is_learnt_from_and_bad_files_are_named_and_counted(tmp_path):
    for diagnosis, folder in (("Normal", "well"), ("Lung Opacity", "ill")):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for seed in range(8):
            picture = phantom.render(diagnosis, seed, PHANTOM_SIZES[0])
            Image.fromarray(picture).save(tmp_path / "data" / folder / f"{seed}.png")
    (tmp_path / "data" / "ill" / "torn.jpg").write_bytes(b"\xff\xd8\xff and no more")
    printed = train("--data", str(tmp_path / "data"), *QUICK, "--out", str(tmp_path / "out"))
    assert "torn.jpg" in printed
    assert "1 pictures could not be read" in printed
    (entry,) = json.loads((tmp_path / "out" / "ensemble.json").read_text())["models"]
    assert entry["labels"] == ["ill", "well"]
    assert not entry["is_demo"]
    assert "is not a medical device" in (tmp_path / "out" / "densenet-121.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--phantoms", "--models", "AlexNet"), "Unknown models: AlexNet. Known: ResNet-50"),
        (("--phantoms", "--size", "100"), "multiple of 32"),
        (("--phantoms", "--epochs", "0"), "--epochs must be 1 or more"),
        (("--data", "/nowhere/at/all"), "is not a folder"),
        (("--phantoms", "--device", "abacus"), "no such device"),
    ],
)
def test_a_mistake_is_explained_before_anything_is_trained(arguments, complaint, tmp_path):
    with pytest.raises(CommandError, match=complaint):
        train(*arguments, "--out", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
