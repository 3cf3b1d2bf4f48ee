"""A published report as an encapsulated PDF (PS3.3, A.45.1): what a small PACS shows without asking further."""

from io import BytesIO

from django.core.files.storage import default_storage
from pydicom.uid import EncapsulatedPDFStorage

from inference.dicom_results.about import a_result, code, the_film, uid_of
from inference.models import Report

SERIES_NUMBER = 9101


def report_document(report: Report) -> bytes:
    """Return the file. `report` is published; each version is an instance of one series. Raises FileNotFoundError."""
    with default_storage.open(str(report.pdf.name)) as file:
        pdf = file.read()
    film = report.prediction.xray
    if report.published_at is None:
        raise ValueError("Only a published report is given away.")
    instance = uid_of("report", report.key, report.sha256)
    series = uid_of("reports", report.prediction_id, report.prediction.created_at.isoformat())
    result = a_result(film, sop_class=EncapsulatedPDFStorage, instance=instance, series=series, at=report.published_at)
    result.Modality, result.SeriesNumber, result.InstanceNumber = "DOC", SERIES_NUMBER, report.version
    result.ConversionType = "WSD"
    result.AcquisitionDateTime = ""
    result.BurnedInAnnotation = "YES"  # it names the patient
    result.DocumentTitle = "X-ray report"
    result.ConceptNameCodeSequence = [code("18748-4", "LN", "Diagnostic imaging study")]
    result.VerificationFlag = "VERIFIED"
    if source := the_film(film):
        result.SourceInstanceSequence = [source]
    result.MIMETypeOfEncapsulatedDocument = "application/pdf"
    result.EncapsulatedDocumentLength = len(pdf)
    result.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    target = BytesIO()
    result.save_as(target, enforce_file_format=True)
    return target.getvalue()
