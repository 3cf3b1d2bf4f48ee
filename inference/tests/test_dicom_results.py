"""What a PACS is given: the report and the picture, whose they are, and nothing that dciodvfy calls an error."""

import shutil
import subprocess
from io import BytesIO

import pydicom
import pytest
from django.urls import reverse
from model_bakery import baker

from backoffice.tests.installations import leave_out
from inference.dicom_results.about import person_name
from inference.dicom_results.capture import NOT_VERIFIED, capture, picture, words_of
from inference.dicom_results.report_document import report_document
from inference.models import ModelResult, Prediction
from inference.reports import publishing
from inference.tests.conftest import heat_map
from inference.tests.reporting import kept_pdf, published, signed_answer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answer(make_xray, clinician):
    film = make_xray()
    patient = film.patient
    patient.full_name, patient.national_id = "林𠮷明", "A123456789"
    patient.save()
    film.study_uid, film.sop_uid, film.modality, film.accession_number = "1.2.3", "1.2.3.4", "CR", "A77"
    film.save()
    made = signed_answer(clinician, xray=film)
    baker.make(ModelResult, prediction=made, diagnosis="Normal", probabilities={}, heatmap=heat_map())
    return made


def read(file: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(file))


def errors_in(file: bytes, tmp_path) -> list[str]:
    if not shutil.which("dciodvfy"):
        leave_out("dciodvfy is not installed (Debian: dicom3tools): what it says of a result is left out")
    path = tmp_path / "result.dcm"
    path.write_bytes(file)
    told = subprocess.run([shutil.which("dciodvfy"), str(path)], capture_output=True, text=True, check=False)
    return [line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")]


def test_the_report_is_the_published_pdf_in_the_films_study(doctor, answer, tmp_path):
    report = published(doctor, answer)
    response = doctor.get(reverse("admin:inference_report_dicom", args=[report.pk]))
    assert response["Content-Type"] == "application/dicom"
    file = b"".join(response.streaming_content)
    said = read(file)
    assert said.EncapsulatedDocument[: said.EncapsulatedDocumentLength] == kept_pdf(report)
    assert (said.StudyInstanceUID, said.AccessionNumber, said.SpecificCharacterSet) == ("1.2.3", "A77", "ISO_IR 192")
    assert str(said.PatientName) == "林𠮷明=林𠮷明"
    assert b"A123456789" not in file
    assert errors_in(file, tmp_path) == []


def test_a_version_is_an_instance_and_the_same_one_each_time(doctor, clinician, answer):
    first = published(doctor, answer)
    second = publishing.publish(publishing.amend(first, by=clinician, what="The side"), by=clinician)
    one, again, other = (read(report_document(report)) for report in (first, first, second))
    assert one.SOPInstanceUID == again.SOPInstanceUID != other.SOPInstanceUID
    assert one.SeriesInstanceUID == other.SeriesInstanceUID
    assert one.SOPInstanceUID.startswith("2.25.")


def test_the_picture_says_that_it_is_not_verified_until_it_is_signed(doctor, answer, tmp_path):
    signed = capture(answer)
    assert errors_in(signed, tmp_path) == []
    said = read(signed)
    assert said.BurnedInAnnotation == "YES"
    assert said.pixel_array.shape == (said.Rows, said.Columns, 3)
    unsigned = Prediction.objects.get(pk=answer.pk)
    unsigned.is_validated = False
    assert NOT_VERIFIED in [line for line, _colour in words_of(unsigned)]
    assert NOT_VERIFIED not in [line for line, _colour in words_of(answer)]
    assert picture(unsigned).tobytes() != picture(answer).tobytes()
    assert errors_in(capture(unsigned), tmp_path) == []
    assert read(capture(unsigned)).SOPInstanceUID != said.SOPInstanceUID


def test_it_is_downloaded_beside_the_film_once_it_is_signed_by_who_sees_answers(client, doctor, answer, front_desk):
    address = reverse("admin:inference_report_capture", args=[answer.pk])
    assert address in doctor.get(reverse("admin:imaging_xrayimage_change", args=[answer.xray_id])).text
    assert doctor.get(address).status_code == 200
    Prediction.objects.filter(pk=answer.pk).update(is_validated=False)
    assert doctor.get(address).status_code == 404
    client.force_login(front_desk)
    assert client.get(address).status_code == 403


def test_the_film_of_a_png_has_a_study_of_its_own(make_xray, clinician, tmp_path):
    file = capture(signed_answer(clinician, xray=make_xray(1)))
    assert read(file).StudyInstanceUID.startswith("2.25.")
    assert errors_in(file, tmp_path) == []


@pytest.mark.parametrize(
    ("name", "written"),
    [("Lin Mei-ling", "Lin Mei-ling"), ("林美玲", "林美玲=林美玲"), ("A^B=C\\D", "A B C D"), ("", "")],
)
def test_what_separates_the_parts_of_a_name_is_in_none(name, written):
    assert person_name(name) == written
