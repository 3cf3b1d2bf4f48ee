"""The models' answers in words, and as the small pieces of HTML that lists and pages share."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Sum
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from backoffice.formats.kept import told
from backoffice.formats.lists import in_turn, listed, listed_apart, told_of
from backoffice.records.diffs import words_for
from imaging.models import XRayImage
from imaging.quality import QualityIssue
from inference.confidences import confidence_told, own_confidence_told, threshold_told
from inference.models import Calibration, Diagnosis, DiagnosticModel, ModelResult, Prediction, Reading, Worker
from inference.nn.calibration import Kind
from inference.nn.consensus import Reason
from inference.nn.families import shows_where


def in_words(reasons: list[dict]) -> list[str]:
    """Why a human must look, one sentence each. `reasons` are consensus.py's codes with their parameters."""
    return [sentence for reason in reasons for sentence in _sentences(reason)]


def _sentences(reason: dict) -> Iterator[str]:
    match reason["code"]:
        case Reason.LOW_CONFIDENCE:
            threshold = reason["threshold"]
            yield _("confidence %(confidence)s is below %(threshold)s") % {
                "confidence": confidence_told(reason["confidence"], threshold),
                "threshold": threshold_told(threshold),
            }
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


words_for(Prediction, "error")(told)
words_for(DiagnosticModel, "check_error")(told)


@words_for(Prediction, "review_reasons")
def reasons_told(reasons: list[dict]) -> str:
    return listed_apart(in_words(reasons)) or "–"


# -- How doubtful an answer is: a worker writes it with the answer (calibrating.py) ------------------------------------

LITTLE, MUCH = 0.25, 0.6  # of the most entropy that four diagnoses can have


def doubt_told(doubt: dict) -> Iterator[str]:
    """What is not ruled out and how much the models leave open, one sentence each."""
    if not doubt:
        return
    if "set" in doubt:
        yield from _set_told(doubt)
    elif doubt["missing"]:
        yield _("What else it may be cannot be promised yet: signed cases are missing (%(missing)s).") % {
            "missing": counted_by_diagnosis(doubt["missing"])
        }
    else:
        yield _("What else it may be is not known: the models have not been calibrated as they are now.")
    yield _how_open(doubt["entropy"])


def _set_told(doubt: dict) -> Iterator[str]:
    told = {"share": share(doubt["coverage"]), "cases": doubt["cases"]}
    if doubt["set"]:
        told["set"] = listed(Diagnosis(one).label for one in doubt["set"])
        sentence = _(
            "Not ruled out: %(set)s. Such a list holds the true one in %(share)s, going by %(cases)d known ones."
        )
        yield sentence % told
    elif not doubt["undecided"]:
        sentence = _("Unlike the %(cases)d known cases: none of the four diagnoses fits it as one does in %(share)s.")
        yield sentence % told
    if doubt["undecided"]:
        lacking = {label: doubt["missing"][label] for label in doubt["undecided"] if label in doubt["missing"]}
        yield _("These cannot be ruled out yet, as known cases are missing: %(missing)s.") % {
            "missing": counted_by_diagnosis(lacking)
        }


def counted_by_diagnosis(missing: dict[str, int]) -> str:
    return listed(
        _("%(diagnosis)s %(n)d") % {"diagnosis": Diagnosis(label).label, "n": n} for label, n in missing.items()
    )


def _how_open(entropy: float) -> str:
    told = {"entropy": f"{entropy:.2f}"}
    if entropy < LITTLE:
        return _("The models leave little open (entropy %(entropy)s of 1).") % told
    if entropy < MUCH:
        return _("The models leave something open (entropy %(entropy)s of 1).") % told
    return _("The models leave much open (entropy %(entropy)s of 1).") % told


def share(of_one: float) -> str:
    """`9 of 10 cases` where it is so, else a percentage of cases."""
    tenths = of_one * 10
    if abs(tenths - round(tenths)) < 1e-9:
        return _("%(n)d of 10 cases") % {"n": round(tenths)}
    return _("%(percent)s %% of cases") % {"percent": f"{100 * of_one:g}"}


@words_for(Prediction, "doubt")
def doubts_told(doubt: dict) -> str:
    return in_turn(doubt_told(doubt)) or "–"


def kinds_of_calibration() -> dict[str, str]:
    return {Kind.KEPT: _("as it was"), Kind.TEMPERATURE: _("temperature"), Kind.VECTOR: _("vector scaling")}


def with_kinds(of_models: list[dict]) -> list[dict]:
    kinds = kinds_of_calibration()
    return [one | {"kind_told": kinds[one["kind"]]} for one in of_models]


def calibration_told(figures: dict) -> str:
    """What it did to the calibration error and the log loss; "after" is of cases held out of the fit."""
    if not figures["before"]:
        return "–"
    told = {
        f"{name}_{when}": f"{figures[when][name]:.3f}" for name in ("ece", "log_loss") for when in ("before", "after")
    }
    return (
        _("calibration error %(ece_before)s → %(ece_after)s, log loss %(log_loss_before)s → %(log_loss_after)s") % told
    )


def size_told(coverage: float, mean_size: float) -> str:
    told = {"share": share(coverage), "size": mean_size}
    return _("A set that holds the true diagnosis in %(share)s has %(size).1f of the four on average.") % told


def sets_told(calibration: Calibration) -> Iterator[str]:
    """How often each diagnosis stayed in the set, of its cases that the bound was not taken from."""
    if len(calibration.figures["missing"]) < len(Diagnosis):
        yield size_told(calibration.coverage, calibration.figures["mean_size"])
    for label, covered in calibration.figures["covered"].items():
        if covered is not None:
            told = {"diagnosis": Diagnosis(label).label, "covered": covered, "n": calibration.figures["counts"][label]}
            yield _("%(diagnosis)s: not left out in %(covered)d of %(n)d cases") % told


