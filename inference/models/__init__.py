"""The models that are asked, what was asked of them, what each answered, and what a clinician made of it."""

from inference.models.diagnostic_models import Calibration, Diagnosis, DiagnosticModel, DiagnosticModelQuerySet
from inference.models.predictions import ModelResult, Prediction, PredictionQuerySet, ShadowAnswer
from inference.models.readings import Reading
from inference.models.reports import Hold, PublishedError, Report, ReportQuerySet, has_published
from inference.models.workers import Worker, WorkerQuerySet

__all__ = [
    "Calibration",
    "Diagnosis",
    "DiagnosticModel",
    "DiagnosticModelQuerySet",
    "Hold",
    "ModelResult",
    "Prediction",
    "PredictionQuerySet",
    "PublishedError",
    "Reading",
    "Report",
    "ReportQuerySet",
    "ShadowAnswer",
    "Worker",
    "WorkerQuerySet",
    "has_published",
]
