import datetime
from io import StringIO

import pytest
from django.utils import timezone
from model_bakery import baker

from clinic.models import Patient
from imaging import demo, phantom
from imaging.models import XRayImage


@pytest.fixture
def thirty_patients(db):
    baker.make(Patient, national_id="", date_of_birth=datetime.date(1980, 1, 1), _quantity=30)


@pytest.fixture
def small_phantoms(monkeypatch):
    render = phantom.render
    monkeypatch.setattr(phantom, "render", lambda diagnosis, seed, size=None: render(diagnosis, seed, 360))


@pytest.mark.usefixtures("thirty_patients", "small_phantoms")
def test_the_demo_has_films_of_today_and_of_weeks_before_and_a_second_run_adds_none_even_where_one_is_hidden(clinician):
    demo.load(StringIO())
    films = XRayImage.objects.all()
    today = timezone.localdate()
    assert films.filter(created_at__date=today).count() == 12
    assert films.values("patient").distinct().count() == films.values("sha256").distinct().count() == 28
    weeks = {(today - timezone.localdate(film.created_at)).days // 7 for film in films}
    assert weeks == set(range(10))
    for film in films:
        assert film.history.earliest().history_date.date() == film.created_at.date()
    assert {tuple(film.quality_issues) for film in films} == {()}
    films.filter(pk=films.first().pk).hide(by=clinician)
    demo.load(StringIO())
    assert films.count() == 28
