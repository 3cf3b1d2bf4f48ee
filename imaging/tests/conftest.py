import datetime

import pytest
from django.core.files.base import ContentFile

from clinic.models import Patient
from imaging.storing import receive
from imaging.tests.pictures import png


@pytest.fixture
def patient(db) -> Patient:
    return Patient.objects.create(
        full_name="Chen Wei-Ting", date_of_birth=datetime.date(1972, 3, 4), sex="female", national_id="A123456789"
    )


@pytest.fixture
def other_patient(db) -> Patient:
    return Patient.objects.create(
        full_name="Lin Mei-Hua", date_of_birth=datetime.date(1980, 5, 6), sex="female", national_id="B123456780"
    )


@pytest.fixture
def xray(patient, clinician):
    """A kept X-ray, taken in through the door."""
    return receive(ContentFile(png(), name="film.png"), patient, by=clinician).xray
