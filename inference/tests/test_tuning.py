"""Each machine finds out how it computes a model fastest, and remembers it."""

import json
import os
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from imaging import phantom
from inference.nn import by_openvino, engine, machine, networks, tuning
from inference.nn.engine import Ensemble
from inference.nn.tuning import Memory, objection_to
from inference.nn.ways import REFERENCE, Runner, Way
from inference.tests import tiny_networks as tiny

CPU = torch.device("cpu")
HALF = Way(Runner.TORCH, "bfloat16")


@pytest.fixture
def spec(tmp_path):
    return tiny.spec(tmp_path / "weights", "ResNet-50")


@pytest.fixture
def memory(tmp_path):
    return Memory(tmp_path / "tuned", CPU)


@pytest.fixture
def half_is_faster(monkeypatch):
    """Two ways, of which half precision takes half the time: what the clock says is not what is tested here."""
    monkeypatch.setattr(tuning, "ways_on", lambda device: [REFERENCE, HALF])
    took = {torch.float32: 2.0, torch.bfloat16: 1.0}
    monkeypatch.setattr(tuning, "_milliseconds", lambda network, batch: took[network.normalised.dtype] * len(batch))


def moved_by(monkeypatch, change):
    """Let half precision say something else."""
    answer = networks.InTorch.answer

    def other(network, pictures, heatmaps):
        logits, heat = answer(network, pictures, heatmaps)
        return (change(logits) if network.normalised.dtype == torch.bfloat16 else logits), heat

    monkeypatch.setattr(networks.InTorch, "answer", other)


def test_the_fastest_way_is_kept_with_what_each_took(spec, memory, half_is_faster):
    found = memory.tune(spec)
    assert found.way == str(HALF)
    assert found.milliseconds == {str(REFERENCE): 2.0, str(HALF): 1.0}
    assert memory.way_of(spec) == HALF


def test_a_way_that_gains_next_to_nothing_is_not_worth_other_bits(spec, memory, half_is_faster, monkeypatch):
    monkeypatch.setattr(tuning, "_milliseconds", lambda network, batch: 1.0)
    assert memory.tune(spec).way == str(REFERENCE)


def test_a_way_that_strays_is_refused_and_why_is_kept(spec, memory, half_is_faster, monkeypatch):
    moved_by(monkeypatch, lambda logits: logits + torch.tensor([0.0, 0.0, 0.0, 0.5]))
    found = memory.tune(spec)
    assert found.way == str(REFERENCE)
    assert "a probability moves by" in found.refused[str(HALF)]
    assert str(HALF) not in found.milliseconds


def test_a_way_that_breaks_down_is_refused(spec, memory, half_is_faster, monkeypatch):
    def breaks_down(logits):
        raise RuntimeError("no such kernel")

    moved_by(monkeypatch, breaks_down)
    assert memory.tune(spec).refused == {str(HALF): "RuntimeError: no such kernel"}


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([[0.501, 0.499]], ""),
        ([[0.52, 0.48]], "moves by 0.0190"),
        ([[0.4999, 0.5001]], "1 of 1 diagnoses change"),
        ([[float("nan"), 0.5]], "not finite"),
    ],
)
def test_answers_may_stray_by_a_hundredth_and_change_no_diagnosis(answers, why):
    objection = objection_to(torch.tensor(answers), torch.tensor([[0.501, 0.499]]))
    assert why in objection
    assert bool(objection) == bool(why)


def test_what_was_found_holds_for_these_versions_and_this_device_alone(spec, memory, half_is_faster, monkeypatch):
    memory.tune(spec)
    here = dict(machine.described(CPU))
    for name in ("torch", "timm", "device", "threads"):
        monkeypatch.setattr(machine, "described", lambda device, name=name: here | {name: "another"})
        assert memory.way_of(spec) is None, name
    monkeypatch.setattr(machine, "described", lambda device: here)
    assert memory.way_of(spec) == HALF
    assert memory.way_of(replace(spec, sha256="0" * 64)) is None
    assert memory.way_of(replace(spec, temperature=2.0)) is None


def test_a_damaged_memory_is_an_empty_one(spec, memory, half_is_faster):
    memory.tune(spec)
    memory.file.write_text('{"half')
    assert memory.way_of(spec) is None
    memory.tune(spec)
    assert memory.way_of(spec) == HALF


def test_what_kills_a_process_is_not_tried_by_the_next(spec, memory, half_is_faster, monkeypatch):
    seen = []
    monkeypatch.setattr(tuning, "tune", lambda *_: seen.append(memory.way_of(spec)) or tuning.Tuned(str(HALF)))
    memory.tune(spec)
    assert seen == [REFERENCE]
    assert memory.way_of(spec) == HALF


