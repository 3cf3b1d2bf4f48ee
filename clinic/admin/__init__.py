"""The clinic in the admin, one module for each corner of it. imaging adds X-rays to the patient's."""

from clinic.admin.closures import ClosureAdmin
from clinic.admin.hours import OpeningHoursAdmin
from clinic.admin.intake import IntakeRecordAdmin
from clinic.admin.people import PatientAdmin
from clinic.admin.sessions import ClinicSessionAdmin
from clinic.admin.survey import LikertQuestionAdmin, NumericQuestionAdmin, SymptomAdmin
from clinic.admin.visits import AppointmentAdmin

__all__ = [
    "AppointmentAdmin",
    "ClinicSessionAdmin",
    "ClosureAdmin",
    "IntakeRecordAdmin",
    "LikertQuestionAdmin",
    "NumericQuestionAdmin",
    "OpeningHoursAdmin",
    "PatientAdmin",
    "SymptomAdmin",
]
