"""Each morning the models answer fixed pictures as before, or somebody is told before the first patient comes."""

import socket
from datetime import timedelta

import pytest
from django.utils import timezone
from model_bakery import baker

from inference import heartbeat, tasks, voting
from inference.figures import mornings
from inference.models import DiagnosticModel, MorningBaseline, MorningCheck, Worker
from inference.nn import machine
from inference.registry import checking, morning
from inference.tests import tiny_networks as tiny

pytestmark = pytest.mark.django_db(transaction=True)
Outcome = MorningCheck.Outcome


@pytest.fixture
def models(tiny_models, monkeypatch):
    """Two models that vote, of which there is a baseline."""
    few = morning.fixed_pictures()[:3]
    monkeypatch.setattr(morning, "fixed_pictures", lambda: few)
    voting.forget_the_ensemble()
    checking.check_new_models()
    assert morning.check().outcome == Outcome.SAME
    assert MorningBaseline.objects.filter(because="first").count() == len(tiny_models)
    return DiagnosticModel.objects.order_by("pk")


def codes(check: MorningCheck) -> list[str]:
    return [line["code"] for line in check.found]


def other_weights(model: DiagnosticModel, folder) -> tuple[bytes, str]:
    """Of another training of the same network."""
    spec = tiny.spec(folder, "ResNet-50", seed=99)
    return spec.weights.read_bytes(), spec.sha256


def test_what_has_not_changed_is_the_same_to_the_last_bit(models):
    check = morning.check()
    assert codes(check) == ["same", "same"]
    assert MorningBaseline.objects.count() == 2
    assert mornings.told_today() == []


def test_a_file_of_weights_that_was_swapped_is_noticed(models, tmp_path):
    with models[0].weights.storage.open(models[0].weights.name, "wb") as file:
        file.write(other_weights(models[0], tmp_path / "other")[0])
    check = morning.check()
    assert (check.outcome, codes(check)) == (Outcome.CHANGED, ["fails", "same"])
    [told] = mornings.told_today()
    assert "Tiny ResNet" in told
    assert "could not be asked" in told
    with pytest.raises(mornings.NothingToAcceptError):
        mornings.accept(check, by=None, reason="it is fine")


def swap_past_the_history(model: DiagnosticModel, folder) -> None:
    weights, sha256 = other_weights(model, folder)
    with model.weights.storage.open(model.weights.name, "wb") as file:
        file.write(weights)
    DiagnosticModel.objects.filter(pk=model.pk).update(sha256=sha256)


def test_weights_that_were_swapped_with_their_row_are_noticed_and_accepted_only_by_a_person(
    models, tmp_path, administrator
):
    swap_past_the_history(models[0], tmp_path / "other")
    check = morning.check()
    assert codes(check) == ["past_the_history", "same"]
    assert morning.check().outcome == Outcome.CHANGED  # it stays so
    [told] = mornings.told_today()
    assert "who changed them is not known" in told
    newest = MorningCheck.objects.first()
    with pytest.raises(mornings.NothingToAcceptError):
        mornings.accept(check, by=administrator, reason="an older check")
    assert mornings.accept(newest, by=administrator, reason="trained anew") == 1
    assert mornings.told_today() == []
    baseline = MorningBaseline.objects.first()
    assert (baseline.because, baseline.reason, baseline.set_by) == ("accepted", "trained anew", administrator)
    assert codes(morning.check()) == ["same", "same"]
    with pytest.raises(mornings.NothingToAcceptError):
        mornings.accept(MorningCheck.objects.first(), by=administrator, reason="again")


def test_what_was_changed_in_the_admin_is_a_new_baseline_by_itself_and_says_so(models, administrator):
    model = models[0]
    model.temperature = 1.7
    model._history_user, model._change_reason = administrator, "Calibrated"
    model.save()
    check = morning.check()
    assert (check.outcome, codes(check)) == (Outcome.SAME, ["changed_here", "same"])
    assert MorningBaseline.objects.first().because == "changed_here"
    assert mornings.told_today() == []
    assert codes(morning.check()) == ["same", "same"]


@pytest.fixture
def a_newer_torch(monkeypatch):
    described = machine.described
    monkeypatch.setattr(machine, "described", lambda device: described(device) | {"torch": "9.9.9"})


def test_another_version_of_a_library_is_noticed_though_nothing_moved_and_waits_for_a_person(
    models, a_newer_torch, administrator
):
    check = morning.check()
    assert (check.outcome, codes(check)) == (Outcome.NOTED, ["library", "library"])
    told = mornings.told_today()
    assert len(told) == 2
    assert "→ 9.9.9" in told[0]
    assert mornings.accept(check, by=administrator, reason="updated on purpose") == 2
    assert codes(morning.check()) == ["same", "same"]


def test_a_library_that_moves_answers_beyond_the_tolerance_is_bad(models, a_newer_torch, monkeypatch):
    baseline = MorningBaseline.objects.get(model=models[1])
    first, *others = baseline.answers
    label, other = sorted(first, key=first.__getitem__)[:2]
    moved = first | {label: first[label] - 0.02, other: first[other] + 0.02}
    MorningBaseline.objects.filter(pk=baseline.pk).update(answers=[moved, *others])
    check = morning.check()
    assert (check.outcome, codes(check)) == (Outcome.CHANGED, ["library", "strays"])
    assert any("moved by 0.02" in told for told in mornings.told_today())


