"""The engine: every picture gets every model's answer, within the memory it was given."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from imaging import phantom
from inference.nn.engine import Ensemble, WeightsError
from inference.nn.networks import InTorch
from inference.tests import tiny_networks as tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="module")
def specs(folder):
    return [tiny.spec(folder, name) for name in tiny.ARCHITECTURES]


WITHOUT_A_MAP = ("EfficientNet-B0", "ViT-B/16", "Swin-T", "CrossViT-Tiny")


@pytest.fixture(scope="module")
def pictures():
    return [phantom.render(d, seed, size=100 + 20 * seed) for seed, d in enumerate(phantom.DIAGNOSES)]


def answers_of(ensemble, pictures, **options):
    return [[a.probabilities for a in row] for row in ensemble.predict(pictures, **options)]


def close(first, second, tolerance=1e-5):
    return all(
        abs(a[label] - b[label]) < tolerance
        for row, other in zip(first, second, strict=True)
        for a, b in zip(row, other, strict=True)
        for label in a
    )


def test_every_picture_gets_an_answer_of_every_model_in_order(specs, pictures):
    rows = Ensemble(specs, device="cpu").predict(pictures)
    assert [[a.model for a in row] for row in rows] == [[s.name for s in specs]] * len(pictures)
    for answer in (a for row in rows for a in row):
        assert tuple(answer.probabilities) == tiny.LABELS
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-9)
        assert answer.confidence == max(answer.probabilities.values()) == answer.probabilities[answer.diagnosis]
        assert answer.milliseconds > 0
        if answer.model in WITHOUT_A_MAP:
            assert answer.heatmap is None
            continue
        assert answer.heatmap.dtype == np.uint8
        assert answer.heatmap.shape == (64, 64)


@pytest.mark.parametrize("shapes", [None, (4,)])
def test_a_picture_s_answer_is_the_same_to_the_last_bit_in_any_company(specs, pictures, shapes):
    ensemble = Ensemble(specs, device="cpu", shapes=shapes)
    together = ensemble.predict(pictures)
    alone = [ensemble.predict([picture])[0] for picture in pictures]
    reversed_ = ensemble.predict(pictures[::-1])[::-1]
    for row, *others in zip(together, alone, reversed_, strict=True):
        for other in others:
            assert [a.probabilities for a in row] == [a.probabilities for a in other]
            assert all(np.array_equal(a.heatmap, b.heatmap) for a, b in zip(row, other, strict=True))


def test_leaving_the_heat_maps_out_changes_no_probability(specs, pictures):
    ensemble = Ensemble(specs, device="cpu")
    assert close(answers_of(ensemble, pictures), answers_of(ensemble, pictures, heatmaps=False))
    assert all(a.heatmap is None for row in ensemble.predict(pictures, heatmaps=False) for a in row)


def test_no_pictures_get_no_answers(specs):
    assert Ensemble(specs, device="cpu").predict([]) == []


def test_models_of_several_input_sizes_and_three_channels_work_side_by_side(folder, pictures):
    imagenet = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    mixed = [
        tiny.spec(folder, "ResNet-50", 1, input_size=96),
        tiny.spec(folder, "DenseNet-121", 2, **imagenet),
        tiny.spec(folder, "ViT-B/16", 3),
    ]
    alone = [answers_of(Ensemble([spec], device="cpu"), pictures) for spec in mixed]
    together = answers_of(Ensemble(mixed, device="cpu"), pictures)
    assert close(together, [[one[n][0] for one in alone] for n in range(len(pictures))])


def test_a_higher_temperature_softens_the_answer_and_keeps_the_diagnosis(specs, pictures):
    sharp = Ensemble([specs[0]], device="cpu").predict(pictures)
    soft = Ensemble([replace(specs[0], temperature=4.0)], device="cpu").predict(pictures)
    for (before,), (after,) in zip(sharp, soft, strict=True):
        assert after.diagnosis == before.diagnosis
        assert after.confidence < before.confidence


def test_progress_rises_to_one(specs, pictures):
    seen = []
    Ensemble(specs, device="cpu").predict(pictures, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    assert len(seen) >= len(specs)


def test_what_progress_raises_stops_the_work(specs, pictures):
    class CancelledError(Exception):
        pass

    def cancel(share):
        raise CancelledError

    with pytest.raises(CancelledError):
        Ensemble(specs, device="cpu").predict(pictures, progress=cancel)


@pytest.fixture
def loads(monkeypatch):
    """The names of the weights files in the order in which they are read."""
    from inference.nn import backbones

    seen, read = [], backbones.read_weights
    monkeypatch.setattr(backbones, "read_weights", lambda path, sha256: (seen.append(path.name), read(path, sha256))[1])
    return seen


def test_models_that_fit_stay_in_memory(specs, pictures, loads):
    ensemble = Ensemble(specs, device="cpu")
    for _ in range(2):
        ensemble.predict(pictures[:1])
    assert len(loads) == len(specs)


def test_without_room_models_come_one_after_another_and_answer_alike(specs, pictures, loads):
    roomy = answers_of(Ensemble(specs, device="cpu"), pictures)
    loads.clear()
    cramped = Ensemble(specs, device="cpu", memory_limit=1)
    assert answers_of(cramped, pictures) == roomy
    assert len(cramped.resident) == 1
    assert len(loads) == len(specs)


def test_with_room_for_all_but_one_a_second_call_loads_only_what_had_to_leave(folder, pictures, loads):
    # Three of one size; room for two.
    alike = [tiny.spec(folder, "ResNet-50", seed) for seed in range(3)]
    weight = 2 * alike[0].weights.stat().st_size  # half precision on disk, single in memory
    ensemble = Ensemble(alike, device="cpu", memory_limit=int(2.5 * weight / 0.5))
    ensemble.predict(pictures)
    loads.clear()
    ensemble.predict(pictures)
    assert len(loads) == 1


@pytest.fixture
def room_for(monkeypatch):
    """Let networks run out of memory wherever a batch is larger."""

    def limit(most, condition=lambda: True):
        tried, answer = [], InTorch.answer

        def short_of_memory(network, pictures, heatmaps):
            tried.append(len(pictures))
            if len(pictures) > most or not condition():
                raise torch.OutOfMemoryError("out of memory")
            return answer(network, pictures, heatmaps)

        monkeypatch.setattr(InTorch, "answer", short_of_memory)
        return tried

    return limit


def test_running_out_of_memory_takes_smaller_batches_and_goes_on(specs, pictures, room_for):
    expected = answers_of(Ensemble(specs, device="cpu"), pictures)
    tried = room_for(1)
    ensemble = Ensemble(specs, device="cpu", shapes=(4,))
    assert close(answers_of(ensemble, pictures), expected)
    assert tried[:3] == [4, 2, 1]
    assert max(tried[3:]) == 1
    assert ensemble.provenance["batches"] == [1]


def test_the_last_resort_is_to_send_the_other_models_away(specs, pictures, room_for):
    expected = answers_of(Ensemble(specs[:2], device="cpu"), pictures[:1])
    ensemble = Ensemble(specs[:2], device="cpu")
    room_for(1, lambda: len(ensemble.resident) < 2)
    assert answers_of(ensemble, pictures[:1]) == expected


def test_a_picture_that_never_fits_is_reported_as_out_of_memory(specs, pictures, room_for):
    room_for(0)
    with pytest.raises(torch.OutOfMemoryError):
        Ensemble(specs[:1], device="cpu").predict(pictures)


def test_half_precision_agrees_with_single(specs, pictures):
    single = Ensemble(specs, device="cpu", dtype="float32")
    half = Ensemble(specs, device="cpu", dtype="bfloat16")
    assert half.provenance["dtype"] == "bfloat16"
    assert close(answers_of(single, pictures), answers_of(half, pictures), tolerance=0.05)


def test_weights_that_are_not_the_registered_ones_are_refused(specs, pictures):
    tampered = replace(specs[0], sha256="0" * 64)
    with pytest.raises(WeightsError, match="is not the file that was registered"):
        Ensemble([tampered], device="cpu").predict(pictures)


def test_an_input_size_that_the_network_was_not_built_for_is_refused(folder, pictures):
    """CrossViT would take it, and answer wrongly."""
    misfit = tiny.spec(folder, "CrossViT-Tiny", input_size=96)
    with pytest.raises(WeightsError, match="built for 64 px, but its input size is given as 96"):
        Ensemble([misfit], device="cpu").predict(pictures)


def test_answers_that_are_no_numbers_are_refused(folder, specs, pictures):
    with pytest.raises(WeightsError, match="not finite"):
        Ensemble([replace(specs[0], std=(0.0,))], device="cpu").predict(pictures)


def test_provenance_says_what_computed_the_answers(specs):
    provenance = Ensemble(specs, device="cpu").provenance
    assert provenance["device"] == "cpu"
    assert provenance["dtype"] == "float32"
    assert provenance["torch"] == torch.__version__
    assert {"timm", "opencv", "device_name"} <= provenance.keys()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the device that must be missing")
def test_a_missing_device_is_named(specs):
    with pytest.raises(ValueError, match="no CUDA device"):
        Ensemble(specs, device="cuda")


def test_an_unknown_device_is_named(specs):
    with pytest.raises(ValueError, match="abacus"):
        Ensemble(specs, device="abacus")


def test_an_ensemble_without_models_is_refused():
    with pytest.raises(ValueError, match="at least one model"):
        Ensemble([])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_graphics_card_answers_as_the_processor_does(specs, pictures):
    card = Ensemble(specs, device="cuda")
    assert close(answers_of(card, pictures), answers_of(Ensemble(specs, device="cpu"), pictures), tolerance=0.05)
