import datetime
from functools import partial
from io import StringIO

import pytest
from model_bakery import baker

from clinic.models import Patient
from imaging import demo, phantom
from imaging.models import XRayImage


@pytest.fixture
def thirty_patients(db):
    baker.make(Patient, national_id="", date_of_birth=datetime.date(1980, 1, 1), _quantity=30)


@pytest.fixture
def small_phantoms(monkeypatch):
    monkeypatch.setattr(phantom, "render", partial(phantom.render, size=360))


@pytest.mark.usefixtures("thirty_patients", "small_phantoms")
def test_the_demo_has_twelve_films_and_a_second_run_adds_none_even_where_one_is_hidden(clinician):
    demo.load(StringIO())
    films = XRayImage.objects.all()
    assert films.count() == 12
    assert films.values("patient").distinct().count() == films.values("sha256").distinct().count() == 12
    assert {tuple(film.quality_issues) for film in films} == {()}
    films.filter(pk=films.first().pk).hide(by=clinician)
    demo.load(StringIO())
    assert films.count() == 12
