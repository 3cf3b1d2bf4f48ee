"""An answer as a structured report (PS3.3, A.35.3; PS3.16, TID 1500): what a PACS searches and counts.

It is unverified while only software has spoken, and verified by who signed. Whatever changes of its signature makes a
new instance, which names those before it: none is overwritten. Needs requirements-sr.txt; see `optional.py`.
"""

import logging
from io import BytesIO
from typing import Any

from django.conf import settings
from django.utils import timezone
from highdicom.sr import (
    AlgorithmIdentification,
    ComprehensiveSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    ImageContentItem,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    QualitativeEvaluation,
    TrackingIdentifier,
)
from highdicom.sr.enum import RelationshipTypeValues
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes as standard
from pydicom.sr.coding import Code
from pydicom.uid import UID, ComprehensiveSRStorage, SecondaryCaptureImageStorage
from pydicom.valuerep import DT

from inference.dicom_results import capture, codes
from inference.dicom_results.about import (
    LONGEST_TEXT,
    MAKER,
    PRODUCT,
    UTF_8,
    a_result,
    made_at,
    person_name,
    the_film,
    uid_of,
)
from inference.models import ModelResult, Prediction
from inference.models.diagnostic_models import Diagnosis

SERIES_NUMBER = 9103
STATE = ("is_validated", "verdict", "final_diagnosis", "reviewed_by_id", "reviewed_at")
UNSIGNED = (False, "", "", None, None)

OF_NO_VALUE = "Demonstration: trained on synthetic pictures, of no medical value"
UNNAMED = ""
"""Until highdicom has looked: of a name that is not in parts it warns, and its warning tells the name."""

logging.getLogger("highdicom").setLevel(logging.WARNING)  # it tells each step


def structured(prediction: Prediction) -> bytes:
    """Return the file about this answer as it stands. `prediction` is answered."""
    source = _source(prediction)
    told_at = DT(timezone.localtime(made_at(prediction)).strftime("%Y%m%d%H%M%S%z"))
    *before, newest = _instances(prediction, source)
    report = ComprehensiveSR(
        evidence=[source],
        content=_content(prediction, source),
        series_instance_uid=newest.SeriesInstanceUID,
        series_number=SERIES_NUMBER,
        sop_instance_uid=newest.SOPInstanceUID,
        instance_number=len(before) + 1,
        manufacturer=MAKER,
        manufacturer_model_name=PRODUCT,
        institution_name=_clinic(),
        is_complete=True,
        is_final=prediction.is_validated,
        is_verified=prediction.is_validated,
        verifying_observer_name=UNNAMED,
        verifying_organization=_clinic(),
        previous_versions=before or None,
        specific_character_set=UTF_8,
    )
    report.PatientName = person_name(prediction.xray.patient.full_name)
    for verifying in report.get("VerifyingObserverSequence", []):
        verifying.VerifyingObserverName = person_name(_signer(prediction))
        verifying.VerificationDateTime = told_at
    for equipment in report.ContributingEquipmentSequence:
        equipment.ContributionDateTime = told_at
    for name in ("InstanceCreationDate", "InstanceCreationTime", "ContentDate", "ContentTime", "TimezoneOffsetFromUTC"):
        setattr(report, name, source[name].value)  # of the answer, not of this moment
    target = BytesIO()
    report.save_as(target, enforce_file_format=True)
    return target.getvalue()


def _source(prediction: Prediction) -> Dataset:
    """What it was read from, in its study: the film, or the picture made of it where the film's file names none."""
    film, at = prediction.xray, made_at(prediction)
    named = the_film(film)
    if named is None or not film.series_uid or not film.study_uid:
        series, instance = capture.uids_of(prediction)
        source = a_result(film, sop_class=SecondaryCaptureImageStorage, instance=instance, series=series, at=at)
    else:
        kind, instance = named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID
        source = a_result(film, sop_class=kind, instance=instance, series=UID(film.series_uid), at=at)
    source.PatientName = UNNAMED
    return source


def _instances(prediction: Prediction, source: Dataset) -> list[Dataset]:
    """What names each version, the one that stands last. A film that turns out to be another's begins anew: its number
    is another, and no PACS takes it for what it has."""
    named = (prediction.pk, prediction.created_at.isoformat(), prediction.xray.patient_id)
    found = []
    for number, state in enumerate(_states(prediction)):
        instance = Dataset()
        instance.SOPClassUID = ComprehensiveSRStorage
        instance.SOPInstanceUID = uid_of("structured", *named, number, *state)
        instance.StudyInstanceUID = source.StudyInstanceUID
        instance.SeriesInstanceUID = uid_of("structured reports", *named)
        found.append(instance)
    return found


