"""The models' answers in words, and as the small pieces of HTML that lists and pages share."""

from collections import defaultdict
from collections.abc import Iterator

from django.template.loader import render_to_string
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.quality import QualityIssue
from inference.consensus import Reason
from inference.models import Diagnosis, ModelResult, Prediction


def in_words(reasons: list[dict]) -> list[str]:
    """Why a human must look, one sentence each. `reasons` are consensus.py's codes with their parameters."""
    return [sentence for reason in reasons for sentence in _sentences(reason)]


def _sentences(reason: dict) -> Iterator[str]:
    match reason["code"]:
        case Reason.LOW_CONFIDENCE:
            yield _("confidence %(confidence).2f is below %(threshold).2f") % reason
        case Reason.MODELS_DISAGREE:
            dissenters = defaultdict(list)
            for model, diagnosis in reason["models"].items():
                dissenters[diagnosis].append(model)
            for diagnosis, models in dissenters.items():
                yield ngettext("%(models)s says %(diagnosis)s", "%(models)s say %(diagnosis)s", len(models)) % {
                    "models": get_text_list(models, _("and")),
                    "diagnosis": Diagnosis(diagnosis).label,
                }
        case Reason.PICTURE_UNSUITABLE:
            issues = ", ".join(str(QualityIssue(issue).label) for issue in reason["issues"])
            yield _("picture unsuitable: %(issues)s") % {"issues": issues}
        case Reason.DEMONSTRATION_MODEL:
            yield _("demonstration models answered")


def is_demonstration(prediction: Prediction) -> bool:
    return any(reason["code"] == Reason.DEMONSTRATION_MODEL for reason in prediction.review_reasons)


def status_cell(prediction: Prediction | None) -> str:
    """A prediction in a list: its progress while it runs, then its answer. Refreshes itself while it runs."""
    return render_to_string("inference/status.html", {"prediction": prediction})


def duration(milliseconds: float) -> str:
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def votes(results: list[ModelResult], diagnosis: str) -> list[dict]:
    """One row per model for the answer's table; `dissents` where it votes against the consensus."""
    return [
        {"result": result, "percent": round(100 * result.confidence), "dissents": result.diagnosis != diagnosis}
        for result in results
    ]
