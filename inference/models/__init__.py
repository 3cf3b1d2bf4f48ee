"""The models that are asked, what was asked of them, what each answered, and what a clinician made of it."""

from inference.models.diagnostic_models import Calibration, Diagnosis, DiagnosticModel, DiagnosticModelQuerySet
from inference.models.drift import DriftCheck, DriftReference, Embedding
from inference.models.morning_checks import MorningBaseline, MorningCheck
from inference.models.predictions import ModelResult, Prediction, PredictionQuerySet, ShadowAnswer
from inference.models.readings import Reading
from inference.models.reference_standards import ReferenceStandard
from inference.models.reports import Report
from inference.models.workers import Worker, WorkerQuerySet

__all__ = [
    "Calibration",
    "Diagnosis",
    "DiagnosticModel",
    "DiagnosticModelQuerySet",
    "DriftCheck",
    "DriftReference",
    "Embedding",
    "ModelResult",
    "MorningBaseline",
    "MorningCheck",
    "Prediction",
    "PredictionQuerySet",
    "Reading",
    "ReferenceStandard",
    "Report",
    "ShadowAnswer",
    "Worker",
    "WorkerQuerySet",
]
