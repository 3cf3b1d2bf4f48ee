"""What is known of X-rays from a file: only of films that are there."""

import pytest
from model_bakery import baker

from clinic.models import Patient
from clinic.tests.exchanged import as_csv, as_xlsx, problems, take_back, take_in
from imaging.models import XRayImage
from imaging.resources import XRayResource

pytestmark = pytest.mark.django_db

COLUMNS = ["sha256", "patient_full_name", "patient_date_of_birth", "view", "taken_on", "notes"]
HASH = "ab" * 32


@pytest.fixture
def film():
    patient = baker.make(Patient, full_name="王小明", date_of_birth="1990-01-31", national_id="")
    return baker.make(XRayImage, patient=patient, sha256=HASH, view="", taken_on=None, notes="")


def test_a_film_is_found_by_its_patient_and_hash(film, administrator):
    row = [HASH.upper(), "王小明", "1990-01-31", "pa", "2026-11-20", "=cough"]
    assert take_in(XRayResource, COLUMNS, row, by=administrator).updated == 1
    film.refresh_from_db()
    assert (film.view, str(film.taken_on), film.notes) == ("PA", "2026-11-20", "=cough")
    assert film.history.first().history_user == administrator


@pytest.mark.parametrize("row", [["cd" * 32, "王小明", "1990-01-31"], [HASH, "Somebody else", "1990-01-31"]])
def test_a_film_that_is_not_there_is_refused(film, row):
    done = take_in(XRayResource, COLUMNS[:3], row)
    assert problems(done) == [(2, "sha256", row[0])]
    assert "Upload the film first" in done.errors[0].problem
    assert XRayImage.objects.count() == 1


@pytest.mark.parametrize(("export", "kind"), [(as_csv, "csv"), (as_xlsx, "xlsx")])
def test_what_was_exported_comes_back(film, export, kind):
    XRayImage.objects.update(view="LL", taken_on="2020-02-29", notes="'=a\nb")
    file = export(XRayResource, XRayImage.objects.all())
    XRayImage.objects.update(view="", taken_on=None, notes="")
    assert take_back(XRayResource, file, f"films.{kind}").updated == 1
    assert XRayImage.objects.values_list("view", "notes").get() == ("LL", "'=a\nb")
