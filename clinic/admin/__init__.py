"""The clinic in the admin, one module for each corner of it. imaging adds X-rays to the patient's."""

from clinic.admin.appointments import AppointmentAdmin
from clinic.admin.closures import ClosureAdmin
from clinic.admin.intake_records import IntakeRecordAdmin
from clinic.admin.opening_hours import OpeningHoursAdmin
from clinic.admin.patients import PatientAdmin
from clinic.admin.sessions import ClinicSessionAdmin
from clinic.admin.survey import LikertQuestionAdmin, NumericQuestionAdmin, SymptomAdmin

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
