"""What a structured report calls things: SNOMED CT's and DICOM's codes where one fits, this product's where none does.

Each code of SNOMED CT's means what it is called here in the International Edition: 75570004 is a disorder, 399208008 a
procedure, and 439401001 an observable entity, which names what a value is of.

A diagnosis is standard everywhere. What says whose it is is standard for what a person has signed, and private for what
software says: who searches a PACS for diagnoses is never given the software's for one.
"""

from pydicom.sr.coding import Code

from inference.models import Prediction
from inference.models.diagnostic_models import Diagnosis

PRIVATE = "99COLLIMATOR"
"""The designator of what no scheme has: 99 and a name (PS3.16, 8.2)."""

CHEST_X_RAY = Code("399208008", "SCT", "Plain chest X-ray")
NO_UNITS = Code("1", "UCUM", "no units")

DIAGNOSES = {
    Diagnosis.COVID: Code("840539006", "SCT", "COVID-19"),
    Diagnosis.NORMAL: Code("17621005", "SCT", "Normal"),
    Diagnosis.VIRAL_PNEUMONIA: Code("75570004", "SCT", "Viral pneumonia"),
    Diagnosis.LUNG_OPACITY: Code("112033", "DCM", "Abnormal opacity"),  # of chest films: PS3.16, CID 6101
}
WITHOUT_A_DIAGNOSIS = {
    Prediction.Verdict.REJECTED: Code("REJECTED", PRIVATE, "Software's answer rejected, no other given"),
    Prediction.Verdict.NOT_ASSESSABLE: Code("NOT-ASSESSABLE", PRIVATE, "Film not assessable"),
}
NO_ANSWER = Code("NO-ANSWER", PRIVATE, "No diagnosis by software")

SIGNED = Code("439401001", "SCT", "Diagnosis")
BY_SOFTWARE = Code("BY-SOFTWARE", PRIVATE, "Diagnosis suggested by software")
VERDICT = Code("VERDICT", PRIVATE, "What a clinician made of the software's answer")
VERDICTS = {
    Prediction.Verdict.AGREED: Code("AGREED", PRIVATE, "Agreed"),
    Prediction.Verdict.CORRECTED: Code("CORRECTED", PRIVATE, "Corrected"),
    **WITHOUT_A_DIAGNOSIS,
}

PROBABILITIES = {
    Diagnosis.COVID: Code("P-COVID", PRIVATE, "Probability of COVID-19"),
    Diagnosis.NORMAL: Code("P-NORMAL", PRIVATE, "Probability of a normal film"),
    Diagnosis.VIRAL_PNEUMONIA: Code("P-VIRAL", PRIVATE, "Probability of viral pneumonia"),
    Diagnosis.LUNG_OPACITY: Code("P-OPACITY", PRIVATE, "Probability of an abnormal opacity"),
}
CONFIDENCE = Code("CONFIDENCE", PRIVATE, "Confidence of the models together")
AGREEMENT = Code("AGREEMENT", PRIVATE, "Share of models that agree")


def diagnosis_code(diagnosis: str) -> Code:
    """Of what software says; blank is that it says nothing."""
    return DIAGNOSES[Diagnosis(diagnosis)] if diagnosis else NO_ANSWER


def signed_code(verdict: str, diagnosis: str) -> Code:
    """Of what a clinician signed: a diagnosis, or that there is none and why."""
    return DIAGNOSES[Diagnosis(diagnosis)] if diagnosis else WITHOUT_A_DIAGNOSIS[Prediction.Verdict(verdict)]
