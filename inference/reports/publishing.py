"""A report's life: drafted from a signed opinion, published once, amended by a new version, withdrawn with a reason.

Of two who publish the same draft, one does and the other is told: both lock the patient, the film, the opinion and the
report, in everybody's order, and look again behind the locks.
"""

from contextlib import suppress

from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from backoffice.formats.kept import Pattern, told
from backoffice.models import User
from backoffice.records.hangs_on import lock_with_above
from backoffice.records.mixins import REASON_LENGTH
from backoffice.records.seen import last_to_change
from backoffice.records.seen import version_of as seen_version
from inference.models import Prediction, Report, ReportQuerySet
from inference.models.reports import BECAUSE_LENGTH, LONGEST_BODY
from inference.reports import drafting, letters
from inference.reports.pdf import render, sha256_of
from inference.reports.sheet import sheet_of
from inference.review.signing import may_sign

PUBLISH = "inference.publish_report"
PUBLISHED = gettext_noop("Published")
WITHDRAWN = Pattern(gettext_noop("Report withdrawn: %(reason)s"), reason=told)


class ReportError(Exception):
    """Nothing was changed. The message says why, and what to do."""


def may_publish(user: User | AnonymousUser) -> bool:
    """Who writes, publishes and withdraws reports: clinicians, as they alone sign."""
    return user.has_perm(PUBLISH) and may_sign(user)


def version_of(report: Report) -> str:
    """A short text that differs where what would be published differs: the text, the signature, the person."""
    signed, film = report.prediction, report.prediction.xray
    patient = film.patient
    return seen_version(
        report.status,
        report.language,
        report.shows_film,
        report.amendment,
        report.body,
        signed.is_validated,
        signed.final_diagnosis,
        signed.reviewed_by_id,
        signed.reviewed_at and signed.reviewed_at.timestamp(),
        (film.pk, film.view, film.day),
        (patient.pk, patient.full_name, patient.date_of_birth, patient.sex),
    )


# -- Drafts -----------------------------------------------------------------------------------------------------------


def why_no_report(signed: Prediction) -> str:
    """Why nobody writes a report about this answer, as a sentence; empty where it can be written."""
    if signed.is_gone:
        return _("It is hidden, or its film or patient is. Restore that first.")
    if not signed.is_validated:
        return _("A report is written from a signed opinion. Sign it first.")
    if signed.verdict == Prediction.Verdict.REJECTED:
        return _("The answer was rejected and nobody gave a diagnosis, so there is nothing to report. Sign one first.")
    return ""


@transaction.atomic
def write(prediction: Prediction, *, by: User, language: str = "") -> Report:
    """Return a new draft from the template; the one that waits already, where there is one. Raises ReportError."""
    lock_with_above(prediction)
    prediction.refresh_from_db()
    if why := why_no_report(prediction):
        raise ReportError(why)
    waiting = Report.objects.visible().filter(prediction=prediction, status=Report.Status.DRAFT).first()
    if waiting:
        return waiting
    language = language or drafting.language_for(prediction.xray)
    report = Report(prediction=prediction, generated_by=by, language=language)
    report.body = drafting.body_for(prediction, language)
    return _save_new(report, by, "")


@transaction.atomic
def amend(published: Report, *, by: User, what: str) -> Report:
    """Return a draft of the next version, which begins as the newest one reads. Raises ReportError."""
    lock_with_above(published)
    newest = published.newest_published
    if newest is None or published.is_gone:
        raise ReportError(_("Only a published report is amended."))
    if why := why_no_report(newest.prediction):
        raise ReportError(why)
    if Report.objects.visible().filter(prediction=published.prediction_id, status=Report.Status.DRAFT).exists():
        raise ReportError(_("Somebody has begun the next version already: a draft of it waits. Edit that one."))
    amended = Report(
        prediction=newest.prediction,
        generated_by=by,
        language=newest.language,
        shows_film=newest.shows_film,
        body=newest.body,
        amendment=what,
    )
    return _save_new(amended, by, what)


def _save_new(report: Report, by: User, why: str) -> Report:
    report.take_next_version()
    report._history_user, report._change_reason = by, why[:REASON_LENGTH]
    report.save()
    return report


# -- Publishing -------------------------------------------------------------------------------------------------------