def test_one_bit_is_noticed_where_nothing_has_changed(models):
    baseline = MorningBaseline.objects.get(model=models[0])
    first, *others = baseline.answers
    label = next(iter(first))
    MorningBaseline.objects.filter(pk=baseline.pk).update(answers=[first | {label: first[label] + 2e-16}, *others])
    check = morning.check()
    assert (check.outcome, codes(check)) == (Outcome.CHANGED, ["bits", "same"])


def test_another_way_after_tuning_is_a_new_baseline_by_itself_within_the_tolerance(models):
    MorningBaseline.objects.filter(model=models[0]).update(way="openvino float32")
    check = morning.check()
    assert (check.outcome, codes(check)) == (Outcome.SAME, ["tuned", "same"])
    assert MorningBaseline.objects.first().because == "tuned"


def test_another_device_is_held_to_the_first_one_s_answers(models):
    MorningBaseline.objects.update(place="cuda · a card")
    check = morning.check()
    assert codes(check) == ["first", "first"]
    assert MorningBaseline.objects.exclude(place="cuda · a card").count() == 2
    for baseline in MorningBaseline.objects.all():
        baseline.answers = [dict(zip(said, reversed(said.values()), strict=True)) for said in baseline.answers]
        baseline.place = "cuda · another"
        baseline.save()
    assert codes(morning.check()) == ["strays", "strays"]


@pytest.fixture
def elsewhere(monkeypatch):
    """From now on this is another machine of the same kind."""
    monkeypatch.setattr(heartbeat, "host", lambda: "upstairs")


def test_of_two_machines_the_one_that_differs_is_named(models, elsewhere, a_newer_torch, administrator):
    check = morning.check()
    assert codes(check) == ["library", "library"]
    assert {one.host for one in mornings.newest_checks()} == {"upstairs"}, "the first one's worker lives no more"
    baker.make(Worker, name=f"{socket.gethostname()} 1 ab", beat_at=timezone.now())
    assert len(mornings.newest_checks()) == 2
    told = mornings.told_today()
    assert len(told) == 2
    assert all("(upstairs · cpu" in sentence for sentence in told)
    mornings.accept(check, by=administrator, reason="it is to be newer there")
    assert codes(morning.check()) == ["same", "same"]


def test_what_is_accepted_of_one_machine_is_not_held_against_another(models, elsewhere, a_newer_torch, administrator):
    mornings.accept(morning.check(), by=administrator, reason="it is to be newer there")
    with pytest.MonkeyPatch.context() as back:
        back.setattr(heartbeat, "host", lambda: MorningBaseline.objects.order_by("pk")[0].host)
        back.setattr(machine, "described", machine.described.__closure__[0].cell_contents)
        assert codes(morning.check()) == ["same", "same"]


def test_every_worker_that_lives_is_asked_and_looks_once(models, monkeypatch):
    now = timezone.now()
    own, other = (baker.make(Worker, name=f"{name} 1 ab", beat_at=now) for name in ("here", "upstairs"))
    dead = baker.make(Worker, name="cellar 1 ab", beat_at=now - timedelta(hours=1))
    monkeypatch.setattr(heartbeat, "_own", own)
    assert morning.check_everywhere() is not None
    assert morning.check_where_asked() is None, "it has looked already"
    assert [one.check_asked_at is None for one in (fresh(own), fresh(other), fresh(dead))] == [True, False, True]
    Worker.objects.filter(pk=other.pk).update(check_asked_at=now - timedelta(hours=2))
    assert "upstairs answers, and has not found the time to check its models." in mornings.told_today()
    monkeypatch.setattr(heartbeat, "_own", other)
    assert tasks.answer_waiting() == 0
    assert MorningCheck.objects.count() == 3
    assert mornings.told_today() == []


def fresh(worker: Worker) -> Worker:
    return Worker.objects.get(pk=worker.pk)


def test_a_model_that_votes_no_more_has_nothing_open(models, tmp_path):
    swap_past_the_history(models[0], tmp_path / "other")
    morning.check()
    assert mornings.told_today() != []
    DiagnosticModel.objects.filter(pk=models[0].pk).update(is_active=False)
    assert mornings.told_today() == []


def test_a_check_in_which_no_model_could_be_asked_is_forgotten_with_the_next(models, monkeypatch):
    monkeypatch.setattr(morning, "make_ensemble", lambda models: 1 / 0)
    assert codes(morning.check()) == ["fails", "fails"]
    assert len(mornings.told_today()) == 2
    monkeypatch.undo()
    few = morning.fixed_pictures()[:3]
    monkeypatch.setattr(morning, "fixed_pictures", lambda: few)
    assert codes(morning.check()) == ["same", "same"]
    assert mornings.told_today() == []


def test_without_a_model_there_is_nothing_to_check(db):
    assert morning.check() is None
    assert mornings.told_today() == []
