"""The weekly look beside the reference period: what a worker keeps of each film, and what becomes of it."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone, translation
from model_bakery import baker

from backoffice.jobs.summary import Day
from clinic.models import Patient
from imaging.models import XRayImage
from inference import summary, worker
from inference.figures import drift, drift_words
from inference.models import Diagnosis, DiagnosticModel, DriftCheck, Embedding, ModelResult, Prediction
from inference.nn.embedding import LENGTH
from inference.requests import ask

NAMES = ["One", "Two", "Three"]


@pytest.fixture
def films(db, administrator):
    """Answered films, each as many days ago, as a worker would have left them."""
    patient = baker.make(Patient, national_id="")
    models = [baker.make(DiagnosticModel, name=name, labels=Diagnosis.values) for name in NAMES]
    rng = np.random.default_rng(0)
    made = iter(range(10_000))

    def make(count: int, *, days_ago: float, looks: float = 0.0, device: str = "Alpha", odd: str = "", **fields):
        at = timezone.now() - timedelta(days=days_ago)
        for _film in range(count):
            number = next(made)
            film = baker.make(
                XRayImage, patient=patient, sha256=f"{number:064}", device=device, quality_issues=[],
                original="a.png", pixels="a.png", thumbnail="a.png",
            )  # fmt: skip
            said = {name: rng.dirichlet([8, 1, 1, 1]) for name in NAMES}
            if odd:
                said[odd] = said[odd][[1, 0, 2, 3]]
            together = np.mean(list(said.values()), 0)
            prediction = baker.make(
                Prediction, xray=film, status="completed", diagnosis="COVID", confidence=0.7, review_reasons=[],
                provenance={"probabilities": dict(zip(Diagnosis.values, together.tolist(), strict=True))}, **fields,
            )  # fmt: skip
            Prediction.objects.filter(pk=prediction.pk).update(created_at=at + timedelta(seconds=number))
            numbers = rng.normal(looks, 1, LENGTH).astype(Embedding.DTYPE)
            Embedding.objects.create(prediction=prediction, made_by=Embedding.MADE_BY, numbers=numbers.tobytes())
            ModelResult.objects.bulk_create(
                ModelResult(
                    prediction=prediction, model=model, diagnosis="COVID", confidence=0.7, milliseconds=1,
                    probabilities=dict(zip(Diagnosis.values, said[model.name].tolist(), strict=True)),
                )
                for model in models
            )  # fmt: skip

    return make


@pytest.fixture
def reference(films, administrator):
    films(120, days_ago=40)
    found = drift.set_reference(by=administrator, reason="as it should be", days=60)
    found.ends_at = timezone.now() - timedelta(days=20)  # as if it had been set then
    found.save()
    return found


def shifted(check: DriftCheck) -> list[str]:
    return [one["channel"] for one in check.channels if one["is_shifted"]]


def test_films_like_those_before_do_not_drift_and_it_is_said_what_would_have_been_seen(reference, films):
    films(60, days_ago=3)
    check = drift.look()
    assert (check.is_drifting, shifted(check), check.films) == (False, [], 60)
    told = [line.smallest for line in drift_words.lines_of(check)]
    assert len(told) == len(drift.CHANNELS)
    assert all(told)
    assert drift_words.told_today() == []


@pytest.mark.parametrize(
    ("planted", "channel", "said"),
    [
        ({"looks": 3.0}, "pictures", "look otherwise"),
        ({"device": "Beta"}, "devices", "Beta"),
        ({"odd": "Two"}, "each", "Two"),
    ],
)
def test_what_is_planted_is_noticed_within_fifty_films_and_said(reference, films, planted, channel, said):
    films(50, days_ago=3, **planted)
    check = drift.look()
    assert channel in shifted(check)
    assert any(said in sentence for sentence in drift_words.told_today())


def test_fifty_films_show_it_however_many_came_before_them_in_the_week(reference, films):
    films(150, days_ago=5)
    films(50, days_ago=1, looks=1.6)
    assert "pictures" in shifted(drift.look())


def test_what_is_hidden_counts_no_more(reference, films, administrator):
    films(50, days_ago=3, device="Beta")
    assert shifted(drift.look()) == ["devices"]
    XRayImage.objects.filter(device="Beta").hide(by=administrator, reason="another clinic's")
    films(50, days_ago=2)
    check = drift.look()
    assert (shifted(check), check.films) == ([], 50)


def test_a_film_that_is_asked_about_again_counts_once(reference, films):
    films(50, days_ago=3)
    for film in XRayImage.objects.order_by("-pk")[:30]:
        baker.make(Prediction, xray=film, status="completed", diagnosis="Normal", review_reasons=[])
    assert drift.look().films == 50


def test_other_models_than_in_the_reference_period_are_named(reference, films):
    films(20, days_ago=1)
    assert drift.look().models_changed == []
    other = baker.make(DiagnosticModel, name="Four", version="1", labels=Diagnosis.values)
    newest = Prediction.objects.order_by("-created_at").first()
    baker.make(ModelResult, prediction=newest, model=other, probabilities={}, diagnosis="COVID")
    assert drift.look().models_changed == [["Four", "", "1"]]


def test_without_a_reference_or_with_too_few_films_nothing_is_claimed(films, administrator):
    assert drift.look() is None
    films(30, days_ago=2)
    with pytest.raises(drift.TooFewFilmsError, match="30 films"):
        drift.set_reference(by=administrator, reason="too early", days=30)
    films(100, days_ago=2)
    drift.set_reference(by=administrator, reason="now", days=30)
    check = drift.look()
    assert (check.is_drifting, check.films) == (False, 0)
    assert all("Too few" in line.told for line in drift_words.lines_of(check))


def test_a_new_reference_period_settles_what_was_found_and_needs_a_reason(
    client, reference, films, administrator, django_capture_on_commit_callbacks
):
    films(100, days_ago=3, device="Beta")
    drift.look()
    client.force_login(administrator)
    page = "/admin/inference/figures/drift/"
    assert "something drifts" in client.get(page).text
    assert "Beta" in client.get("/admin/").text
    sent = {"answer": "reference", "days": "10", "reason": "", "seen": reference.pk}
    assert client.post(page, sent).status_code == 200
    assert client.post(page, sent | {"reason": "a new device", "days": "1"}).status_code == 200  # too few films
    assert client.post(page, sent | {"reason": "a new device", "seen": ""}).status_code == 302  # another was shown
    assert drift.reference_in_force() == reference
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(page, sent | {"reason": "a new device"}).status_code == 302
    newest = drift.reference_in_force()
    assert (newest.reason, newest.set_by, newest.films) == ("a new device", administrator, 100)
    assert drift_words.told_today() == []
    assert "Beta" not in client.get("/admin/").text


def test_looking_asks_as_often_however_many_films_there_are(reference, films, django_assert_max_num_queries):
    films(40, days_ago=3)
    with django_assert_max_num_queries(12):
        drift.look()
    films(60, days_ago=3)
    with django_assert_max_num_queries(12):
        drift.look()


def test_what_is_kept_in_sentences_is_told_in_both_languages(reference, films):
    films(50, days_ago=3, device="Beta")
    drift.look()
    [sentence] = [one for one in drift_words.told_today() if "Beta" in one]
    with translation.override("zh-hant"):
        assert "Beta" in str(sentence)
        assert str(sentence) != sentence


@pytest.mark.django_db(transaction=True)
def test_a_worker_keeps_how_each_film_looks_also_of_one_that_no_model_is_asked_about(
    make_xray, tiny_models, clinician, monkeypatch
):
    [prediction, refused] = ask([make_xray(1), make_xray(2)], by=clinician).predictions
    looked_at = worker.suitability.looked_at
    answers = iter([None, {"code": "not_a_frontal_chest_film", "likeness": 0.1, "threshold": 0.5}])
    monkeypatch.setattr(worker.suitability, "looked_at", lambda picture: (next(answers), looked_at(picture)[1]))
    worker.answer_waiting()
    kept = {one.prediction_id: np.frombuffer(bytes(one.numbers), Embedding.DTYPE) for one in Embedding.objects.all()}
    assert kept.keys() == {prediction.pk, refused.pk}
    assert all(len(numbers) == LENGTH and np.isfinite(numbers).all() for numbers in kept.values())
    assert not (kept[prediction.pk] == kept[refused.pk]).all()


@pytest.mark.django_db
def test_the_summary_says_that_nobody_has_looked_until_somebody_has():
    day = Day(timezone.localdate())
    assert [figure.value for figure in summary.models(day)] == ["not looked at yet"] * 2
    baker.make(DriftCheck)
    assert [figure.value for figure in summary.models(day)] == ["as before", "not looked at yet"]
