"""What a PACS searches: an answer in codes and numbers, unverified until it is signed, and never overwritten."""

import functools
from io import BytesIO

import pydicom
import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from clinic.models import Patient
from imaging.models import XRayImage
from inference.dicom_results import optional
from inference.dicom_results.capture import uids_of
from inference.dicom_results.structured import OF_NO_VALUE, structured
from inference.models import DiagnosticModel, ModelResult, Prediction
from inference.review import signing
from inference.tests.test_dicom_results import errors_in

pytestmark = pytest.mark.django_db

SHA = "ab" * 32


@pytest.fixture
def answer(make_xray):
    film = make_xray()
    patient = film.patient
    patient.full_name, patient.national_id = "林𠮷明", "A123456789"
    patient.save()
    film.study_uid, film.series_uid, film.sop_uid, film.modality = "1.2.3", "1.2.3.9", "1.2.3.4", "CR"
    film.save()
    answered = {"status": "completed", "finished_at": timezone.now(), "confidence": 0.6, "agreement": 1.0}
    made = baker.make(Prediction, xray=film, diagnosis="COVID", review_reasons=[], **answered)
    model = baker.make(DiagnosticModel, name="Lung net", version="7", architecture="resnet50", labels=[], sha256=SHA)
    shares = {"COVID": 0.6123456789012345, "Normal": 1e-12, "Viral Pneumonia": 0.3, "Lung Opacity": 0.0876543}
    told = {"diagnosis": "COVID", "confidence": 0.6, "probabilities": shares, "model_sha256": SHA}
    baker.make(ModelResult, prediction=made, model=model, **told)
    return made


def read(prediction: Prediction) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(structured(prediction)))


def signed(prediction: Prediction, by, diagnosis: str) -> Prediction:
    signing.sign(prediction, by=by, diagnosis=diagnosis)
    return Prediction.objects.get(pk=prediction.pk)


def items(dataset: pydicom.Dataset) -> list[tuple[str, str]]:
    """(name, what it says) of everything in it, in order."""
    found = []
    for item in dataset.get("ContentSequence", []):
        name = item.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in item else ""
        found += [(name, _value(item)), *items(item)]
    return found


def _value(item: pydicom.Dataset) -> str:
    if item.ValueType == "CODE":
        return item.ConceptCodeSequence[0].CodeValue
    if item.ValueType == "NUM":
        measured = item.MeasuredValueSequence[0]
        return str(measured.get("FloatingPointValue", measured.NumericValue))
    return str(item.get("TextValue") or item.get("PersonName") or "")


def test_software_alone_is_unverified_and_told_by_name_version_weights_and_numbers(answer, tmp_path):
    said = read(answer)
    assert (said.VerificationFlag, said.PreliminaryFlag) == ("UNVERIFIED", "PRELIMINARY")
    assert "VerifyingObserverSequence" not in said
    told = items(said)
    for expected in [
        ("Observer Type", "121007"),
        ("Algorithm Name", "Lung net"),
        ("Algorithm Version", "7"),
        ("Algorithm Parameters", f"SHA-256 of the weights: {SHA}"),
        ("Probability of COVID-19", "0.6123456789012345"),
        ("Probability of a normal film", "1e-12"),
        ("Diagnosis suggested by software", "840539006"),
        ("Share of models that agree", "1.0"),
    ]:
        assert expected in told
    assert "Diagnosis" not in [name for name, _said in told]
    assert errors_in(structured(answer), tmp_path) == []


def test_demonstration_models_are_told_for_what_they_are(answer):
    assert OF_NO_VALUE not in [said for _name, said in items(read(answer))]
    DiagnosticModel.objects.update(is_demo=True)
    assert OF_NO_VALUE in [said for _name, said in items(read(answer))]


def test_signed_it_is_verified_by_who_signed_and_names_what_it_replaces(answer, clinician, tmp_path):
    before = read(answer)
    answer = signed(answer, clinician, "Viral Pneumonia")
    said = read(answer)
    assert (said.VerificationFlag, said.PreliminaryFlag) == ("VERIFIED", "FINAL")
    verifying = said.VerifyingObserverSequence[0]
    assert str(clinician) in str(verifying.VerifyingObserverName)
    assert verifying.VerificationDateTime[:14] == f"{timezone.localtime(answer.reviewed_at):%Y%m%d%H%M%S}"
    assert ("Diagnosis", "75570004") in items(said)
    assert ("What a clinician made of the software's answer", "CORRECTED") in items(said)
    assert replaced(said) == [before.SOPInstanceUID]
    assert errors_in(structured(answer), tmp_path) == []


