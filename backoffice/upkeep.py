"""What this app takes out when its time is over: found by `purge`. And what `check_integrity` asks it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_noop
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.access import trail
from backoffice.imports import cleanup
from backoffice.jobs.registry import check, purge, take_out
from backoffice.models import AccessEvent, Backup, DailySummary, FailedSignIn, Mail, Notice, SignIn
from backoffice.sealing import unreadable

A_DAY, A_MONTH, A_QUARTER = timedelta(days=1), timedelta(days=30), timedelta(days=90)
SUMMARIES_KEPT = timedelta(days=2 * 366)  # a day is compared with the same one a year before


def trail_kept_since() -> datetime:
    return timezone.now() - timedelta(days=settings.ACCESS_TRAIL_RETENTION_DAYS)


@purge(gettext_noop("access events beyond ACCESS_TRAIL_RETENTION_DAYS"))
def old_access_events(*, dry_run: bool) -> int:
    if dry_run:
        return AccessEvent.objects.filter(at__lt=trail.beginning_of_day(trail_kept_since())).count()
    return trail.purge(before=trail_kept_since())


@check(gettext_noop("sealed values"))
def sealed_values_are_read() -> Iterator[str]:
    """Each by a key that is here, and where it was written."""
    found = False
    for sentence in unreadable.unreadable():
        found = True
        yield sentence
    if not found:
        yield from unreadable.moved()


@check(gettext_noop("access trail"))
def trail_is_whole() -> Iterator[str]:
    yield from trail.breaks()


@purge(gettext_noop("sign-ins beyond ACCESS_TRAIL_RETENTION_DAYS"))
def old_sign_ins(*, dry_run: bool) -> int:
    return take_out(SignIn.objects.filter(attempt_time__lt=trail_kept_since()), dry_run=dry_run)


@purge(gettext_noop("failed sign-ins older than 30 days"))
def old_failed_sign_ins(*, dry_run: bool) -> int:
    return take_out(FailedSignIn.objects.filter(attempt_time__lt=timezone.now() - A_MONTH), dry_run=dry_run)


@purge(gettext_noop("wrong passwords that lock nobody out any more"))
def old_attempts(*, dry_run: bool) -> int:
    since = timezone.now() - settings.AXES_COOLOFF_TIME
    return take_out(AccessAttempt.objects.filter(attempt_time__lt=since), dry_run=dry_run)


@purge(gettext_noop("mails sent more than 30 days ago"))
def sent_mails(*, dry_run: bool) -> int:
    return take_out(Mail.objects.filter(sent_at__lt=timezone.now() - A_MONTH), dry_run=dry_run)


@purge(gettext_noop("notices read more than 30 days ago, or older than 90"))
def old_notices(*, dry_run: bool) -> int:
    now = timezone.now()
    old = Q(read_at__lt=now - A_MONTH) | Q(at__lt=now - A_QUARTER)
    return take_out(Notice.objects.filter(old), dry_run=dry_run)


@purge(gettext_noop("daily summaries of more than two years ago"))
def old_summaries(*, dry_run: bool) -> int:
    beyond = timezone.localdate() - SUMMARIES_KEPT
    return take_out(DailySummary.objects.filter(day__lt=beyond), dry_run=dry_run)


@purge(gettext_noop("what is noted of backups from more than two years ago"))
def old_notes_of_backups(*, dry_run: bool) -> int:
    return take_out(Backup.objects.filter(made_at__lt=timezone.now() - SUMMARIES_KEPT), dry_run=dry_run)


@purge(gettext_noop("expired sessions"))
def expired_sessions(*, dry_run: bool) -> int:
    return take_out(Session.objects.filter(expire_date__lt=timezone.now()), dry_run=dry_run)


@purge(gettext_noop("phones that nobody finished setting up"))
def unfinished_phones(*, dry_run: bool) -> int:
    return take_out(TOTPDevice.objects.filter(confirmed=False, created_at__lt=timezone.now() - A_DAY), dry_run=dry_run)


@purge(gettext_noop("imports that nobody confirmed"))
def abandoned_imports(*, dry_run: bool) -> int:
    count = cleanup.abandoned().count()
    if not dry_run:
        cleanup.clean_up()
    return count
