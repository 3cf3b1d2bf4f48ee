"""A model in the shadow answers to nobody; then it is accepted on its figures, rejected, or gone back from."""

import json

import pytest
from django.db import IntegrityError, transaction
from model_bakery import baker

from imaging.models import XRayImage
from inference import worker
from inference.figures import of_models
from inference.models import DiagnosticModel, ModelResult, Prediction, ShadowAnswer
from inference.registry import shadow, stages
from inference.registry.registration import register, register_folder
from inference.registry.stages import StageError
from inference.requests import ask
from inference.review import signing
from inference.tests import tiny_networks as tiny
from inference.tests.test_worker_process import count, start_worker

STAGES = DiagnosticModel.Stage


@pytest.fixture
def shadowed(tiny_models, tmp_path):
    """A second version of the tiny ResNet, in the shadow, of other weights."""
    spec = tiny.spec(tmp_path / "new", "ResNet-50", seed=7)
    return register(
        spec.weights,
        name=tiny_models[0].name,
        version="candidate-2",
        architecture=spec.architecture,
        options=spec.options,
        labels=list(spec.labels),
        input_size=spec.input_size,
        mean=list(spec.mean),
        std=list(spec.std),
        stage=STAGES.SHADOW,
        is_active=False,
    )


@pytest.fixture
def answered(make_xray, clinician, shadowed):
    """Three films that the ensemble has answered, two of them signed; the shadow has looked when nobody waited."""
    xrays = [make_xray(seed) for seed in range(3)]
    predictions = ask(xrays, by=clinician).predictions
    worker.answer_waiting()
    for prediction, diagnosis in zip(predictions[:2], ("COVID", "Normal"), strict=True):
        signing.sign(prediction, by=clinician, diagnosis=diagnosis)
    for prediction in predictions:
        prediction.refresh_from_db()
    return predictions


def test_it_answers_beside_those_that_vote_and_changes_nothing_of_what_they_say(answered, shadowed, tiny_models):
    said = ShadowAnswer.objects.filter(model=shadowed)
    assert set(said.values_list("prediction", flat=True)) == {prediction.pk for prediction in answered}
    for prediction in answered:
        assert [result.model for result in prediction.results.all()] == tiny_models
        assert [model["version"] for model in prediction.provenance["models"]] == ["1", "1"]
        told = json.dumps([prediction.review_reasons, prediction.provenance])
        assert "candidate-2" not in told
        assert shadowed.sha256 not in told


def test_no_reader_sees_a_word_of_it(answered, shadowed, clinician, client):
    """On every page that shows an answer, as the clinician reads it."""
    client.force_login(clinician)
    prediction = answered[0]
    pages = [
        f"/admin/imaging/xrayimage/{prediction.xray_id}/change/",
        f"/admin/imaging/xrayimage/{prediction.xray_id}/answer/",
        f"/admin/imaging/xrayimage/{prediction.xray_id}/history/",
        f"/admin/inference/prediction/{prediction.pk}/change/",
        f"/admin/inference/prediction/{prediction.pk}/history/",
        "/admin/inference/prediction/",
        "/admin/imaging/xrayimage/",
    ]
    for page in pages:
        text = client.get(page).text
        assert "candidate-2" not in text
        assert shadowed.sha256[:12] not in text
    assert client.get(f"/admin/inference/diagnosticmodel/{shadowed.pk}/figures/").status_code == 403


def test_nothing_points_back_at_what_the_shadow_said():
    """So no history, list or export that follows relations can come by it."""
    for model in (Prediction, DiagnosticModel, XRayImage):
        assert ShadowAnswer not in {relation.related_model for relation in model._meta.related_objects}


def test_it_waits_while_somebody_else_does(answered, shadowed, make_xray, clinician, monkeypatch):
    ShadowAnswer.objects.all().delete()
    monkeypatch.setattr(shadow, "AT_ONCE", 1)
    asked_meanwhile = []

    def may_go_on():
        if ShadowAnswer.objects.count() and not asked_meanwhile:
            asked_meanwhile.extend(ask([make_xray(9)], by=clinician).predictions)
        return not Prediction.objects.waiting().exists()

    assert shadow.answer_beside(may_go_on) == 1
    worker.answer_waiting()
    assert ShadowAnswer.objects.count() == 4


