"""The follow-ups of an answer, a film or a patient, as a section of that one's page: the template of this name.

A page includes the section with what `section_of` gives; with `answer`, whoever may asks for another one there.
"""

from dataclasses import dataclass

from backoffice.models import User
from imaging.models import XRayImage
from inference.follow_ups.deciding import asked_before, version_of
from inference.follow_ups.forms import AskForm
from inference.models import FollowUp, FollowUpQuerySet, Prediction, Report

SHOWN = 20


@dataclass(frozen=True)
class Line:
    follow_up: FollowUp
    seen: str
    must_be_decided: bool


def section_of(
    user: User,
    follow_ups: FollowUpQuerySet,
    *,
    answer: Prediction | None = None,
    report: Report | None = None,
    film: XRayImage | None = None,
) -> dict:
    """What the section shows: these follow-ups, open ones first; a form where `answer` is signed; and those that `film`
    may answer. Empty for who may not see them."""
    if not user.has_perm("inference.view_followup"):
        return {}
    may_change = user.has_perm("inference.change_followup")
    may_ask = user.has_perm("inference.add_followup") and answer is not None and answer.is_validated
    rows = list(follow_ups.seen_by(user).filter(hidden_at=None).with_records().with_told(user))
    if film:  # that something is to be done about what they have yet to read would tell them
        rows = [row for row in rows if row.is_told]
    rows.sort(key=lambda row: (not row.is_open, row.due_on, row.pk))
    waiting = asked_before(film).seen_by(user).with_records().with_told(user) if film and may_change else []
    return {
        "follow_ups": _lines(rows[:SHOWN]),
        "answered_by_this": _lines([row for row in waiting if row.is_told][:SHOWN]),
        "film": film,
        "answer": answer,
        "form": AskForm(by=user, report=report) if may_ask and answer and not answer.is_gone else None,
        "report": report,
    }


def _lines(rows: list[FollowUp]) -> list[Line]:
    keys = [row.pk for row in rows if row.is_open]
    undecided = set(FollowUp.objects.to_decide().filter(pk__in=keys).values_list("pk", flat=True)) if keys else set()
    return [Line(row, version_of(row), row.pk in undecided) for row in rows]
