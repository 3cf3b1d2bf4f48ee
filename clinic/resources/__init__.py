"""The clinic's tables as files: what their columns are, and what else an import must see to."""

from clinic.resources.hours import OpeningHoursResource
from clinic.resources.people import PatientResource, SymptomResource
from clinic.resources.survey import LikertQuestionResource, NumericQuestionResource
from clinic.resources.visits import AppointmentResource

__all__ = [
    "AppointmentResource",
    "LikertQuestionResource",
    "NumericQuestionResource",
    "OpeningHoursResource",
    "PatientResource",
    "SymptomResource",
]