def publish(report: Report, *, by: User, seen: str = "") -> Report:
    """Set it, keep it, and tell the patient, or nothing of it. `seen` is its `version_of` as `by` saw it.

    Raises ReportError.
    """
    report = _whole(report)
    _refuse(report, by, seen)
    at = timezone.now()
    sheet = sheet_of(report, published_at=at, publisher=str(by))
    file = render(sheet)  # before the locks: it takes a while
    seen = version_of(report)
    name = ""
    try:
        with transaction.atomic():
            lock_with_above(report)
            report = _whole(report)
            _refuse(report, by, seen)
            report.pdf.save("report.pdf", ContentFile(file), save=False)
            name = str(report.pdf.name)
            report.sha256, report.text_sha256 = sha256_of(file), sheet.text_sha256
            report.status, report.published_at = Report.Status.PUBLISHED, at
            report.patient = report.prediction.xray.patient
            report._history_user, report._change_reason = by, PUBLISHED
            report.save()
            letters.tell_of(report)
    except BaseException:
        if name:
            with suppress(OSError):
                default_storage.delete(name)
        raise
    return report


def _whole(report: Report) -> Report:
    """As it stands, with all that it is about."""
    return Report.objects.select_related("prediction__xray__patient", "prediction__reviewed_by").get(pk=report.pk)


def _refuse(report: Report, by: User, seen: str) -> None:
    if not may_publish(by):
        raise ReportError(_("Reports are for clinicians."))
    if report.is_published:
        raise ReportError(_("%(who)s has published this already.") % {"who": last_to_change(Report, [report.pk])})
    if report.is_hidden:
        raise ReportError(_("It is hidden, or its film or patient is. Restore that first."))
    if why := why_no_report(report.prediction):
        raise ReportError(why)
    if seen and seen != version_of(report):
        who = {"who": last_to_change(Report, [report.pk])}
        raise ReportError(_("It has changed since you looked, last by %(who)s. Look at it again, then publish.") % who)
    if not report.body.strip():
        raise ReportError(_("It has no text. Write one first."))
    if len(report.body) > LONGEST_BODY:
        raise ReportError(_("It is longer than %(n)d signs. Shorten it first.") % {"n": LONGEST_BODY})
    newest = report.newest_published
    if newest and newest.version > report.version:
        raise ReportError(_("A newer version is published. Amend that one."))
    if newest and not report.amendment:
        raise ReportError(_("Say what is amended, and why: the earlier version has been read."))


# -- Withdrawing ------------------------------------------------------------------------------------------------------


def version_standing(report: Report) -> str:
    """A short text that differs where what the patient reads of this answer differs."""
    newest = report.newest_published
    return f"{newest.version} {version_of(newest)}" if newest else ""


@transaction.atomic
def withdraw(report: Report, *, by: User, reason: str, seen: str = "") -> None:
    """Take a published report back, with all its versions. They stay to be read here; the patient reads that it was
    withdrawn. `seen` is `version_standing` as `by` saw it. Raises ReportError."""
    if not may_publish(by):
        raise ReportError(_("Reports are for clinicians."))
    lock_with_above(report)
    if seen and seen != version_standing(report):
        versions = Report.objects.filter(prediction=report.prediction_id).values_list("pk", flat=True)
        who = {"who": last_to_change(Report, versions)}
        raise ReportError(_("It has changed since you looked, last by %(who)s. Look at it again, then withdraw.") % who)
    if not withdraw_all(Report.objects.filter(prediction=report.prediction_id), by=by, reason=reason):
        raise ReportError(_("Nothing is left to withdraw: it is not published, or withdrawn already."))


def withdraw_all(reports: ReportQuerySet, *, by: User | None, reason: str) -> int:
    """Those of these that stand. In the transaction of what is the reason. Returns how many."""
    standing = list(reports.standing().order_by("pk").select_for_update(of=("self",), no_key=True))
    for report in standing:
        report.withdrawn_at, report.withdrawn_by = timezone.now(), by
        report.withdrawn_because = reason[:BECAUSE_LENGTH]
        report._history_user, report._change_reason = by, WITHDRAWN(REASON_LENGTH, reason=reason)
        report.save()
    return len(standing)