def test_what_fails_for_the_moment_leaves_nothing_behind(spec, memory, half_is_faster, monkeypatch):
    def fails(*_):
        raise MemoryError

    monkeypatch.setattr(tuning, "tune", fails)
    with pytest.raises(MemoryError):
        memory.tune(spec)
    assert memory.way_of(spec) is None


def test_of_two_workers_neither_forgets_what_the_other_found(tmp_path, spec, memory, half_is_faster):
    other = tiny.spec(tmp_path / "weights", "ResNet-50", seed=1)
    memory.tune(spec)
    Memory(memory.folder, CPU).tune(other)
    assert [len(found) for found in json.loads(memory.file.read_text()).values()] == [2]


def test_an_ensemble_answers_by_what_was_found_and_says_so(tmp_path, spec, half_is_faster):
    picture = phantom.render("Normal", 1, 100)
    before = Ensemble([spec], device="cpu", tuned=tmp_path / "tuned")
    assert not before.is_tuned
    assert before.provenance["ways"] == {"ResNet-50": "torch float32"}
    before.tune()
    after = Ensemble([spec], device="cpu", tuned=tmp_path / "tuned")
    for ensemble in (before, after):
        assert ensemble.is_tuned
        assert ensemble.provenance["ways"] == {"ResNet-50": "torch bfloat16"}
        assert ensemble.provenance["dtype"] == "bfloat16"
    assert before.predict([picture])[0][0].probabilities == after.predict([picture])[0][0].probabilities


def test_tuning_stops_where_somebody_waits(tmp_path, spec, half_is_faster):
    ensemble = Ensemble([spec], device="cpu", tuned=tmp_path / "tuned")
    ensemble.tune(goes_on=lambda: False)
    assert not ensemble.is_tuned


# -- OpenVINO ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["ResNet-50", "ViT-B/16", "CrossViT-Tiny"])
def test_openvino_answers_and_explains_as_torch_does_and_keeps_its_form(tmp_path, family, monkeypatch):
    way = Way(Runner.OPENVINO, "float32")
    monkeypatch.setattr(by_openvino, "threads", lambda: 2)
    monkeypatch.setattr(engine, "shows_where", lambda architecture: True)  # whatever its map is worth
    monkeypatch.setattr(tuning, "ways_on", lambda device: [REFERENCE, way])
    monkeypatch.setattr(tuning, "_milliseconds", lambda network, batch: 1.0 + isinstance(network, networks.InTorch))
    spec, kept = tiny.spec(tmp_path, family), tmp_path / "tuned"
    pictures = [phantom.render(diagnosis, 3, 120) for diagnosis in phantom.DIAGNOSES]
    by_torch = Ensemble([spec], device="cpu", tuned=kept)
    expected = by_torch.predict(pictures)
    by_torch.tune()
    first = Ensemble([spec], device="cpu", tuned=kept)
    assert first.provenance["ways"] == {family: "openvino float32"}
    answers = first.predict(pictures)
    for row, other in zip(answers, expected, strict=True):
        assert row[0].diagnosis == other[0].diagnosis
        assert row[0].confidence == pytest.approx(other[0].confidence, abs=1e-4)
        assert np.abs(row[0].heatmap.astype(int) - other[0].heatmap).max() <= 3
    assert [first.predict([picture])[0][0].probabilities for picture in pictures] == [
        row[0].probabilities for row in answers
    ]
    damaged = next(kept.glob("*.bin"))
    damaged.write_bytes(damaged.read_bytes()[::-1])
    again = Ensemble([spec], device="cpu", tuned=kept).predict(pictures)
    assert [row[0].probabilities for row in again] == [row[0].probabilities for row in answers]


def test_what_no_process_has_read_for_a_season_is_taken_out(tmp_path):
    for name, age in (("old", 91), ("new", 89)):
        for suffix in ("xml", "bin", "sha256"):
            (tmp_path / f"{name}.{suffix}").touch()
        moment = time.time() - age * 24 * 3600
        os.utime(tmp_path / f"{name}.sha256", (moment, moment))
    by_openvino.tidy(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == {"new"}


def test_openvino_is_loaded_without_what_would_call_its_makers():
    machine.openvino()
    assert sys.modules["openvino_telemetry"] is None


# -- Memory -----------------------------------------------------------------------------------------------------------


def test_pictures_leave_nothing_behind(spec):
    """What the process holds after the first ones is what it holds after the last: a map each would be 6 MB."""
    ensemble = Ensemble([spec], device="cpu", shapes=(50,))
    pictures = [phantom.render("Normal", seed, 64) for seed in range(50)]

    def held() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4096

    for _batch in range(4):
        ensemble.predict(pictures)
    before = held()
    for _batch in range(30):
        ensemble.predict(pictures)
    assert held() - before < 4e6
