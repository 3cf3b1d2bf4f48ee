"""What every result says of whose it is and what it belongs to: the film's patient and study, as a PACS files it.

Identifiers are made from what they name and the installation's key: the same result has the same one however often it
is made, another version has another, and two clinics never share one. They stand under 2.25 (PS3.5, B.2), which needs
no root of one's own.
"""

import datetime
import hmac

from django.conf import settings
from django.utils import timezone
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
)

from clinic.models import Patient
from imaging.models import XRayImage
from inference.models import Prediction

UTF_8 = "ISO_IR 192"
SEXES = {Patient.Sex.FEMALE: "F", Patient.Sex.MALE: "M", Patient.Sex.OTHER: "O"}
MAKER, PRODUCT = "Collimator", "Collimator"
KINDS = {"CR": ComputedRadiographyImageStorage, "DX": DigitalXRayImageStorageForPresentation}
LONGEST_TEXT = 64


def uid_of(*named: object) -> UID:
    """The identifier of what is named so."""
    text = "\0".join(map(str, named))
    number = hmac.digest(settings.SECRET_KEY.encode(), f"dicom results\0{text}".encode(), "sha256")[:16]
    return UID(f"2.25.{int.from_bytes(number)}")


def a_result(film: XRayImage, *, sop_class: str, instance: UID, series: UID, at: datetime.datetime) -> FileDataset:
    """A new data set of this film's study, with all that patient, study, series and instance say in every kind."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    result = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    result.SpecificCharacterSet = UTF_8
    result.SOPClassUID, result.SOPInstanceUID = UID(sop_class), instance
    made = timezone.localtime(at)
    result.InstanceCreationDate, result.InstanceCreationTime = _day(made), _time(made)
    result.TimezoneOffsetFromUTC = made.strftime("%z")
    result.Manufacturer, result.ManufacturerModelName, result.SoftwareVersions = MAKER, PRODUCT, ""
    result.InstitutionName = settings.CLINIC_NAME[:LONGEST_TEXT]
    _patient(result, film)
    _study(result, film)
    result.SeriesInstanceUID, result.InstanceNumber = series, 1
    result.ContentDate, result.ContentTime = _day(made), _time(made)
    result.Laterality = ""  # of the series, which is of no side
    return result


def _patient(result: Dataset, film: XRayImage) -> None:
    patient = film.patient
    result.PatientName = person_name(patient.full_name)
    # Never the national ID: it would stand on every screen. The machine's own number, where the film brought one.
    result.PatientID = film.dicom_patient_id or f"P{patient.pk}"
    if film.dicom_patient_id and film.patient_id_issuer:
        result.IssuerOfPatientID = film.patient_id_issuer
    result.PatientBirthDate = patient.date_of_birth.strftime("%Y%m%d")
    result.PatientSex = SEXES[Patient.Sex(patient.sex)]


def _study(result: Dataset, film: XRayImage) -> None:
    taken = timezone.localtime(film.taken_at) if film.taken_at else None
    result.StudyInstanceUID = film.study_uid or uid_of("study", film.sha256, film.pk)
    result.StudyDate = _day(taken) if taken else film.day.strftime("%Y%m%d")
    result.StudyTime = _time(taken) if taken else ""
    result.AccessionNumber = film.accession_number[:16]
    result.ReferringPhysicianName, result.StudyID = "", ""


def made_at(prediction: Prediction) -> datetime.datetime:
    """When the answer became what it is: signed, or given."""
    return prediction.reviewed_at or prediction.finished_at or prediction.created_at


def person_name(full_name: str) -> str:
    """As DICOM's PN: what separates its parts cannot be in one. Names in other letters than Latin ones fill the second
    group too, which is theirs; the first is what most screens show."""
    name = " ".join(full_name.replace("^", " ").replace("=", " ").replace("\\", " ").split())[:LONGEST_TEXT]
    return name if name.isascii() else f"{name}={name}"


def code(value: str, scheme: str, meaning: str) -> Dataset:
    coded = Dataset()
    coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = value, scheme, meaning
    return coded


def the_film(film: XRayImage) -> Dataset | None:
    """As the source of what was made from it; None where its file names no instance, or no kind that is known here."""
    kind = KINDS.get(film.modality)
    if not film.sop_uid or kind is None:
        return None
    source = Dataset()
    source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID = kind, UID(film.sop_uid)
    return source


def _day(at: datetime.datetime) -> str:
    return at.strftime("%Y%m%d")


def _time(at: datetime.datetime) -> str:
    return at.strftime("%H%M%S")
