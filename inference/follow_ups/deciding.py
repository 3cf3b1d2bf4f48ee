"""What people do with a follow-up: ask for it, close it, postpone it, hand it over, and say whether it still holds.

Each locks the patient, the films, the answer and then the follow-up, in everybody's order. Of two who decide at once
one does and the other is told.
"""

import datetime
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import Pattern
from backoffice.models import User
from backoffice.notices.telling import tell
from backoffice.records.hangs_on import lock_with_above
from backoffice.records.locks import lock_by_key
from backoffice.records.mixins import REASON_LENGTH, HideableQuerySet
from backoffice.records.seen import last_to_change
from backoffice.records.seen import version_of as seen_version
from backoffice.records.text import tidy_line
from clinic.models import Patient
from imaging.models import XRayImage
from inference.models import FollowUp, FollowUpQuerySet, Prediction, Report
from inference.models.follow_ups import may_follow_up

LONGEST = datetime.timedelta(days=3 * 366)
"""A day further ahead is a year that was mistyped."""

CLOSED = Pattern(gettext_noop("Concluded: %(reason)s"))
POSTPONED = Pattern(gettext_noop("Postponed: %(reason)s"))
KEPT = Pattern(gettext_noop("Still holds: %(reason)s"))
OPENED_AGAIN = Pattern(gettext_noop("Opened again: %(reason)s"))
HANDED_OVER = Pattern(gettext_noop("Handed over: %(reason)s"))
ASKED = gettext_noop("Asked for")
ANSWERED = gettext_noop("Answered by a film")
FILM_GONE = gettext_noop("Opened again: the film that answered it was hidden, or is another patient's")
NO_REASON = "–"


class FollowUpError(Exception):
    """Nothing was changed. The message says why, and what to do."""


def version_of(follow_up: FollowUp) -> str:
    """Another text where anything of it, or the signature that it stands on, is another."""
    return seen_version(follow_up.pk, follow_up.updated_at.timestamp(), str(follow_up.prediction.reviewed_at))


@transaction.atomic
def ask(
    prediction: Prediction,
    *,
    by: User,
    kind: str,
    due_on: datetime.date,
    what: str = "",
    owner: User | None = None,
    report: Report | None = None,
) -> FollowUp:
    """Have something done about a signed answer. Raises FollowUpError."""
    lock_with_above(prediction)
    prediction = Prediction.objects.select_related("xray__patient").get(pk=prediction.pk)
    if prediction.is_gone:
        raise FollowUpError(_("It is hidden, or its film or patient is. Restore that first."))
    if not prediction.is_validated:
        raise FollowUpError(_("Only a signed answer carries a follow-up. Sign it first."))
    if report is not None and report.prediction_id != prediction.pk:
        raise FollowUpError(_("This report is of another answer."))
    if kind == FollowUp.Kind.OTHER and not what:
        raise FollowUpError(_("Say what is to be done."))
    _refuse_the_day(due_on)
    _refuse_the_owner(owner)
    follow_up = FollowUp(
        prediction=prediction,
        report=report,
        kind=kind,
        what=_tidy(what),
        due_on=due_on,
        owner=owner,
        asked_by=by,
        signed_at=prediction.reviewed_at,
    )
    _save(follow_up, by, ASKED)
    _tell_its_owner(follow_up, by)
    return follow_up


@transaction.atomic
def ask_once(prediction: Prediction, *, by: User, what: str = "", **asked: Any) -> FollowUp:
    """As a form asks, which a double press sends twice: the second finds what the first has asked for."""
    lock_with_above(prediction)
    same = FollowUp.objects.visible().open().filter(prediction=prediction, asked_by=by, what=_tidy(what), **asked)
    return same.first() or ask(prediction, by=by, what=what, **asked)


@transaction.atomic
def close(
    follow_up: FollowUp, *, by: User, ending: str, reason: str = "", film: XRayImage | None = None, seen: str = ""
) -> None:
    """It is done, not needed any more, or answered by `film`. Raises FollowUpError."""
    follow_up = _locked(follow_up, [film] if film else [], seen=seen)
    if film is None:
        if ending == FollowUp.Ending.FILM:
            raise FollowUpError(_("Say which film answers it."))
        if not reason:
            raise FollowUpError(_("Closing it needs a reason."))
    elif not films_after(follow_up).filter(pk=film.pk).exists():
        raise FollowUpError(_("This film cannot answer it: it is hidden, another patient's, or no later one."))
    follow_up.closed_at, follow_up.closed_by = timezone.now(), by
    follow_up.ending, follow_up.answered_by = (FollowUp.Ending.FILM if film else ending), film
    follow_up.why_closed = _tidy(reason)
    _save(follow_up, by, ANSWERED if film else CLOSED(REASON_LENGTH, reason=reason))


@transaction.atomic
def postpone(follow_up: FollowUp, *, by: User, due_on: datetime.date, reason: str, seen: str = "") -> None:
    """Raises FollowUpError."""
    follow_up = _locked(follow_up, seen=seen)
    if not reason:
        raise FollowUpError(_("Postponing it needs a reason."))
    _refuse_the_day(due_on)
    if due_on == follow_up.due_on:
        raise FollowUpError(_("It is due on that day already. Choose another one."))
    follow_up.due_on = due_on
    _save(follow_up, by, POSTPONED(REASON_LENGTH, reason=reason))


@transaction.atomic
def hand_over(follow_up: FollowUp, *, by: User, owner: User | None, reason: str = "", seen: str = "") -> None:
    """Give it to somebody, or with no `owner` to the common list. Raises FollowUpError."""
    follow_up = _locked(follow_up, seen=seen)
    _refuse_the_owner(owner)
    if (owner and owner.pk) == follow_up.owner_id:
        raise FollowUpError(_("It is with them already.") if owner else _("It is on the common list already."))
    follow_up.owner = owner
    _save(follow_up, by, HANDED_OVER(REASON_LENGTH, reason=reason or NO_REASON))
    _tell_its_owner(follow_up, by)


