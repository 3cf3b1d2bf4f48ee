"""The page of figures: how good the models are on what was signed here, and the same as a file.

For administrators alone (`watch_figures`). Figures are of groups; still, who could look before and after a case is
signed would learn what the models said of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from backoffice.access.roles import ROLES
from backoffice.exchange.exporting import csv_file, dated
from backoffice.lazy import LazyText
from backoffice.models import AccessEvent, User
from backoffice.models.users import person_of
from backoffice.records.fields import DayField
from clinic.models import Patient
from imaging.models import XRayImage
from inference.confidences import threshold_told
from inference.figures import drawn, figures_csv, signed_cases
from inference.figures.reading_blind import read_blind
from inference.figures.shares import FEW, Share
from inference.figures.signed_cases import AGE, DEVICE, SEX, TOGETHER, VIEW, Question
from inference.figures.tally import BINS, Tally, tallied
from inference.models import Diagnosis, DiagnosticModel, Prediction
from inference.review.blinding import reads_blind
from inference.wording import duration

WATCH = "inference.watch_figures"
FEWEST_SHOWN = 5  # films of a part: of fewer, a figure tells of single cases


class QuestionForm(forms.Form):
    """Which cases are asked about: everything, unless something is chosen."""

    since = DayField(label=gettext_lazy("Signed from"), required=False)
    until = DayField(label=gettext_lazy("until"), required=False)
    model = forms.TypedChoiceField(label=gettext_lazy("Answers of"), required=False, coerce=int, empty_value="")
    readers = forms.ChoiceField(label=gettext_lazy("Signed by"), required=False)

    def __init__(self, data: Any, models: Sequence[DiagnosticModel], user: User) -> None:
        super().__init__(data)
        self.asked_by = user if reads_blind(user) else None
        self.fields["model"].choices = [("", _("all that vote, together")), *((m.pk, named(m)) for m in models)]  # type: ignore[attr-defined]  # a choice field
        self.fields["readers"].choices = [  # type: ignore[attr-defined]  # the same
            ("", _("everybody")),
            *((f"group-{pk}", _(name)) for pk, name in signed_cases.reader_groups() if name in ROLES),
            ("blind", _("who had read the film by themselves first")),
            ("open", _("who had seen the models' answer first")),
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("since") and said.get("until") and said["since"] > said["until"]:
            raise forms.ValidationError(_("The first day is after the last. Exchange them."))
        return said

    @property
    def question(self) -> Question:
        """Of what could be read; everything where nothing could."""
        said = self.cleaned_data if self.is_valid() else {}
        return Question(said.get("since"), said.get("until"), said.get("readers", ""), self.asked_by)

    @property
    def model_key(self) -> int:
        return self.cleaned_data["model"] or TOGETHER if self.is_valid() else TOGETHER


def named(model: DiagnosticModel) -> str:
    return f"{model.name} {model.version}"


@dataclass(frozen=True)
class Row:
    """A line of a table: whose or which cases, and what is counted of them. `url` leads to their own figures."""

    title: LazyText
    tally: Tally
    url: str = ""
    chip: LazyText = ""
    is_chosen: bool = False

    @property
    def is_shown(self) -> bool:
        return self.tally.cases >= FEWEST_SHOWN

    @property
    def picture(self) -> SafeString:
        return drawn.interval(self.tally.agreement)


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """Any number of cases by the same number of queries, most of them asked once for everybody (computed_once)."""
    if not request.user.has_perm(WATCH):
        raise PermissionDenied
    models = answering()
    form = QuestionForm(request.GET, models, person_of(request))
    question, chosen = form.question, form.model_key
    tallies = {key: tallied(cells) for key, cells in signed_cases.by_model(question).items()}
    tally = tallies.get(chosen, Tally())
    context = {
        **admin.site.each_context(request),
        "title": _("Figures"),
        "form": form,
        "csv_query": request.GET.urlencode(),
        "chosen": next((named(m) for m in models if m.pk == chosen), _("All that vote, together")),
        "tally": tally,
        "films": tallies.get(TOGETHER, Tally()),
        "without_truth": _without_truth(question),
        "overview": [_row_of(model, chosen, tallies, request) for model in (None, *models)],
        "threshold": threshold_told(settings.CONFIDENCE_THRESHOLD),
        "matrix": _matrix(tally),
        "classes": [{"label": Diagnosis(one.label).label, "one": one} for one in tally.classes(Diagnosis.values)],
        "reliability": _reliability(tally),
        "parts": list(_parts(question, chosen)),
        "readers": _readers(question),
        "blind": _blind(question),
        "totals": _totals(question),
        "few": FEW,
        "fewest_shown": FEWEST_SHOWN,
    }
    return render(request, "inference/figures/figures.html", context)


@require_safe
def as_csv(request: HttpRequest) -> HttpResponseBase:
    """Everything of the same cases: each model's figures, each part's, each group's. That it was taken is noted."""
    if not request.user.has_perm(WATCH):
        raise PermissionDenied
    models = answering()
    rows = figures_csv.rows(QuestionForm(request.GET, models, person_of(request)).question, models, fewest=FEWEST_SHOWN)
    AccessEvent.objects.record(request, AccessEvent.Action.EXPORT, Prediction)
    return csv_file(rows, dated("figures", "csv"))


