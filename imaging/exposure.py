"""What a DICOM file says of the exposure: which part of the body, from which side, and of how old a patient."""

import re
from dataclasses import dataclass

import pydicom

from imaging.dicom import values

LATERAL, OBLIQUE = "LL", "OBL"
VIEWS = {
    **dict.fromkeys(("LL", "RL", "LLD", "RLD", "LAT", "LATERAL"), LATERAL),
    **dict.fromkeys(("LAO", "RAO", "LPO", "RPO", "LLO", "RLO", "OBL", "OBLIQUE"), OBLIQUE),
}

# PS3.16 annex L and what modalities write: CHEST, THORAX, CHEST_TO_ABDOMEN, LUNG, RIB, and such in other languages.
CHEST = re.compile(r"CHEST|THORA|LUNG|TORAX|PORTABLE|^CXR|^RIB", re.IGNORECASE)

# PS3.5: three digits and a unit, as in 008Y.
AGE = re.compile(r"(\d{1,3})([DWMY])")
YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1}

LONGEST_BODY_PART = 64


@dataclass(frozen=True)
class Exposure:
    """`view` is an `XRayImage.View`, or "" where it is frontal or not given; `patient_age` is in whole years."""

    body_part: str = ""
    view: str = ""
    patient_age: int | None = None


def read(dataset: pydicom.Dataset) -> Exposure:
    """Read what a film says; what it says in another way than DICOM's is as if not said."""
    return Exposure(
        body_part=values.text(dataset, "BodyPartExamined")[:LONGEST_BODY_PART],
        view=VIEWS.get(values.word(dataset, "ViewPosition"), ""),
        patient_age=_years(values.word(dataset, "PatientAge")),
    )


def is_chest(body_part: str) -> bool:
    """Whether it may be a chest: one that is not named may be."""
    return not body_part or bool(CHEST.search(body_part))


def _years(age: str) -> int | None:
    said = AGE.fullmatch(age)
    return int(int(said[1]) * YEARS[said[2]]) if said else None
