"""What a report says before anybody has edited it: the facts of the case, put into whole sentences.

It says what was signed and no more. What else a clinician saw, they write.
"""

from collections.abc import Iterator

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imaging.models import XRayImage
from imaging.quality import QualityIssue
from inference.models import Diagnosis, Prediction
from inference.wording import is_demonstration

Verdict = Prediction.Verdict

HEADINGS = (
    gettext_lazy("Findings"),
    gettext_lazy("Impression"),
    gettext_lazy("Comparison"),
    gettext_lazy("Limitations"),
    gettext_lazy("Recommendation"),
)
"""A line that is one of these, and nothing else, is set as a heading."""

FINDINGS = {
    Diagnosis.NORMAL: gettext_lazy("No sign of pneumonia, and no opacity of the lungs."),
    Diagnosis.COVID: gettext_lazy("Changes of the lungs of a kind that is seen with COVID-19."),
    Diagnosis.VIRAL_PNEUMONIA: gettext_lazy("Changes of the lungs of a kind that is seen with viral pneumonia."),
    Diagnosis.LUNG_OPACITY: gettext_lazy("An opacity of the lungs."),
}
IMPRESSION = {
    Diagnosis.NORMAL: gettext_lazy("Normal film of the chest."),
    Diagnosis.COVID: gettext_lazy("COVID-19 is likely. A film alone does not prove it."),
    Diagnosis.VIRAL_PNEUMONIA: gettext_lazy("Viral pneumonia is likely. A film alone does not name the virus."),
    Diagnosis.LUNG_OPACITY: gettext_lazy("Opacity of the lungs. The film alone does not tell its cause."),
}
RECOMMENDATION = {
    Diagnosis.NORMAL: gettext_lazy("Nothing further because of this film. Come back if complaints stay or get worse."),
    Diagnosis.COVID: gettext_lazy("A test for SARS-CoV-2, and a visit within days; at once if breathing gets harder."),
    Diagnosis.VIRAL_PNEUMONIA: gettext_lazy("Tests for respiratory viruses, and another film in six weeks."),
    Diagnosis.LUNG_OPACITY: gettext_lazy("Clarify the cause with your doctor, and another film in six weeks."),
}
NOT_ASSESSABLE = (
    gettext_lazy("This film cannot be assessed."),
    gettext_lazy("No statement about heart and lungs can be made from this film."),
    gettext_lazy("Another film."),
)


def body_for(signed: Prediction, language: str) -> str:
    """The text of a first draft about this signed answer, in that language."""
    with translation.override(language):
        said = (_findings(signed), _impression(signed), _comparison(signed), _limitations(signed), _advice(signed))
        parts = zip(map(str, HEADINGS), said, strict=True)
        return "\n\n".join("\n".join([heading, *sentences]) for heading, sentences in parts)


def language_for(film: XRayImage) -> str:
    """In which the clinic writes to this patient: that of the film's visit, else of the newest, else the clinic's."""
    visit = film.appointment or film.patient.appointments.order_by("-pk").first()
    return visit.language if visit else translation.get_language() or ""


def _is_assessable(signed: Prediction) -> bool:
    return bool(signed.final_diagnosis) and signed.verdict != Verdict.NOT_ASSESSABLE


def _findings(signed: Prediction) -> list[str]:
    return [str(FINDINGS[Diagnosis(signed.final_diagnosis)] if _is_assessable(signed) else NOT_ASSESSABLE[0])]


def _impression(signed: Prediction) -> list[str]:
    return [str(IMPRESSION[Diagnosis(signed.final_diagnosis)] if _is_assessable(signed) else NOT_ASSESSABLE[1])]


def _advice(signed: Prediction) -> list[str]:
    return [str(RECOMMENDATION[Diagnosis(signed.final_diagnosis)] if _is_assessable(signed) else NOT_ASSESSABLE[2])]


def _comparison(signed: Prediction) -> list[str]:
    earlier = _earlier_film(signed.xray)
    if earlier is None:
        return [_("There is no earlier film here to compare with.")]
    day = date_format(earlier.day)
    opinions = Prediction.objects.visible().filter(xray=earlier, is_validated=True)
    read = opinions.exclude(final_diagnosis="").order_by("-reviewed_at").first()
    if read is None:
        return [_("There is an earlier film, of %(day)s, which has no signed reading.") % {"day": day}]
    told = {"day": day, "diagnosis": read.get_final_diagnosis_display()}
    if _is_assessable(signed) and read.final_diagnosis == signed.final_diagnosis:
        return [_("The film of %(day)s was read as the same: %(diagnosis)s.") % told]
    return [_("The film of %(day)s was read as: %(diagnosis)s.") % told]


def _earlier_film(film: XRayImage) -> XRayImage | None:
    """The last one of the same patient that was taken before it."""
    others = XRayImage.objects.visible().filter(patient=film.patient_id).exclude(pk=film.pk)
    before = [other for other in others if (other.day, other.pk) < (film.day, film.pk)]
    return max(before, key=lambda other: (other.day, other.pk), default=None)


def _limitations(signed: Prediction) -> list[str]:
    return list(_limits_of(signed))


def _limits_of(signed: Prediction) -> Iterator[str]:
    yield _(
        "One view of the chest does not show everything: small changes, and what lies behind the heart, can be missed."
    )
    for issue in signed.xray.quality_issues:
        yield _("About the quality of this film: %(issue)s.") % {"issue": QualityIssue(issue).label}
    yield _("The film was read by a clinician, who had a second opinion by software.")
    if is_demonstration(signed):
        yield _("Demonstration: the software of this installation is of no medical value.")
