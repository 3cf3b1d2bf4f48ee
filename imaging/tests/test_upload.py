"""Uploading in the admin: several at once, each for itself."""

import hashlib
import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from clinic.models import Patient
from imaging.models import XRayImage
from imaging.tests.pictures import encoded, gradient, png
from imaging.tests.test_dicom import film

ADD = "/admin/imaging/xrayimage/add/"


@pytest.fixture
def upload(client, clinician, patient):
    """Post files as the clinician, to the X-ray's add page unless told otherwise; returns the page it led to."""
    client.force_login(clinician)

    def post(*files: tuple[str, bytes], to=patient, **fields):
        sent = [SimpleUploadedFile(name, data) for name, data in files]
        return client.post(ADD, {"patient": to.pk, "files": sent, **fields}, follow=True)

    return post


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def files_on_disk(settings) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_of_five_files_two_bad_ones_are_refused_by_name_and_three_are_kept(upload, patient, clinician):
    page = upload(
        ("one.png", png(1)),
        ("cut.png", png(2)[:-300]),
        ("two.jpg", encoded(gradient(), "JPEG")),
        ("notes.txt", b"not a picture"),
        ("three.dcm", film(gradient(), ViewPosition="PA")),
        view="AP",
        notes="routine",
    )
    kept = list(XRayImage.objects.order_by("pk"))
    assert [xray.source_format for xray in kept] == ["PNG", "JPEG", "DICOM"]
    assert {xray.patient for xray in kept} == {patient}
    assert [xray.view for xray in kept] == ["AP", "AP", "PA"]  # what a file says itself goes first
    assert {(xray.uploaded_by, xray.notes) for xray in kept} == {(clinician, "routine")}
    assert {xray.history.get().history_user for xray in kept} == {clinician}
    refusals = [text for text in said(page) if "was not kept" in text]
    assert len(refusals) == 2
    assert refusals[0].startswith("“cut.png” was not kept. The picture is cut off")
    assert refusals[1].startswith("“notes.txt” was not kept. It is no PNG, JPEG or DICOM file")


def test_the_original_is_kept_byte_for_byte_under_a_random_name(upload):
    original = encoded(gradient(), "JPEG")
    upload(("Chen Wei-Ting A123456789.jpg", original))
    xray = XRayImage.objects.get()
    assert xray.original.read() == original
    assert xray.sha256 == hashlib.sha256(original).hexdigest()
    for file in (xray.original, xray.pixels, xray.thumbnail):
        assert not re.search("chen|A123456789", file.name, re.IGNORECASE)
    assert Path(xray.original.name).suffix == ".jpg"


def test_one_good_file_leads_to_its_page(upload):
    page = upload(("film.png", png()))
    assert page.redirect_chain[-1][0] == f"/admin/imaging/xrayimage/{XRayImage.objects.get().pk}/change/"


def test_when_nothing_is_kept_the_form_comes_back_with_what_was_typed(upload, patient):
    page = upload(("film.png", b""), notes="second try")
    assert page.status_code == 200
    assert "“film.png” was not kept. The file is empty." in said(page)[0]
    assert "second try" in page.text
    assert patient.full_name in page.text


def test_the_same_file_again_is_told_and_not_stored_twice(upload, settings):
    upload(("film.png", png()))
    first, before = XRayImage.objects.get(), files_on_disk(settings)
    page = upload(("again.png", png()))
    assert XRayImage.objects.get() == first
    assert files_on_disk(settings) == before
    assert "“again.png” was already there" in said(page)[0]
    assert f"/admin/imaging/xrayimage/{first.pk}/change/" in said(page)[0]


def test_the_same_file_twice_in_one_upload_is_stored_once(upload):
    upload(("film.png", png()), ("copy.png", png()))
    assert XRayImage.objects.count() == 1


def test_a_hidden_film_may_be_uploaded_again(upload, xray, clinician):
    XRayImage.objects.hide(by=clinician)
    upload(("film.png", png()))
    assert XRayImage.objects.visible().count() == 1


def test_the_same_file_at_another_patient_is_kept_with_a_warning(upload, patient, other_patient):
    upload(("film.png", png()))
    page = upload(("film.png", png()), to=other_patient)
    assert XRayImage.objects.count() == 2
    assert any("Chen Wei-Ting has this very file too" in text for text in said(page))


def test_a_dicom_file_of_somebody_else_is_kept_with_a_warning(upload):
    page = upload(("film.dcm", film(gradient(), PatientName="Doe^Archibald")))
    assert any("names another patient, Doe^Archibald" in text for text in said(page))


