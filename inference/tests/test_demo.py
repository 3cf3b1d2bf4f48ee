"""The demo's second opinions: those of other days are signed, some of today's wait, no other film is touched."""

from datetime import timedelta
from io import StringIO

import pytest
from django.utils import timezone

from backoffice.demo import move_back
from imaging.demo import NOTE
from imaging.models import XRayImage
from inference import demo
from inference.models import Prediction


@pytest.fixture
def films(make_xray, clinician, tiny_models, monkeypatch) -> list[XRayImage]:
    """Two of the demo, the first of them ten days old, and one that somebody brought."""
    clinician.username = "clinician"
    clinician.save()
    monkeypatch.setattr(demo, "register_folder", lambda folder: tiny_models)
    films = [make_xray(seed) for seed in range(3)]
    XRayImage.objects.exclude(pk=films[2].pk).update(notes=NOTE)
    move_back(films[0], timedelta(days=10))
    return films


def test_an_old_film_was_signed_on_its_day_and_todays_waits(films, clinician):
    demo.load(StringIO())
    then, now = (Prediction.objects.get(xray=film) for film in films[:2])
    day = timezone.localdate() - timedelta(days=10)
    moments = [
        then.created_at,
        then.finished_at,
        then.reviewed_at,
        *then.history.values_list("history_date", flat=True),
        then.readings.get().signed_at,
    ]
    assert {timezone.localdate(moment) for moment in moments} == {day}
    [reading] = then.readings.all()
    assert (then.is_validated, then.reviewed_by) == (True, reading.reader)
    assert (reading.is_blind, reading.final_diagnosis) == (True, then.final_diagnosis)
    assert (now.status, now.is_validated) == ("completed", False)
    assert timezone.localdate(now.created_at) == timezone.localdate()


def test_a_film_that_somebody_brought_is_left_alone(films):
    demo.load(StringIO())
    assert not Prediction.objects.filter(xray=films[2]).exists()


def test_a_second_run_asks_nothing(films):
    for _run in range(2):
        demo.load(StringIO())
    assert Prediction.objects.count() == 2