def test_a_shadow_that_fails_keeps_no_answer_from_a_reader(make_xray, clinician, shadowed, tiny_models):
    worker.answer_waiting()
    shadowed.refresh_from_db()
    shadowed.weights.storage.delete(shadowed.weights.name)
    [prediction] = ask([make_xray()], by=clinician).predictions
    worker.answer_waiting()
    prediction.refresh_from_db()
    assert prediction.status == "completed"
    shadowed.refresh_from_db()
    assert "cannot read the weights" in shadowed.check_error
    assert not DiagnosticModel.objects.in_the_shadow().exists()


def test_what_was_signed_before_it_came_is_looked_at_too_and_what_was_not_is_not(answered, shadowed):
    ShadowAnswer.objects.all().delete()
    DiagnosticModel.objects.filter(pk=shadowed.pk).update(created_at=answered[-1].finished_at.replace(year=2999))
    assert shadow.answer_beside(lambda: True) == 2


# -- Figures ----------------------------------------------------------------------------------------------------------


def a_case(model, standing, truth, said, theirs, **fields):
    film = baker.make(XRayImage)
    prediction = baker.make(
        Prediction, xray=film, status="completed", diagnosis=theirs, is_validated=True, final_diagnosis=truth,
        review_reasons=[], **fields,
    )  # fmt: skip
    baker.make(ShadowAnswer, model=model, prediction=prediction, diagnosis=said, probabilities={})
    baker.make(ModelResult, model=standing, prediction=prediction, diagnosis=theirs, probabilities={})
    return prediction


@pytest.fixture
def two_versions(db):
    common = {"name": "Net", "labels": [], "metrics": {}, "options": {}, "sha256": "a" * 64}
    standing = baker.make(DiagnosticModel, version="1", checked_at="2026-01-01T00:00Z", **common)
    new = baker.make(
        DiagnosticModel, version="2", stage=STAGES.SHADOW, is_active=False, checked_at="2026-01-01T00:00Z", **common
    )
    return standing, new


def test_the_figures_are_of_signed_films_each_once_and_of_both_on_the_same(two_versions):
    standing, new = two_versions
    a_case(new, standing, "COVID", "COVID", "Normal")
    a_case(new, standing, "Normal", "COVID", "Normal")
    twice = a_case(new, standing, "Normal", "Normal", "Normal")
    baker.make(
        Prediction, xray=twice.xray, status="completed", diagnosis="COVID", is_validated=True, final_diagnosis="COVID",
        review_reasons=[],
    )  # fmt: skip  # signed anew, and not asked of the shadow: the film counts no more
    hidden = a_case(new, standing, "COVID", "COVID", "COVID")
    Prediction.objects.filter(pk=hidden.pk).hide(by=None)
    alone = a_case(new, standing, "COVID", "COVID", "COVID")
    ModelResult.objects.filter(prediction=alone).delete()

    figures = of_models.of(new)
    assert figures.films == 2
    own, theirs, together = figures.columns
    assert (own.model, theirs.model, together.model) == (new, standing, None)
    assert [(c.agreement.k, c.agreement.n) for c in figures.columns] == [(1, 2), (1, 2), (1, 2)]
    covid = own.classes[0]
    assert (covid.sensitivity.k, covid.sensitivity.n, covid.specificity.k, covid.specificity.n) == (1, 1, 0, 1)


def test_few_are_said_to_be_few_on_the_page(two_versions, administrator, client):
    standing, new = two_versions
    client.force_login(administrator)
    url = f"/admin/inference/diagnosticmodel/{new.pk}/figures/"
    assert "has answered about no signed film yet" in client.get(url).text
    a_case(new, standing, "COVID", "COVID", "Normal")
    page = client.get(url).text
    assert "Fewer than 30 films tell little" in page
    assert "(0.21–1.00)" in page
    assert "1 of 1" in page


# -- Deciding ---------------------------------------------------------------------------------------------------------


def decide(client, model, **data):
    return client.post(f"/admin/inference/diagnosticmodel/{model.pk}/figures/", data, follow=True)


