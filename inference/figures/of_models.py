"""How a model's answers stand beside what clinicians signed: each film once, by its newest signature.

Of a version in the shadow the silent answers count, of one that votes those that it gave. Both are compared on the same
films. Who signed had seen the answers of those that vote and not those of the shadow, which speaks for the former.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from backoffice.records.seen import version_of as seen_version
from inference.figures.shares import OfAClass, Share, agreement, by_class
from inference.models import Diagnosis, DiagnosticModel, ModelResult, Prediction, ShadowAnswer


@dataclass(frozen=True)
class Column:
    """`model` is None for what all that vote say together."""

    model: DiagnosticModel | None
    agreement: Share
    classes: list[OfAClass]


@dataclass(frozen=True)
class Figures:
    """`columns` begins with the model's own; then its name's version that votes, if there is one, and the consensus."""

    films: int
    patients: int
    columns: list[Column]

    @property
    def own(self) -> Column:
        return self.columns[0]


def of(model: DiagnosticModel) -> Figures:
    own = _said_by(model)
    standing = beside(model)
    theirs = _said_by(standing) if standing else {}
    signed = Prediction.objects.visible().filter(
        is_validated=True, pk__in=own.keys() & theirs.keys() if standing else own
    )
    signed = signed.exclude(final_diagnosis="")  # rejected, or not assessable: nothing to compare with
    cases = list(signed.standing().order_by("pk").values_list("pk", "xray__patient", "final_diagnosis", "diagnosis"))
    said_by: list[tuple[DiagnosticModel | None, dict[int, str]]] = [(model, own)]
    if standing:
        said_by.append((standing, theirs))
    said_by.append((None, {pk: together for pk, _patient, _truth, together in cases}))
    columns = []
    for who, said in said_by:
        counted = Counter((truth, said[pk]) for pk, _patient, truth, _together in cases)
        columns.append(Column(who, agreement(counted), by_class(counted, Diagnosis.values)))
    return Figures(len(cases), len({patient for _pk, patient, _truth, _together in cases}), columns)


def beside(model: DiagnosticModel) -> DiagnosticModel | None:
    """The version of this model that votes, where it is another."""
    return model.versions.visible().filter(is_active=True).exclude(pk=model.pk).first()


def _said_by(model: DiagnosticModel) -> dict[int, str]:
    """What it said, by the prediction's key: in the shadow, or aloud."""
    silent = ShadowAnswer.objects.filter(model=model)
    aloud = ModelResult.objects.filter(model=model, hidden_at=None).order_by()
    return dict(silent.values_list("prediction", "diagnosis")) | dict(aloud.values_list("prediction", "diagnosis"))


def frozen(model: DiagnosticModel, figures: Figures) -> dict[str, Any]:
    """What is kept of the figures with the model when it is accepted: shares as [k, n, low, high], of 95 %."""
    return {
        "at": timezone.now().isoformat(),
        "sha256": model.sha256,
        "films": figures.films,
        "patients": figures.patients,
        "columns": [
            {
                "version": column.model.version if column.model else None,
                "agreement": _kept(column.agreement),
                "classes": {
                    one.label: {"sensitivity": _kept(one.sensitivity), "specificity": _kept(one.specificity)}
                    for one in column.classes
                },
            }
            for column in figures.columns
        ],
    }


def _kept(share: Share) -> list[float]:
    return [share.k, share.n, *(round(bound, 4) for bound in share.interval)]


def version_of(model: DiagnosticModel, figures: Figures) -> str:
    """Another text where the stage, the version that votes or any figure is another."""
    return seen_version(
        model.pk,
        model.stage,
        model.check_error,
        [c.model and c.model.pk for c in figures.columns],
        [(c.agreement, c.classes) for c in figures.columns],
    )
