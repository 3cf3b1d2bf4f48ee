"""More than is taken at once: the limit is named, and nothing is half done."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imaging.models import XRayImage
from imaging.tests.pictures import png

ADD = "/admin/imaging/xrayimage/add/"


def files(number: int) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(f"{one}.png", png(one)) for one in range(number)]


def test_a_film_more_than_a_hundred_is_no_trouble(settings):
    assert settings.DATA_UPLOAD_MAX_NUMBER_FILES > 100


@pytest.mark.parametrize("page", [ADD, "/admin/clinic/patient/import/", "/admin/clinic/patient/add/"])
def test_too_many_files_name_the_limit(client, admin_user, patient, settings, page):
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    client.force_login(admin_user)
    answer = client.post(page, {"patient": patient.pk, "files": files(3)})
    assert answer.status_code == 400
    assert "at most 2 files are taken at once" in answer.text
    assert not XRayImage.objects.exists()


def test_too_many_values_name_the_limit(client, admin_user, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    client.force_login(admin_user)
    answer = client.post(ADD, {"a": "1", "b": "2", "c": "3"})
    assert "at most 2 values are taken at once" in answer.text


def test_too_much_text_names_the_limit(client, admin_user, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    client.force_login(admin_user)
    answer = client.post(ADD, {"notes": "x" * 3000})
    assert answer.status_code == 400
    assert "at most 2.0\xa0KB of text" in answer.text


@pytest.mark.django_db
def test_the_public_pages_name_the_limit_too(client, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    answer = client.post("/book/", {"a": "1", "b": "2", "c": "3"})
    assert answer.status_code == 400
    assert "at most 2 values are taken at once" in answer.text