def test_an_administrator_accepts_it_and_goes_back(two_versions, administrator, client):
    standing, new = two_versions
    a_case(new, standing, "COVID", "COVID", "Normal")
    client.force_login(administrator)
    page = client.get(f"/admin/inference/diagnosticmodel/{new.pk}/figures/")
    accepted = decide(client, new, answer="accept", seen=page.context["seen"])
    assert "votes from now on" in accepted.text
    for model in two_versions:
        model.refresh_from_db()
    assert (standing.stage, standing.is_active, new.stage, new.is_active) == ("retired", False, "accepted", True)
    frozen = new.history.first()
    assert (frozen.history_user, frozen.history_change_reason) == (administrator, "Accepted")
    assert frozen.acceptance["sha256"] == new.sha256
    assert frozen.acceptance["films"] == 1
    assert frozen.acceptance["columns"][0]["agreement"] == [1, 1, 0.2065, 1.0]
    history = client.get(f"/admin/inference/diagnosticmodel/{new.pk}/history/").text
    assert "1.00 (95 %: 0.21–1.00; 1 of 1)" in history

    assert "votes again" in decide(client, standing, answer="back").text
    for model in two_versions:
        model.refresh_from_db()
    assert (standing.is_active, new.stage, new.is_active) == (True, "retired", False)
    assert standing.history.first().history_change_reason == "Votes again"


def test_it_is_rejected_with_a_reason_and_may_come_again(two_versions, administrator, client):
    _standing, new = two_versions
    client.force_login(administrator)
    assert "This field is required" in decide(client, new, answer="reject").text
    decide(client, new, answer="reject", reason="Misses every COVID")
    new.refresh_from_db()
    assert new.stage == "rejected"
    assert new.history.first().history_change_reason == "Rejected: Misses every COVID"
    assert not DiagnosticModel.objects.in_the_shadow().exists()
    decide(client, new, answer="shadow")
    new.refresh_from_db()
    assert new.stage == "shadow"


def test_a_decision_is_about_the_figures_that_were_shown(two_versions, administrator, client):
    standing, new = two_versions
    client.force_login(administrator)
    page = client.get(f"/admin/inference/diagnosticmodel/{new.pk}/figures/")
    a_case(new, standing, "COVID", "Normal", "COVID")
    answer = decide(client, new, answer="accept", seen=page.context["seen"])
    assert "have changed since" in answer.text
    new.refresh_from_db()
    assert new.stage == "shadow"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (stages.accept, {"stage": "rejected"}),
        (stages.accept, {"check_error": "broken"}),
        (stages.accept, {"checked_at": None}),
        (stages.accept, {"hidden_at": "2026-01-01T00:00Z"}),
        (stages.go_back, {}),
        (stages.into_the_shadow, {}),
    ],
)
def test_what_cannot_be_done_is_told_and_not_done(two_versions, administrator, change, fields):
    _standing, new = two_versions
    DiagnosticModel.objects.filter(pk=new.pk).update(**fields)
    with pytest.raises(StageError):
        change(new, by=administrator)
    assert list(DiagnosticModel.objects.voting().values_list("version", flat=True)) == ["1"]


@pytest.mark.parametrize("role", ["front_desk", "clinician"])
def test_nobody_else_decides(two_versions, client, request, role):
    _standing, new = two_versions
    client.force_login(request.getfixturevalue(role))
    for answer in ("accept", "reject", "back", "shadow"):
        assert decide(client, new, answer=answer, reason="because").status_code == 403
    new.refresh_from_db()
    assert new.stage == "shadow"


def test_a_tick_lets_no_shadow_vote(two_versions, administrator, client):
    _standing, new = two_versions
    client.force_login(administrator)
    client.post(f"/admin/inference/diagnosticmodel/{new.pk}/change/", {"is_active": "on", "vote_weight": "2"})
    new.refresh_from_db()
    assert (new.is_active, new.vote_weight) == (False, 2.0)
    with pytest.raises(IntegrityError), transaction.atomic():
        DiagnosticModel.objects.filter(pk=new.pk).update(is_active=True)


def test_an_answer_that_comes_after_it_left_the_shadow_is_thrown_away(answered, shadowed, administrator):
    ShadowAnswer.objects.all().delete()
    stages.reject(shadowed, by=administrator, reason="no")
    assert shadow.keep(shadowed, [], []) == 0
    assert shadow.answer_beside(lambda: True) == 0


