"""Every figure as rows of a file: one figure a row, under stable English names, for programs and spreadsheets."""

from collections.abc import Iterable, Iterator, Sequence

from inference.figures import signed_cases
from inference.figures.reading_blind import read_blind
from inference.figures.shares import Share
from inference.figures.signed_cases import TOGETHER, Question
from inference.figures.tally import BINS, Tally, tallied
from inference.models import Diagnosis, DiagnosticModel

COLUMNS = ("answers_of", "version", "part", "value", "figure", "diagnosis", "said", "k", "n", "share", "low", "high")

Figure = tuple[str, str, str, object, object, object, object, object]


def rows(question: Question, models: Sequence[DiagnosticModel], *, fewest: int) -> Iterator[Sequence]:
    """The columns' names, then each figure. What stands on fewer than `fewest` films is left out, but for the whole."""
    yield COLUMNS
    by_model = signed_cases.by_model(question)
    for key, name, version in [(TOGETHER, "ensemble", ""), *((m.pk, m.name, m.version) for m in models)]:
        for figure in _figures(tallied(by_model.get(key, []))):
            yield (name, version, "all", "", *figure)
        for part, values in signed_cases.by_part(question, key).items():
            for value, cells in sorted(values.items()):
                tally = tallied(cells)
                for figure in _figures(tally) if tally.cases >= fewest else ():
                    yield (name, version, part, value, *figure)
    yield from _of_readers(question, fewest)
    yield from _of_everything(question)


def _figures(tally: Tally) -> Iterator[Figure]:
    yield _share("agreement", tally.agreement)
    kappa = tally.kappa
    yield "kappa", "", "", "", kappa.n, kappa.value, kappa.low, kappa.high
    yield "calibration_error", "", "", "", tally.cases, tally.calibration_error, "", ""
    yield _share("at_threshold", tally.coverage)
    yield _share("right_at_threshold", tally.right_when_sure)
    yield "unanswered", "", "", tally.unanswered, "", "", "", ""
    for one in tally.classes(Diagnosis.values):
        yield _share("sensitivity", one.sensitivity, one.label)
        yield _share("specificity", one.specificity, one.label)
    for truth in Diagnosis.values:
        for said in Diagnosis.values:
            yield "confusion", truth, said, tally.counted[truth, said], tally.cases, "", "", ""
    for place, own in sorted(tally.bins.items()):
        name = f"reliability_{place / BINS:.3f}"
        yield name, "", f"{own.said / own.cases:.4f}", *_numbers(Share(own.right, own.cases))


def _share(figure: str, share: Share, diagnosis: str = "") -> Figure:
    return figure, diagnosis, "", *_numbers(share)


def _numbers(share: Share) -> tuple[object, object, object, object, object]:
    low, high = share.interval
    return share.k, share.n, share.value, low, high


def _of_readers(question: Question, fewest: int) -> Iterable[Sequence]:
    cells = signed_cases.by_reader(question)
    for name, readers in sorted(signed_cases.groups_of(cells).items()):
        tally = tallied(cell for reader in readers for cell in cells.get(reader, []))
        for figure in _figures(tally) if tally.cases >= fewest else ():
            yield ("ensemble", "", "readers", name, *figure)
    found = read_blind(question)
    for known, helped in (("reference_standard", found.by_reference), ("second_reader", found.by_second_reader)):
        for what in ("rescued", "misled", "alone", "after"):
            yield ("readers", "", "read_blind", known, *_share(what, getattr(helped, what)))
    for how, took in (("blind", found.blind), ("open", found.open)):
        yield ("readers", "", "seconds", how, "median", "", "", "", took.n, took.middle, "", "")
    if ratio := found.ratio:
        yield ("readers", "", "seconds", "blind", "times_as_long", "", "", "", "", ratio.value, ratio.low, ratio.high)


def _of_everything(question: Question) -> Iterable[Sequence]:
    for verdict, n in signed_cases.without_truth(question).items():
        yield ("ensemble", "", "all", "", "without_diagnosis", "", verdict, n, "", "", "", "")
    found = signed_cases.totals(question)
    for status, n in found["statuses"]:
        yield ("ensemble", "", "asked", "", "status", "", status, n, "", "", "", "")
    for diagnosis, n, mean in found["diagnoses"]:
        yield ("ensemble", "", "asked", "", "mean_confidence", "", diagnosis, n, "", mean, "", "")
