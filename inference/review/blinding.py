"""Who may be told what the models say of a film: the one rule, asked by every page, list, mail, export and picture.

A role may read first (`Role.reads_first`): clinicians do, unless an administrator decides otherwise on the role's page,
and their pages say so. For whoever has such a role an answer is closed, and with it everything that follows from it:
diagnosis, confidence, agreement, votes, doubt, that it needs review and why, heat maps, and any order, filter, count or
colour made of these. It is open to them

- once they have kept an answer of their own about it (`Reading.answered_at`), or saw it when nothing kept it from them
  (`Reading.is_blind` is false);
- once somebody has signed it, or a newer one about the same film. What is signed is the clinic's own record, which
  whoever treats the patient needs; it cannot wait for each reader. Who wants to be its second reader says so first
  (`readings.read_again`), and it is closed to them from then on until they have answered.

What has no answer yet is open: there is nothing to tell. Whoever has no such role sees everything that their role sees.

Use `Prediction.objects.answers_seen_by(user)` for rows to filter, sort or count by what they say;
`with_answers_for(user)` where each row is shown, open or closed, by its `is_open`; and `sees_answer` for one. What is
kept or sent for somebody asks when it is made, and leaves out what it may not say then.
"""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from simple_history.models import HistoricalChanges

from backoffice.models import Role, User
from backoffice.models.roles import names_of, reads_first
from backoffice.readers import Reader
from backoffice.records.withheld import withholds
from inference.models import FollowUp, ModelResult, Prediction, Reading, ReferenceStandard, Report


def reads_blind(user: Reader) -> bool:
    """Whether a role of this person's reads before the models."""
    return reads_first(user)


def sees_answer(user: Reader, prediction: Prediction) -> bool:
    """Whether this person may be told what the models say of it, asked anew."""
    return Prediction.objects.filter(pk=prediction.pk).answers_seen_by(user).exists()


def shown_to(user: Reader, prediction: Prediction) -> Prediction:
    """The same, with its `is_open` for this person."""
    prediction.is_open = sees_answer(user, prediction)
    return prediction


def closed_to(user: Reader) -> QuerySet:
    """The answers that are closed to this person, for conditions."""
    return Prediction.objects.order_by().filter(status=Prediction.Status.COMPLETED).closed_to(user)


def without_closed(rows: Any, user: Reader, answer: str = "prediction") -> Any:
    """Those rows that are not about an answer which is closed to this person; `answer` is their column of it. For
    reports, and whatever else says what came of an answer: such as a draft that was written before its signature was
    taken back. A follow-up stays on its list all the same, and says what it is once the film is read: `is_told`."""
    if not reads_blind(user):
        return rows
    return rows.exclude(Exists(closed_to(user).filter(pk=OuterRef(answer))))


def without_unread_films(rows: Any, user: Reader, own: Q) -> Any:
    """Those rows that are not about a film (their `xray`) which this person has yet to read, or may be asked to; but
    for what is their `own`. For what a film is known to show, which is the answer itself."""
    if not reads_blind(user):
        return rows
    answers = Prediction.objects.order_by().filter(xray=OuterRef("xray_id"), status=Prediction.Status.COMPLETED)
    has_read = Exists(answers.answers_seen_by(user)) & ~Exists(answers.closed_to(user))
    return rows.filter(has_read | own)


@withholds(Prediction)
def _versions_of_answers(versions: QuerySet, user: Reader) -> QuerySet:
    """That it was asked is told, not what came of it."""
    if not reads_blind(user):
        return versions
    closed = Exists(closed_to(user).filter(pk=OuterRef("id")))
    return versions.exclude(closed, status=Prediction.Status.COMPLETED)


@withholds(ModelResult, Report)
def _versions_of_what_hangs_on_them(versions: QuerySet, user: Reader) -> QuerySet:
    return without_closed(versions, user, "prediction_id")


@withholds(ReferenceStandard)
def _versions_of_what_is_known(versions: QuerySet, user: Reader) -> QuerySet:
    return without_unread_films(versions, user, own=Q(history_user=user) | Q(stated_by=user))


@withholds(FollowUp)
def _versions_of_follow_ups(versions: QuerySet, user: Reader) -> QuerySet:
    """What is to be done follows from what was signed, which may have been taken back since: as `is_told`."""
    if not reads_blind(user):
        return versions
    closed = Exists(closed_to(user).filter(pk=OuterRef("prediction_id")))
    return versions.exclude(closed, ~Q(asked_by=user))


@withholds(Reading)
def _versions_of_readings(versions: QuerySet, user: Reader) -> QuerySet:
    """A colleague's answer would sway them as the models' would."""
    if not reads_blind(user):
        return versions
    closed = Exists(closed_to(user).filter(pk=OuterRef("prediction_id")))
    return versions.exclude(closed, ~Q(reader=user))


# -- What holds for somebody, in words: it is never decided silently ---------------------------------------------------


def rule_told(user: User | AnonymousUser) -> str:
    """Which of the two holds for this person, who decided it and when; one sentence for their pages."""
    roles = list(Role.objects.filter(group__user=user.pk).select_related("group").order_by("group__name"))
    holding = [role for role in roles if role.reads_first == reads_blind(user)]
    told = {"roles": names_of(role.group for role in holding)}
    decided = max(filter(None, (role.last_decided("reads_first") for role in holding)), key=_when, default=None)
    is_blind = reads_blind(user)
    if decided is None or decided.history_user is None:
        sentence = (
            _("You read first: what the models say is shown once your own answer is kept (%(roles)s).")
            if is_blind
            else _("The models’ answer is shown to you at once (%(roles)s).")
        )
        return sentence % told
    told |= {
        "who": str(decided.history_user),
        "when": date_format(timezone.localtime(decided.history_date), "DATETIME_FORMAT"),
    }
    sentence = (
        _("You read first, as %(who)s decided on %(when)s (%(roles)s): what the models say comes after your own.")
        if is_blind
        else _("The models’ answer is shown to you at once, as %(who)s decided on %(when)s (%(roles)s).")
    )
    return sentence % told


def _when(version: HistoricalChanges) -> datetime:
    return version.history_date


def in_force_since(user: User) -> datetime | None:
    """When reading first began for this person, as far as an administrator decided it; None where it always held."""
    roles = Role.objects.filter(group__user=user.pk, reads_first=True)
    decided = [version for role in roles if (version := role.last_decided("reads_first"))]
    return max(map(_when, decided), default=None)
