"""The clinic's tables as files: what their columns are, and what else an import must see to."""

from clinic.resources import words  # noqa: F401  (taught to the cells)
from clinic.resources.appointments import AppointmentResource
from clinic.resources.opening_hours import OpeningHoursResource
from clinic.resources.patients import PatientResource, SymptomResource
from clinic.resources.survey import LikertQuestionResource, NumericQuestionResource

__all__ = [
    "AppointmentResource",
    "LikertQuestionResource",
    "NumericQuestionResource",
    "OpeningHoursResource",
    "PatientResource",
    "SymptomResource",
]