def test_a_doubtful_picture_is_kept_with_a_warning(upload):
    page = upload(("film.png", encoded(gradient(100, 100))))
    assert XRayImage.objects.get().quality_issues == ["low_resolution"]
    assert any("low resolution" in text for text in said(page))


def test_a_file_name_cannot_write_into_the_page(upload):
    page = upload(("<img src=x onerror=alert(1)>.png", b"nothing"))
    assert "<img src=x" not in page.text


def test_no_file_stays_behind_when_the_row_fails(upload, settings, monkeypatch):
    def fail(self, *args, **kwargs):
        raise RuntimeError("the database is away")

    monkeypatch.setattr(XRayImage, "save", fail)
    page = upload(("film.png", png()))
    assert any("nothing of it was kept" in text for text in said(page))
    assert files_on_disk(settings) == []


def test_no_file_stays_behind_when_another_upload_was_quicker(upload, settings, monkeypatch, xray):
    before = files_on_disk(settings)
    held = XRayImage.objects.visible().filter(pk=xray.pk)
    looks, first = iter([None, xray]), type(held).first
    monkeypatch.setattr(type(held), "first", lambda self: next(looks) if self.model is XRayImage else first(self))
    page = upload(("film.png", png()))
    monkeypatch.undo()
    assert XRayImage.objects.get() == xray
    assert files_on_disk(settings) == before
    assert "was already there" in said(page)[0]


def test_a_patient_must_be_chosen_and_a_file(upload, client, patient):
    assert "This field is required" in client.post(ADD, {"patient": patient.pk}).text
    assert "This field is required" in client.post(ADD, {"files": SimpleUploadedFile("film.png", png())}).text
    assert not XRayImage.objects.exists()


@pytest.fixture
def patients_page(client, clinician, patient):
    client.force_login(clinician)
    return reverse("admin:clinic_patient_change", args=[patient.pk])


def patients_form(client, page) -> dict[str, str]:
    context = client.get(page).context
    forms = [
        context["adminform"].form,
        *(inline.formset.management_form for inline in context["inline_admin_formsets"]),
    ]
    values = {field.html_name: field.value() for form in forms for field in form}
    return {name: "" if value is None else value for name, value in values.items()}


def test_films_are_uploaded_on_the_patients_page(client, patients_page, patient):
    files = [SimpleUploadedFile("film.png", png()), SimpleUploadedFile("notes.txt", b"not a picture")]
    page = client.post(patients_page, patients_form(client, patients_page) | {"files": files}, follow=True)
    assert XRayImage.objects.get().patient == patient
    assert any("“film.png” is kept" in text for text in said(page))
    assert any("“notes.txt” was not kept" in text for text in said(page))


def test_the_patients_page_shows_the_films_and_takes_files(client, patients_page, xray):
    text = client.get(patients_page).text
    assert reverse("admin:imaging_xrayimage_thumbnail", args=[xray.pk]) in text
    assert 'enctype="multipart/form-data"' in text
    assert 'name="files"' in text


def test_a_hidden_patients_page_takes_no_files(client, patients_page, patient, clinician):
    Patient.objects.filter(pk=patient.pk).hide(by=clinician, reason="Entered twice")
    assert 'name="files"' not in client.get(patients_page).text
    assert client.post(patients_page, {"files": SimpleUploadedFile("film.png", png())}).status_code == 409
    assert not XRayImage.objects.exists()


def test_the_page_of_a_patient_who_is_not_there_takes_no_files(client, patients_page, patient):
    nobodys = reverse("admin:clinic_patient_change", args=[patient.pk + 1])
    page = client.post(nobodys, {"files": SimpleUploadedFile("film.png", png())}, follow=True)
    assert any("doesn’t exist" in text for text in said(page))
    assert not XRayImage.objects.exists()


def test_saving_the_patients_page_without_files_changes_no_film(client, patients_page, xray):
    form = patients_form(client, patients_page) | {"phone": "02-1234"}
    assert client.post(patients_page, form).status_code == 302
    assert XRayImage.objects.get().updated_at == xray.updated_at


def test_the_front_desk_neither_sees_films_on_the_patients_page_nor_adds_them(client, patients_page, front_desk, xray):
    client.force_login(front_desk)
    assert "xrayimage" not in client.get(patients_page).text
    form = patients_form(client, patients_page) | {"files": SimpleUploadedFile("film.png", png(7))}
    assert client.post(patients_page, form).status_code == 302
    assert XRayImage.objects.get() == xray
