"""What the second opinion has to say to people: never what was answered, and to who reads blind nothing from which that
could be told.

They read notices before the models' answer. So these count, name the film and give a reason for a failure; that a case
should be read now follows from who asked. That the models found something urgent is a notice of its own, and stands for
those alone whom the answer is open to.
"""

from collections.abc import Iterable, Sequence

from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from backoffice.formats.days import day_told
from backoffice.formats.kept import told
from backoffice.formats.lists import in_turn, listed_apart, told_of
from backoffice.models import Notice, User
from backoffice.notices.kinds import kind
from backoffice.web.admin_urls import admin_url
from imaging.models import XRayImage
from inference.models import FollowUp, Prediction
from inference.models.follow_ups import may_follow_up
from inference.review.roles import SEE


def _keys(notices: Iterable[Notice]) -> set[int]:
    return {notice.object_id for notice in notices if notice.object_id}


# -- What somebody asked ----------------------------------------------------------------------------------------------


def _films_of(notice: Notice) -> str:
    asked = Prediction.objects.visible().filter(batch=notice.object_id).order_by("pk").values_list("pk", "xray")
    [*films] = asked[:2]
    if len(films) == 1:
        [(answer, film)] = films
        return f"{admin_url(XRayImage, 'change', film)}?prediction={answer}"
    return f"{admin_url(Prediction, 'changelist')}?batch__id__exact={notice.object_id}"


def _asked_and_seen(person: User, notices: Sequence[Notice]) -> Iterable[int]:
    if not person.has_perm(SEE):
        return []
    left = Prediction.objects.visible().filter(batch__in=_keys(notices)).order_by()
    there = set(left.values_list("batch", flat=True).distinct())
    return [notice.pk for notice in notices if notice.object_id in there]


@kind("batch_over", link=_films_of, stands=_asked_and_seen)
def batch_over(notice: Notice) -> str:
    said = notice.details
    n = said["answered"]
    answered = ngettext("%(n)d X-ray is answered.", "%(n)d X-rays are answered.", n) % {"n": n} if n else ""
    return in_turn([answered, _failures(said)])


@kind("batch_in_part", link=_films_of, stands=_asked_and_seen)
def batch_in_part(notice: Notice) -> str:
    said = notice.details
    n = said["answered"] + said["failed"] + said["waiting"]
    far = ngettext(
        "It takes long: %(answered)d of %(n)d X-ray is answered so far.",
        "It takes long: %(answered)d of %(n)d X-rays are answered so far.",
        n,
    )
    return in_turn([far % {"answered": said["answered"], "n": n}, _failures(said)])


def _failures(said: dict) -> str:
    n = said["failed"]
    if not n:
        return ""
    failed = ngettext("%(n)d has failed", "%(n)d have failed", n) % {"n": n}
    return told_of(failed, listed_apart(map(told, said["reasons"])))


# -- What should be read now ------------------------------------------------------------------------------------------


def _film_of(notice: Notice) -> str:
    case = _case_of(notice)
    return f"{admin_url(XRayImage, 'change', case.xray_id)}?prediction={case.pk}"


def _case_of(notice: Notice) -> Prediction:
    return Prediction.objects.select_related("xray__patient").get(pk=notice.object_id or 0)


def _unread_cases(person: User, notices: Sequence[Notice]) -> Iterable[int]:
    """Nobody has signed it yet."""
    if not person.has_perm(SEE):
        return []
    cases = Prediction.objects.visible().filter(pk__in=_keys(notices), is_validated=False).standing().order_by()
    waiting = set(cases.values_list("pk", flat=True))
    return [notice.pk for notice in notices if notice.object_id in waiting]


@kind("read_now", link=_film_of, stands=_unread_cases)
def read_now(notice: Notice) -> str:
    return told_of(_("A case waits that should be read now"), _case_of(notice).xray.name_for(notice.to))


def _unread_and_open(person: User, notices: Sequence[Notice]) -> Iterable[int]:
    """As it is when they look: they may have come to read first since they were told."""
    shown = Prediction.objects.filter(pk__in=_keys(notices)).answers_seen_by(person).order_by()
    open_to_them = set(shown.values_list("pk", flat=True))
    return _unread_cases(person, [notice for notice in notices if notice.object_id in open_to_them])


@kind("found_urgent", link=_film_of, stands=_unread_and_open)
def found_urgent(notice: Notice) -> str:
    film = _case_of(notice).xray.name_for(notice.to)
    return told_of(_("The models found something urgent that nobody has signed"), film)


# -- What is to be followed up ----------------------------------------------------------------------------------------


def _follow_up(notice: Notice) -> str:
    return reverse("admin:inference_followup_change", args=[notice.object_id])


def _theirs_and_open(person: User, notices: Sequence[Notice]) -> Iterable[int]:
    theirs = FollowUp.objects.on_lists().of(person).filter(pk__in=_keys(notices)).order_by()
    open_ones = set(theirs.values_list("pk", flat=True))
    return [notice.pk for notice in notices if notice.object_id in open_ones]


def _nobodys_and_open(person: User, notices: Sequence[Notice]) -> Iterable[int]:
    if not may_follow_up(person.pk):
        return []
    nobodys = FollowUp.objects.on_lists().of_nobody().filter(pk__in=_keys(notices)).order_by()
    open_ones = set(nobodys.values_list("pk", flat=True))
    return [notice.pk for notice in notices if notice.object_id in open_ones]


def _due(notice: Notice) -> dict:
    follow_up = FollowUp.objects.with_records().get(pk=notice.object_id or 0)
    day = parse_date(notice.details["due_on"]) or follow_up.due_on
    return {"day": day_told(day), "who": follow_up.patient.name_for(notice.to)}


@kind("follow_up_given", link=_follow_up, stands=_theirs_and_open)
def follow_up_given(notice: Notice) -> str:
    return _("A follow-up is yours now, due on %(day)s: %(who)s") % _due(notice)


@kind("follow_up_overdue", link=_follow_up, stands=_theirs_and_open)
def follow_up_overdue(notice: Notice) -> str:
    return _("A follow-up of yours was due on %(day)s: %(who)s") % _due(notice)


@kind("follow_up_of_nobody", link=_follow_up, stands=_nobodys_and_open)
def follow_up_of_nobody(notice: Notice) -> str:
    return _("A follow-up that is nobody's was due on %(day)s: %(who)s") % _due(notice)


@kind("follow_up_left", link=_follow_up, stands=_nobodys_and_open)
def follow_up_left(notice: Notice) -> str:
    return _("The owner of a follow-up has left, and it is on the common list, due on %(day)s: %(who)s") % _due(notice)
