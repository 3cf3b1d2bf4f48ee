"""Patients, the hours they can come, the visits they book, and what they answered.

Counting places and moving an appointment from one status to the next happens in clinic/booking and nowhere else.
"""

from clinic.models.appointments import (
    Answer,
    Appointment,
    AppointmentQuerySet,
    IntakeRecord,
    LikertAnswer,
    NumericAnswer,
    new_reference,
    spoken_language,
)
from clinic.models.merges import PatientMerge, PatientMergeQuerySet
from clinic.models.patients import Patient, Symptom, born_within_living_memory, may_name_hidden, shown_name
from clinic.models.schedule import ClinicSession, Closure, ClosureQuerySet, OpeningHours, Period, Weekday
from clinic.models.survey import LikertQuestion, NumericQuestion, Question, QuestionQuerySet

__all__ = [
    "Answer",
    "Appointment",
    "AppointmentQuerySet",
    "ClinicSession",
    "Closure",
    "ClosureQuerySet",
    "IntakeRecord",
    "LikertAnswer",
    "LikertQuestion",
    "NumericAnswer",
    "NumericQuestion",
    "OpeningHours",
    "Patient",
    "PatientMerge",
    "PatientMergeQuerySet",
    "Period",
    "Question",
    "QuestionQuerySet",
    "Symptom",
    "Weekday",
    "born_within_living_memory",
    "may_name_hidden",
    "new_reference",
    "shown_name",
    "spoken_language",
]