# -- How an answer was made: a worker writes it with the answer (worker.py) --------------------------------------------

SHORT = 12  # digits of a checksum that tell it from others


def how_it_was_made(provenance: dict, digits: int) -> Iterator[str]:
    """What would have to be the same to get the same answer, one sentence each; checksums to so many digits."""
    if "torch" not in provenance:  # none yet, or nothing was computed
        return
    made = dict(provenance)
    made["models"] = listed(_as_computed(model, provenance.get("ways", {})) for model in provenance["models"])
    made["threshold"] = threshold_told(provenance["threshold"])
    made["file"], made["pixels"] = provenance["file_sha256"][:digits], provenance["pixels_sha256"][:digits]
    yield _("computed on %(device)s (%(device_name)s) in %(dtype)s") % made
    yield _("with torch %(torch)s, timm %(timm)s, OpenCV %(opencv)s") % made
    yield _("by %(models)s") % made
    yield _("reviewed where confidence is below %(threshold)s") % made
    yield _("from file %(file)s, pixels %(pixels)s (SHA-256)") % made


def _as_computed(model: dict, ways: dict[str, str]) -> str:
    """With its version, and the way in which the machine computes it fastest (nn/tuning.py)."""
    named = f"{model['name']} {model['version']}"
    return f"{named} ({ways[model['name']]})" if model["name"] in ways else named


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


def signed_as(signed: Prediction) -> str:
    """The final diagnosis, or why there is none: of an answer, or of a version of one."""
    return signed.get_final_diagnosis_display() or signed.get_verdict_display()


def own_told(diagnosis: str, confidence: float | None) -> str:
    """A reader's own answer; empty where none was given."""
    if confidence is None:
        return ""
    label = Diagnosis(diagnosis).label if diagnosis else Prediction.Verdict.NOT_ASSESSABLE.label
    return told_of(label, f"{own_confidence_told(confidence)} ({confidence_told(confidence)})")


def compared(reading: Reading, prediction: Prediction) -> list[str]:
    """A reader's own answer beside the models' one, in a sentence each."""
    own = own_told(reading.own_diagnosis, reading.own_confidence)
    if not own:
        return []
    said = [_("You saw, by yourself: %(own)s.") % {"own": own}]
    if not prediction.diagnosis:
        return [*said, _("The models gave no answer.")]
    models = f"{prediction.get_diagnosis_display()} ({confidence_told(prediction.confidence or 0)})"
    if reading.own_diagnosis == prediction.diagnosis:
        return [*said, _("The models say the same: %(models)s.") % {"models": models}]
    return [*said, _("The models say otherwise: %(models)s.") % {"models": models}]


def signature_told(signed: Prediction) -> str:
    """Who signed what and when, and the notes: of an answer, or of a version of one."""
    said = _("%(diagnosis)s · %(person)s, %(when)s") % {
        "diagnosis": signed_as(signed),
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


WORTH_TELLING = 5  # seconds; what is shorter is over before it is read


def queue_told(prediction: Prediction) -> str:
    """What somebody who waits wants to know: what is before it and for how long, or that nobody is there to answer."""
    workers = Worker.objects.alive().count()
    if not workers:
        return _("No worker is running: it is answered once one is started. Tell whoever looks after the computers.")
    before = Prediction.objects.before(prediction).count()
    told = ngettext("%d X-ray is before it.", "%d X-rays are before it.", before) % before if before else ""
    seconds = (before + 1) * _seconds_for_one() / workers
    return in_turn(filter(None, [told, _roughly(seconds) if seconds >= WORTH_TELLING else ""]))


def _seconds_for_one() -> float:
    """What the newest answer took."""
    newest = Prediction.objects.filter(status=Prediction.Status.COMPLETED).order_by("-pk")[:1]
    took = ModelResult.objects.filter(prediction__in=newest.values("pk")).aggregate(took=Sum("milliseconds"))["took"]
    return (took or 0) / 1000


def _roughly(seconds: float) -> str:
    if seconds < 60:
        n = round(seconds / 5) * 5
        return ngettext("That takes about %d second.", "That takes about %d seconds.", n) % n
    n = round(seconds / 60)
    return ngettext("That takes about %d minute.", "That takes about %d minutes.", n) % n


def without_a_map(results: Iterable[ModelResult]) -> str:
    """Which of the models that answered never show where they looked; empty where all do."""
    return listed([str(r.model) for r in results if not shows_where(r.model.architecture)])


def votes(results: list[ModelResult], diagnosis: str) -> list[dict]:
    """One row per model for the answer's table; `dissents` where it votes against the consensus."""
    return [
        {"result": result, "percent": round(100 * result.confidence), "dissents": result.diagnosis != diagnosis}
        for result in results
    ]


FIGURES = {
    "pictures": gettext_noop("pictures"),
    "accuracy": gettext_noop("accuracy"),
    "log_loss": gettext_noop("log loss"),
    "recall": gettext_noop("sensitivity"),
    "specificity": gettext_noop("specificity"),
}
"""What a model's file calls its figures."""


def in_our_words(value: Any) -> Any:
    """What a model's file says in JSON, with its diagnoses and figures as this software calls them; what it does not
    know stays."""
    match value:
        case dict():
            return {_our_word(key): in_our_words(inner) for key, inner in value.items()}
        case list():
            return [in_our_words(inner) for inner in value]
        case str():
            return _our_word(value)
    return value


def _our_word(word: str) -> str:
    if word in Diagnosis.values:
        return str(Diagnosis(word).label)
    return _(FIGURES[word]) if word in FIGURES else word