def answering() -> list[DiagnosticModel]:
    """Every version that has answered or could have, those that vote first."""
    models = DiagnosticModel.objects.visible().exclude(stage=DiagnosticModel.Stage.ASIDE)
    return list(models.order_by("-is_active", "name", "version"))


def _row_of(model: DiagnosticModel | None, chosen: int, tallies: dict[int, Tally], request: HttpRequest) -> Row:
    key = model.pk if model else TOGETHER
    query = {name: value for name in ("since", "until", "readers") if (value := request.GET.get(name))}
    return Row(
        named(model) if model else _("All that vote, together"),
        tallies.get(key, Tally()),
        f"?{urlencode(query | ({'model': key} if model else {}))}",
        _("votes") if model and model.is_active else model.get_stage_display() if model else "",
        key == chosen,
    )


def _matrix(tally: Tally) -> dict[str, Any]:
    labels = [diagnosis.label for diagnosis in Diagnosis]
    matrix = tally.matrix(Diagnosis.values)
    title = _("What was signed, and what was said")
    summary = _("Each row is a signed diagnosis, each column what was said of it.")
    return {
        "labels": labels,
        "rows": [
            {"label": label, "numbers": row, "total": sum(row)} for label, row in zip(labels, matrix, strict=True)
        ],
        "picture": drawn.confusion("confusion", title, summary, matrix),
    }


def _reliability(tally: Tally) -> dict[str, Any]:
    bins = [(place, one) for place, one in sorted(tally.bins.items()) if one.cases]
    points = [(one.said / one.cases, one.right / one.cases, one.cases) for _place, one in bins]
    return {
        "rows": [
            {"from": place / BINS, "to": (place + 1) / BINS, "said": one.said / one.cases,
             "right": Share(one.right, one.cases)}
            for place, one in bins
        ],
        "picture": drawn.reliability(
            "reliability",
            _("How sure the answers were, and how often they were right"),
            _("On the diagonal an answer is right as often as it says; below it, it is surer than it should be."),
            points,
        ),
    }  # fmt: skip


# -- Parts ------------------------------------------------------------------------------------------------------------


def titles() -> dict[str, str]:
    return {VIEW: _("By view"), SEX: _("By sex"), AGE: _("By age"), DEVICE: _("By device")}


def _parts(question: Question, chosen: int) -> Iterator[dict[str, Any]]:
    found = signed_cases.by_part(question, chosen)
    for part, title in titles().items():
        rows = [Row(value_told(part, value), tallied(cells)) for value, cells in sorted(found[part].items())]
        rows.sort(key=lambda row: -row.tally.cases if part == DEVICE else 0)
        yield {"title": title, "rows": rows}


def value_told(part: str, value: str) -> LazyText:
    if not value:
        return _("not known")
    if part == VIEW:
        return dict(XRayImage.View.choices).get(value, value)
    if part == SEX:
        return dict(Patient.Sex.choices).get(value, value)
    if part == AGE:
        low, high = map(int, value.split("-"))
        return ages_told(low, high)
    return value


def ages_told(low: int, high: int) -> str:
    if low == 0:
        return _("under %(high)d") % {"high": high}
    if high > 120:
        return _("%(low)d and over") % {"low": low}
    return _("%(low)d to %(last)d") % {"low": low, "last": high - 1}


def _readers(question: Question) -> list[Row]:
    """What all together said, beside the signatures of each role."""
    cells = signed_cases.by_reader(question)
    return [
        Row(_(name), tallied(cell for reader in readers for cell in cells.get(reader, [])))
        for name, readers in sorted(signed_cases.groups_of(cells).items())
    ]


def _without_truth(question: Question) -> list[dict[str, Any]]:
    verdicts = Prediction.Verdict
    counted = signed_cases.without_truth(question)
    return [{"label": verdicts(verdict).label, "n": n} for verdict, n in counted.items() if verdict in verdicts.values]


def _totals(question: Question) -> dict[str, Any]:
    found = signed_cases.totals(question)
    statuses = dict(found["statuses"])
    diagnoses = {diagnosis: (n, mean) for diagnosis, n, mean in found["diagnoses"]}
    return {
        "statuses": [{"label": status.label, "n": statuses.get(status, 0)} for status in Prediction.Status],
        "asked": sum(statuses.values()),
        "diagnoses": [
            {"label": label, "n": diagnoses[value][0], "mean": diagnoses[value][1]}
            for value, label in [*Diagnosis.choices, ("", _("no answer"))]
            if value in diagnoses
        ],
    }


# -- Reading blind ----------------------------------------------------------------------------------------------------


def _blind(question: Question) -> dict[str, Any]:
    found = read_blind(question)
    return {
        "found": found,
        "known_by": [
            {"title": title, "helped": helped}
            for title, helped in (
                (_("Known by a reference standard"), found.by_reference),
                (_("Known by a second reader alone"), found.by_second_reader),
            )
        ],
        "is_empty": not any((found.by_reference.cases, found.by_second_reader.cases, found.blind.n, found.open.n)),
        "took": [
            {"title": title, "took": took, "middle": duration(1000 * took.middle) if took.middle else ""}
            for title, took in ((_("Read blind"), found.blind), (_("With the answer in view"), found.open))
        ],
    }