@transaction.atomic
def keep(follow_up: FollowUp, *, by: User, reason: str, seen: str = "") -> None:
    """It still holds, though what it stands on is not what it was. Raises FollowUpError."""
    follow_up = _locked(follow_up, seen=seen)
    if not reason:
        raise FollowUpError(_("Say why it still holds."))
    if not FollowUp.objects.to_decide().filter(pk=follow_up.pk).exists():
        told = {"who": last_to_change(FollowUp, [follow_up.pk])}
        raise FollowUpError(_("Nothing is left to decide: %(who)s was the last to change it.") % told)
    follow_up.signed_at, follow_up.settled_at = follow_up.prediction.reviewed_at, timezone.now()
    _save(follow_up, by, KEPT(REASON_LENGTH, reason=reason))


@transaction.atomic
def open_again(follow_up: FollowUp, *, by: User, reason: str, seen: str = "") -> None:
    """It was closed too early. Raises FollowUpError."""
    follow_up = _locked(follow_up, seen=seen, is_open=False)
    if not reason:
        raise FollowUpError(_("Opening it again needs a reason."))
    _open(follow_up, by, OPENED_AGAIN(REASON_LENGTH, reason=reason))


# -- Films ------------------------------------------------------------------------------------------------------------


def films_after(follow_up: FollowUp) -> HideableQuerySet:
    """The patient's films that came in since it was asked for: each may be the one that answers it."""
    films = XRayImage.objects.visible().filter(patient=follow_up.patient, created_at__gt=follow_up.created_at)
    return films.exclude(pk=follow_up.prediction.xray_id)


def asked_before(film: XRayImage) -> FollowUpQuerySet:
    """Open ones of its patient that wait for a film, and that this one may answer."""
    waiting = FollowUp.objects.on_lists().of_patient(film.patient).filter(kind=FollowUp.Kind.FILM)
    return waiting.filter(created_at__lt=film.created_at).exclude(prediction__xray=film)


def opened_again_where_no_film_answers(concerned: Q, by: User | None) -> None:
    """Of the `concerned`, those whose film answers nothing any more: it is hidden, or another patient's than that of
    the finding. In the transaction of what changed that."""
    answers_nothing = Q(answered_by__hidden_at__isnull=False) | ~Q(answered_by__patient=F("prediction__xray__patient"))
    amiss = FollowUp.objects.exclude(answered_by=None).filter(concerned).filter(answers_nothing).order_by()
    for pk in sorted(lock_by_key(FollowUp, amiss.values_list("pk", flat=True))):
        FollowUp.objects.filter(pk=pk).restore(by=by)  # what is hidden was closed, and will be open
        _open(FollowUp.objects.get(pk=pk), by, FILM_GONE)


# -- Parts ------------------------------------------------------------------------------------------------------------


def _locked(follow_up: FollowUp, films: Iterable[XRayImage] = (), *, seen: str, is_open: bool = True) -> FollowUp:
    """It as it is behind the locks. Raises FollowUpError where it is not as it was `seen`, or cannot be decided on."""
    prediction = Prediction.objects.select_related("xray").get(pk=follow_up.prediction_id)
    lock_by_key(Patient, {prediction.xray.patient_id})
    lock_by_key(XRayImage, {prediction.xray_id, *(film.pk for film in films)})
    lock_by_key(Prediction, [prediction.pk])
    lock_by_key(FollowUp, [follow_up.pk])
    follow_up = FollowUp.objects.select_related("prediction__xray__patient").get(pk=follow_up.pk)
    last = {"who": last_to_change(FollowUp, [follow_up.pk])}
    if follow_up.is_gone:
        raise FollowUpError(_("It is hidden, or its patient is. Restore that first."))
    if follow_up.is_open != is_open:
        raise FollowUpError(
            (_("%(who)s has closed it already.") if is_open else _("%(who)s has opened it again already.")) % last
        )
    if seen and seen != version_of(follow_up):
        raise FollowUpError(_("%(who)s has changed it, or its answer, since you looked. Look once more.") % last)
    return follow_up


def _refuse_the_day(due_on: datetime.date) -> None:
    today = timezone.localdate()
    if due_on < today:
        raise FollowUpError(_("This day is over. Choose today or a later one."))
    if due_on - today > LONGEST:
        raise FollowUpError(_("This is more than three years ahead: check the year."))


def _refuse_the_owner(owner: User | None) -> None:
    if owner is not None and not may_follow_up(owner.pk):
        raise FollowUpError(_("%(person)s cannot close it: choose somebody else.") % {"person": owner})


def _tidy(text: str) -> str:
    try:
        return tidy_line(text)
    except ValidationError as error:
        raise FollowUpError(error.messages[0]) from None


def _open(follow_up: FollowUp, by: User | None, why: str) -> None:
    follow_up.closed_at = follow_up.closed_by = follow_up.answered_by = None
    follow_up.ending, follow_up.why_closed = "", ""
    _save(follow_up, by, why)


def _save(follow_up: FollowUp, by: User | None, why: str) -> None:
    follow_up._history_user, follow_up._change_reason = by, why
    follow_up.save()


def _tell_its_owner(follow_up: FollowUp, by: User) -> None:
    """Nobody is told what they gave themselves."""
    if follow_up.owner_id and follow_up.owner_id != by.pk:
        key = f"follow-up {follow_up.pk} given {follow_up.updated_at.isoformat()}"
        tell([follow_up.owner_id], "follow_up_given", key, about=follow_up, due_on=str(follow_up.due_on))
