"""Under which names networks are trained, and which of the diagnoses each of them means."""

import re

from inference.models import Diagnosis

# As public data sets and their checkpoints call them, without signs and in small letters.
KNOWN = {
    Diagnosis.COVID: ("covid", "covid19", "covid19pneumonia", "covidpneumonia", "coronavirus", "sarscov2", "2019ncov",
                      "新冠肺炎", "新型冠狀病毒肺炎"),
    Diagnosis.NORMAL: ("normal", "healthy", "nofinding", "nofindings", "正常"),
    Diagnosis.VIRAL_PNEUMONIA: ("viralpneumonia", "pneumoniaviral", "viral", "pneumoniavirus", "病毒性肺炎"),
    Diagnosis.LUNG_OPACITY: ("lungopacity", "opacity", "lungopacities", "noncovidlungopacity", "肺部浸潤", "肺部陰影"),
}  # fmt: skip
BY_NAME = {name: diagnosis for diagnosis, names in KNOWN.items() for name in names}
BETWEEN = re.compile(r"[\n,;、，；]+")
EQUALS = re.compile(r"\s*[=＝]\s*")


class LabelsError(ValueError):
    """`unmapped` are outputs that mean no diagnosis, `twice` diagnoses that several outputs mean."""

    def __init__(self, unmapped: list[str], twice: list[str]) -> None:
        super().__init__(f"unmapped: {unmapped}, twice: {twice}")
        self.unmapped, self.twice = unmapped, twice


def diagnoses_of(text: str) -> list[str]:
    """The diagnosis of each output, in order: `covid19, normal, …`, or `c1=COVID` where the name does not tell.

    Raises LabelsError.
    """
    outputs = [part.strip() for part in BETWEEN.split(text) if part.strip()]
    found = [diagnosis_of(EQUALS.split(output)[-1]) for output in outputs]
    unmapped = [output for output, diagnosis in zip(outputs, found, strict=True) if diagnosis is None]
    known = [diagnosis for diagnosis in found if diagnosis is not None]
    twice = [diagnosis for diagnosis in Diagnosis.values if known.count(Diagnosis(diagnosis)) > 1]
    if unmapped or twice:
        raise LabelsError(unmapped, twice)
    return [diagnosis.value for diagnosis in known]


def diagnosis_of(name: str) -> Diagnosis | None:
    """The one of that name, in either language, however it is spelled; None where there is none."""
    return BY_NAME.get(re.sub(r"[\W_]+", "", name.casefold()))
