"""The models that are asked, what was asked of them, what each answered, what a clinician made of it, and
what is to be done about it."""

from inference.models.batches import Batch
from inference.models.diagnostic_models import Calibration, Diagnosis, DiagnosticModel, DiagnosticModelQuerySet
from inference.models.drift import DriftCheck, DriftReference, Embedding
from inference.models.follow_ups import FollowUp, FollowUpQuerySet
from inference.models.morning_checks import MorningBaseline, MorningCheck
from inference.models.predictions import ModelResult, Prediction, PredictionQuerySet, ShadowAnswer
from inference.models.readings import Reading
from inference.models.reference_standards import ReferenceStandard
from inference.models.reports import Hold, PublishedError, Report, ReportQuerySet, has_published
from inference.models.workers import Worker, WorkerQuerySet

__all__ = [
    "Batch",
    "Calibration",
    "Diagnosis",
    "DiagnosticModel",
    "DiagnosticModelQuerySet",
    "DriftCheck",
    "DriftReference",
    "Embedding",
    "FollowUp",
    "FollowUpQuerySet",
    "Hold",
    "ModelResult",
    "MorningBaseline",
    "MorningCheck",
    "Prediction",
    "PredictionQuerySet",
    "PublishedError",
    "Reading",
    "ReferenceStandard",
    "Report",
    "ReportQuerySet",
    "ShadowAnswer",
    "Worker",
    "WorkerQuerySet",
    "has_published",
]
