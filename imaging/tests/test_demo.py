import datetime
from io import StringIO

import pytest
from model_bakery import baker

from clinic.models import Patient
from imaging import demo
from imaging.models import XRayImage


@pytest.fixture
def thirty_patients(db):
    baker.make(Patient, national_id="", date_of_birth=datetime.date(1980, 1, 1), _quantity=30)


def test_the_demo_has_twelve_films_and_a_second_run_adds_none_even_where_one_is_hidden(thirty_patients, clinician):
    demo.load(StringIO())
    films = XRayImage.objects.all()
    assert films.count() == films.values("patient").distinct().count() == films.values("sha256").distinct().count() == 12
    assert {tuple(film.quality_issues) for film in films} == {()}
    films.filter(pk=films.first().pk).hide(by=clinician)
    demo.load(StringIO())
    assert XRayImage.objects.count() == 12
