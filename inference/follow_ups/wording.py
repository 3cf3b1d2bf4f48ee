"""How a follow-up stands, in words and colours."""

from collections.abc import Iterator

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from backoffice.formats.days import day_told
from backoffice.live.chips import Tone, chip
from inference.models import FollowUp
from inference.models.follow_ups import may_follow_up


def state_chip(follow_up: FollowUp, *, must_be_decided: bool = False) -> SafeString:
    if not follow_up.is_open:
        return chip(follow_up.get_ending_display(), Tone.GOOD if follow_up.ending != "not_needed" else Tone.QUIET)
    if must_be_decided:
        return chip(_("to be decided"), Tone.BAD)
    return chip(_("overdue"), Tone.BAD) if follow_up.is_overdue else chip(pgettext("follow-up", "open"), Tone.WAIT)


def what_is_to_be_done(follow_up: FollowUp) -> str:
    if not follow_up.is_told:
        return _("Told once you have read the film")
    kind = follow_up.get_kind_display()
    return f"{kind} · {follow_up.what}" if follow_up.what else kind


def whose(follow_up: FollowUp) -> str:
    """Its owner, or why it is on the common list."""
    if follow_up.owner is None:
        return _("the common list")
    if not may_follow_up(follow_up.owner_id):
        return _("the common list: %(person)s has left") % {"person": follow_up.owner}
    return str(follow_up.owner)


def what_became_of_its_ground(follow_up: FollowUp) -> Iterator[str]:
    """Why somebody must decide whether it still holds, in sentences."""
    answer, film = follow_up.prediction, follow_up.prediction.xray
    if answer.reviewed_at is None and follow_up.signed_at is not None:
        yield _("The signature that it stands on is withdrawn.")
    elif answer.reviewed_at != follow_up.signed_at:
        yield _("Its answer has been signed again since.")
    if film.hidden_at and film.hidden_at > follow_up.settled_at:
        yield _("Its film is hidden since %(day)s.") % {"day": day_told(film.hidden_at.date())}
    if answer.hidden_at and answer.hidden_at > follow_up.settled_at:
        yield _("Its answer is hidden since %(day)s.") % {"day": day_told(answer.hidden_at.date())}
    report = follow_up.report
    if report and report.hidden_at and report.hidden_at > follow_up.settled_at:
        yield _("Its report is hidden since %(day)s.") % {"day": day_told(report.hidden_at.date())}
    if report and report.withdrawn_at and report.withdrawn_at > follow_up.settled_at:
        yield _("Its report was withdrawn on %(day)s.") % {"day": day_told(report.withdrawn_at.date())}
