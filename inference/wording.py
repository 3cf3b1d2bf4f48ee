"""The models' answers in words, and as the small pieces of HTML that lists and pages share."""

from collections import defaultdict
from collections.abc import Iterator

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.formats.lists import listed, listed_apart, told_of
from backoffice.records.diffs import words_for
from imaging.models import XRayImage
from imaging.quality import QualityIssue
from inference.models import Diagnosis, DiagnosticModel, ModelResult, Prediction
from inference.nn.consensus import Reason


def in_words(reasons: list[dict]) -> list[str]:
    """Why a human must look, one sentence each. `reasons` are consensus.py's codes with their parameters."""
    return [sentence for reason in reasons for sentence in _sentences(reason)]


def _sentences(reason: dict) -> Iterator[str]:
    match reason["code"]:
        case Reason.LOW_CONFIDENCE:
            yield _("confidence %(confidence)s is below %(threshold)s") % _told_apart(reason)
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
            issues = listed(QualityIssue(issue).label for issue in reason["issues"])
            yield _("picture unsuitable: %(issues)s") % {"issues": issues}
        case Reason.NO_CHEST:
            yield _("the file says that it is no chest but %(body_part)s") % reason
        case Reason.NOT_FRONTAL:
            yield _("not a frontal view but %(view)s") % {"view": XRayImage.View(reason["view"]).label}
        case Reason.CHILD:
            yield _("the patient was a child, %(age)d years old") % reason
        case Reason.NOT_A_FRONTAL_CHEST_FILM:
            yield _("this does not look like a frontal chest film: no model was asked")
        case Reason.MOVED:
            yield _("the film was moved here from another patient, for whom it was signed")
        case Reason.DEMONSTRATION_MODEL:
            yield _("demonstration models answered")


def _told_apart(reason: dict) -> dict[str, str]:
    """Both numbers with as many digits, two at least, as tell which is lower."""
    confidence, threshold = reason["confidence"], reason["threshold"]
    digits = next((n for n in range(2, 17) if f"{confidence:.{n}f}" != f"{threshold:.{n}f}"), 17)
    return {"confidence": f"{confidence:.{digits}f}", "threshold": f"{threshold:.{digits}f}"}


@words_for(Prediction, "review_reasons")
def reasons_told(reasons: list[dict]) -> str:
    return listed_apart(in_words(reasons)) or "–"


# -- How an answer was made: a worker writes it with the answer (worker.py) --------------------------------------------

SHORT = 12  # digits of a checksum that tell it from others


def how_it_was_made(provenance: dict, digits: int) -> Iterator[str]:
    """What would have to be the same to get the same answer, one sentence each; checksums to so many digits."""
    if "torch" not in provenance:  # none yet, or nothing was computed
        return
    made = dict(provenance)
    made["models"] = listed(f"{model['name']} {model['version']}" for model in provenance["models"])
    made["file"], made["pixels"] = provenance["file_sha256"][:digits], provenance["pixels_sha256"][:digits]
    yield _("computed on %(device)s (%(device_name)s) in %(dtype)s") % made
    yield _("with torch %(torch)s, timm %(timm)s, OpenCV %(opencv)s") % made
    yield _("by %(models)s") % made
    yield _("reviewed where confidence is below %(threshold).2f") % made
    yield _("from file %(file)s, pixels %(pixels)s (SHA-256)") % made


@words_for(Prediction, "provenance")
def provenance_told(provenance: dict) -> str:
    return listed_apart(how_it_was_made(provenance, SHORT))


def trial_told(trial: dict) -> Iterator[str]:
    """What a worker found when it tried a model, one sentence each."""
    if not trial:
        return
    yield _("%(millions)s million parameters") % {"millions": f"{trial['parameters'] / 1e6:.1f}"}
    took = {"took": duration(trial["milliseconds"]), "device": trial["device"], "dtype": trial["dtype"]}
    yield _("%(took)s a picture on %(device)s in %(dtype)s") % took
    if not trial["has_heat"]:
        yield _("it cannot show where it looked")


@words_for(DiagnosticModel, "trial")
def trial_in_history(trial: dict) -> str:
    return listed_apart(trial_told(trial)) or "–"


def acceptance_told(acceptance: dict) -> list[str]:
    """On what figures a model was accepted, one sentence each."""
    if not acceptance:
        return []
    own, *others = acceptance["columns"]
    said = [
        _("%(films)d signed films of %(patients)d patients; agreed with the signature: %(share)s")
        % {"films": acceptance["films"], "patients": acceptance["patients"], "share": _share(own["agreement"])}
    ]
    for label, one in own["classes"].items():
        told = {
            "diagnosis": Diagnosis(label).label,
            "found": _share(one["sensitivity"]),
            "left": _share(one["specificity"]),
        }
        said.append(_("%(diagnosis)s: sensitivity %(found)s, specificity %(left)s") % told)
    for other in others:
        beside = {"share": _share(other["agreement"]), "version": other["version"]}
        said.append(
            _("beside version %(version)s: %(share)s") % beside
            if other["version"]
            else _("beside all that voted, together: %(share)s") % beside
        )
    return [*said, _("weights (SHA-256): %(sha256)s") % acceptance]


def _share(kept: list) -> str:
    """A share as it was frozen: [k, n, low, high]."""
    k, n, low, high = kept
    if not n:
        return _("no case")
    told = {"share": f"{k / n:.2f}", "low": f"{low:.2f}", "high": f"{high:.2f}", "k": k, "n": n}
    return _("%(share)s (95 %%: %(low)s–%(high)s; %(k)d of %(n)d)") % told


@words_for(DiagnosticModel, "acceptance")
def acceptance_in_history(acceptance: dict) -> str:
    return listed_apart(acceptance_told(acceptance)) or "–"


def signature_told(signed: Prediction) -> str:
    """Who signed what and when, and the notes: of an answer, or of a version of one."""
    said = _("%(diagnosis)s · %(person)s, %(when)s") % {
        "diagnosis": signed.get_final_diagnosis_display(),
        "person": signed.reviewed_by,
        "when": date_format(timezone.localtime(signed.reviewed_at), "DATETIME_FORMAT"),
    }
    return told_of(said, signed.review_notes) if signed.review_notes else said


def checksum(sha256: str) -> str:
    """Its first digits, with the whole where the pointer rests."""
    return format_html('<abbr class="num" title="{}">{}</abbr>', sha256, sha256[:SHORT])


def is_demonstration(prediction: Prediction) -> bool:
    return any(reason["code"] == Reason.DEMONSTRATION_MODEL for reason in prediction.review_reasons)


def status_cell(prediction: Prediction | None) -> SafeString:
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