def _states(prediction: Prediction) -> list[tuple[Any, ...]]:
    """Its signatures one after another, from none to the one that stands."""
    kept = prediction.history.filter(status=Prediction.Status.COMPLETED).order_by("history_id").values_list(*STATE)
    states: list[tuple[Any, ...]] = [UNSIGNED]
    for state in [*kept, tuple(getattr(prediction, name) for name in STATE)]:
        if state != states[-1]:
            states.append(state)
    return states


# -- What it says ------------------------------------------------------------------------------------------------------


def _content(prediction: Prediction, source: Dataset) -> MeasurementReport:
    results = ModelResult.objects.filter(prediction=prediction).select_related("model").order_by("pk")
    groups = [*(_of_model(result) for result in results), _together(prediction)]
    if prediction.is_validated:
        groups.append(_signed(prediction))
    report = MeasurementReport(
        observation_context=_observers(prediction),
        procedure_reported=codes.CHEST_X_RAY,
        imaging_measurements=groups,
    )
    said = report[0].ContentSequence
    said.insert(len(said) - 1, _library(source))  # which stands before the measurements
    return report


def _observers(prediction: Prediction) -> ObservationContext:
    device = DeviceObserverIdentifyingAttributes(
        uid=uid_of("device"), name=PRODUCT, manufacturer_name=MAKER, model_name=PRODUCT
    )
    person = None
    if prediction.is_validated:
        told = PersonObserverIdentifyingAttributes(name=UNNAMED, organization_name=_clinic())
        told[0].PersonName = person_name(_signer(prediction))
        person = ObserverContext(standard.DCM.Person, told)
    return ObservationContext(
        observer_person_context=person, observer_device_context=ObserverContext(standard.DCM.Device, device)
    )


def _library(source: Dataset) -> ContainerContentItem:
    """Without what TID 1603 tells of a projection: the film's own file says it, where it is known."""
    contains = RelationshipTypeValues.CONTAINS
    image = ImageContentItem(standard.SCT.Source, source.SOPClassUID, source.SOPInstanceUID, relationship_type=contains)
    group = ContainerContentItem(standard.DCM.ImageLibraryGroup, relationship_type=contains)
    group.ContentSequence = ContentSequence([image])
    library = ContainerContentItem(standard.DCM.ImageLibrary, relationship_type=contains)
    library.ContentSequence = ContentSequence([group])
    return library


def _of_model(result: ModelResult) -> MeasurementsAndQualitativeEvaluations:
    model = result.model
    told = [f"Architecture: {model.architecture}", f"SHA-256 of the weights: {result.model_sha256}"]
    if model.is_demo:
        told.append(OF_NO_VALUE)
    algorithm = AlgorithmIdentification(name=model.name, version=model.version, parameters=told)
    measured = {codes.PROBABILITIES[Diagnosis(name)]: number for name, number in result.probabilities.items()}
    said = {codes.BY_SOFTWARE: codes.diagnosis_code(result.diagnosis)}
    return _group(
        ("model", result.pk, result.created_at.isoformat()),
        f"{model.name} {model.version}",
        measured,
        said,
        algorithm_id=algorithm,
    )


def _together(prediction: Prediction) -> MeasurementsAndQualitativeEvaluations:
    numbers = {codes.CONFIDENCE: prediction.confidence, codes.AGREEMENT: prediction.agreement}
    said = {codes.BY_SOFTWARE: codes.diagnosis_code(prediction.diagnosis)}
    known = {name: number for name, number in numbers.items() if number is not None}
    return _group(("together", prediction.pk, prediction.created_at.isoformat()), "Models together", known, said)


def _signed(prediction: Prediction) -> MeasurementsAndQualitativeEvaluations:
    said = {codes.SIGNED: codes.signed_code(prediction.verdict, prediction.final_diagnosis)}
    if prediction.verdict:
        said[codes.VERDICT] = codes.VERDICTS[Prediction.Verdict(prediction.verdict)]
    return _group(("signed", prediction.pk, prediction.created_at.isoformat()), "Signed by a clinician", {}, said)


def _group(
    named: tuple[object, ...], title: str, measured: dict[Code, float], said: dict[Code, Code], **more: Any
) -> MeasurementsAndQualitativeEvaluations:
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=uid_of("tracked", *named), identifier=title),
        measurements=[Measurement(name, number, codes.NO_UNITS) for name, number in measured.items()],
        qualitative_evaluations=[QualitativeEvaluation(name, value) for name, value in said.items()],
        **more,
    )


def _signer(prediction: Prediction) -> str:
    return str(prediction.reviewed_by or _clinic())


def _clinic() -> str:
    return settings.CLINIC_NAME[:LONGEST_TEXT] or PRODUCT