def test_each_signature_is_an_instance_and_the_same_one_each_time(answer, clinician):
    unsigned = read(answer)
    first = read(answer := signed(answer, clinician, "Normal"))
    answer = signed(answer, clinician, "not_assessable")
    second, again = structured(answer), structured(answer)
    assert second == again
    said = pydicom.dcmread(BytesIO(second))
    assert replaced(said) == [unsigned.SOPInstanceUID, first.SOPInstanceUID]
    assert ("Diagnosis", "NOT-ASSESSABLE") in items(said)
    assert said.SeriesInstanceUID == first.SeriesInstanceUID
    signing.take_back(answer, by=clinician)
    taken_back = read(Prediction.objects.get(pk=answer.pk))
    assert len({read_.SOPInstanceUID for read_ in (unsigned, first, said, taken_back)}) == 4


def test_it_is_the_films_and_its_patients(answer):
    file = structured(answer)
    said = pydicom.dcmread(BytesIO(file))
    assert (said.StudyInstanceUID, said.SpecificCharacterSet) == ("1.2.3", "ISO_IR 192")
    assert str(said.PatientName) == "林𠮷明=林𠮷明"
    assert b"A123456789" not in file
    assert evidence(said) == ("1.2.3.9", "1.2.3.4")
    XRayImage.objects.update(patient=baker.make(Patient, full_name="Wu Kai"))
    moved = read(Prediction.objects.get(pk=answer.pk))
    assert (str(moved.PatientName), moved.SOPInstanceUID == said.SOPInstanceUID) == ("Wu Kai", False)


@pytest.mark.parametrize(
    "told",
    [
        {"diagnosis": "", "confidence": None, "agreement": None},
        {"is_validated": True, "final_diagnosis": "Normal", "verdict": ""},
        {"xray__series_uid": ""},
        {"xray__patient__full_name": "e\u0301 ^=" + "\u6797" * 6},
    ],
)
def test_whatever_an_answer_lacks_or_a_file_says_the_result_is_whole(answer, told, tmp_path):
    ModelResult.objects.all()._raw_delete(ModelResult.objects.db)
    for name, value in told.items():
        *way, field = name.split("__")
        row = functools.reduce(getattr, way, answer)
        setattr(row, field, value)
    assert ("Diagnosis suggested by software",) in [item[:1] for item in items(read(answer))]
    assert errors_in(structured(answer), tmp_path) == []


def test_a_film_without_an_instance_is_shown_by_its_picture(make_xray, clinician, answer, tmp_path):
    Prediction.objects.filter(pk=answer.pk).update(xray=make_xray(1))
    plain = signed(answer, clinician, "COVID")
    assert evidence(read(plain)) == uids_of(plain)
    assert errors_in(structured(plain), tmp_path) == []


def replaced(said: pydicom.Dataset) -> list[str]:
    series = said.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0]
    return [instance.ReferencedSOPInstanceUID for instance in series.ReferencedSOPSequence]


def evidence(said: pydicom.Dataset) -> tuple[str, str]:
    series = said.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    return series.SeriesInstanceUID, series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID


def test_who_reads_first_is_given_it_after_their_own_answer_and_the_front_desk_never(
    client, answer, clinician, front_desk
):
    address, page = addresses(answer)
    client.force_login(clinician)
    assert client.get(address).status_code == 404
    assert address not in client.get(page).text
    answer = signed(answer, clinician, "COVID")
    assert address in client.get(page).text
    response = client.get(address)
    assert response["Content-Type"] == "application/dicom"
    assert b"".join(response.streaming_content) == structured(answer)
    client.force_login(front_desk)
    assert client.get(address).status_code == 403


def test_where_it_cannot_be_made_it_is_not_offered(client, administrator, answer, monkeypatch):
    address, page = addresses(answer)
    client.force_login(administrator)
    assert address in client.get(page).text
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    optional.has_structured.cache_clear()
    try:
        assert client.get(address).status_code == 404
        assert address not in client.get(page).text
    finally:
        optional.has_structured.cache_clear()


def addresses(answer: Prediction) -> tuple[str, str]:
    """(of the file, of the film's page)."""
    film = reverse("admin:imaging_xrayimage_change", args=[answer.xray_id])
    return reverse("admin:inference_report_structured", args=[answer.pk]), film
