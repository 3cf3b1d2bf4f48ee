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


def test_the_demo_has_twelve_films_on_twelve_patients_and_a_second_run_adds_none(thirty_patients):
    demo.load(StringIO())
    assert XRayImage.objects.count() == XRayImage.objects.values("patient").distinct().count() == 12
    assert XRayImage.objects.values("sha256").distinct().count() == 12
    assert {tuple(xray.quality_issues) for xray in XRayImage.objects.all()} == {()}
    again = StringIO()
    demo.load(again)
    assert XRayImage.objects.count() == 12
    assert "0 phantom X-rays added" in again.getvalue()
