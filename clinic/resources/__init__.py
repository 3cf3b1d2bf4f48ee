"""The clinic's tables as files: what their columns are, and what else an import must see to."""

from clinic.resources.people import PatientResource, SymptomResource

__all__ = ["PatientResource", "SymptomResource"]