def test_old_answers_keep_pointing_at_the_version_that_gave_them(
    answered, shadowed, tiny_models, administrator, make_xray, clinician
):
    shadowed.refresh_from_db()
    stages.accept(shadowed, by=administrator)
    [later] = ask([make_xray(11)], by=clinician).predictions
    worker.answer_waiting()
    assert {result.model for result in later.results.all()} == {shadowed, tiny_models[1]}
    assert [result.model for result in answered[0].results.all()] == tiny_models


def test_demonstration_models_of_a_new_training_take_the_place_of_the_old(tmp_path, transactional_db):
    for seed in range(2):
        folder = tmp_path / str(seed)
        spec = tiny.spec(folder, "ResNet-50", seed)
        entry = {
            "name": "Net", "version": spec.sha256[:8], "file": spec.weights.name, "architecture": spec.architecture,
            "options": spec.options, "labels": list(spec.labels), "input_size": spec.input_size,
            "mean": list(spec.mean), "std": list(spec.std), "is_demo": True,
        }  # fmt: skip
        (folder / "ensemble.json").write_text(json.dumps({"models": [entry]}))
        register_folder(folder)
    assert list(DiagnosticModel.objects.order_by("pk").values_list("stage", "is_active")) == [
        ("retired", False),
        ("accepted", True),
    ]


# -- At once ----------------------------------------------------------------------------------------------------------

AT_WORK = """
from django.conf import settings
from django.utils import timezone
from django.contrib.auth import get_user_model
from inference.models import DiagnosticModel
from inference.registry.registration import register
from inference.tests import tiny_networks as tiny
from inference.tests.test_worker_process import ASK_ABOUT_FILMS, CHECKED

exec(ASK_ABOUT_FILMS.format(n=12, checked_at=CHECKED))
first = DiagnosticModel.objects.get(name="Tiny ResNet")
spec = tiny.spec(settings.DATA_DIR / "new", "ResNet-50", seed=7)
said = ("name", "architecture", "options", "labels", "input_size", "mean", "std")
described = {name: getattr(first, name) for name in said}
register(spec.weights, **described, version="2", stage="shadow", is_active=False, checked_at=timezone.now())
"""
CHANGE = """
from django.contrib.auth import get_user_model
from inference.registry import stages
from inference.models import DiagnosticModel
stages.{change}(DiagnosticModel.objects.get(name="Tiny ResNet", version="{version}"), by=get_user_model().objects.get())
"""


@pytest.mark.slow
def test_of_administrators_who_accept_at_once_one_does_and_one_version_votes(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.accept(administrators=4)"))
    assert sorted(told["answers"]) == sorted(["StageError"] * 3 + told["votes"])
    assert len(told["votes"]) == 1
    assert sorted(told["stages"]) == ["accepted", "retired", "shadow"]


@pytest.mark.slow
def test_models_of_one_name_that_are_registered_at_once_are_versions_one_after_another(installation):
    told = json.loads(installation.python("from inference.tests import rush; rush.register(people=4)").splitlines()[-1])
    assert sorted(told["answers"]) == ["1", "2", "3", "4"]
    assert told["files"] == 4


@pytest.mark.slow
def test_versions_change_while_a_batch_runs_and_each_film_is_answered_once_by_one_of_each_name(at_work):
    at_work.environment["MAX_BATCH_SIZE"] = "2"
    at_work.python(AT_WORK)
    start_worker(at_work)
    at_work.wait_until(lambda: count(at_work, "status = 'completed'"))
    at_work.python(CHANGE.format(change="accept", version="2"))
    at_work.python(CHANGE.format(change="go_back", version="1"))
    at_work.wait_until(lambda: count(at_work, "status IN ('completed', 'failed')") == 12)
    assert count(at_work, "status = 'completed'") == 12
    answers = at_work.query(
        "SELECT r.prediction_id, m.name, count(*) FROM inference_modelresult r "
        "JOIN inference_diagnosticmodel m ON m.id = r.model_id GROUP BY r.prediction_id, m.name"
    )
    assert len(answers) == 24
    assert {n for _prediction, _name, n in answers} == {1}
    votes = at_work.query("SELECT version FROM inference_diagnosticmodel WHERE is_active AND name = 'Tiny ResNet'")
    assert votes == [("1",)]
