"""What the day's summary says of the machinery: what failed, and how old the newest backup is."""

import datetime
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands
from django.utils import timezone
from django.utils.translation import gettext_noop
from django_q.models import Failure

from backoffice.formats.kept import gettext as _
from backoffice.jobs.summary import Day, Figure, section, span_told
from backoffice.models import FailedSignIn, Mail, TableImport
from backoffice.web.admin_urls import admin_url

A_DAY = datetime.timedelta(days=1)


@section(gettext_noop("Failures"), order=50)
def failures(day: Day) -> Iterator[Figure]:
    tasks = Failure.objects.filter(**day.within("stopped")).count()
    yield Figure(
        _("tasks that broke"), tasks, f"{admin_url(Failure, 'changelist')}?{day.in_a_list()}", is_bad=bool(tasks)
    )
    mails = Mail.objects.given_up().count()
    yield Figure(_("mails given up"), mails, f"{admin_url(Mail, 'changelist')}?state=given_up", is_bad=bool(mails))
    imports = TableImport.objects.filter(status=TableImport.Status.FAILED, **day.within("finished_at")).count()
    failed = f"{admin_url(TableImport, 'changelist')}?status__exact=failed&{day.in_a_list(by='finished')}"
    yield Figure(_("imports that failed"), imports, failed, is_bad=bool(imports))
    tried = FailedSignIn.objects.filter(**day.within("attempt_time")).count()
    yield Figure(_("failed sign-ins"), tried, f"{admin_url(FailedSignIn, 'changelist')}?{day.in_a_list()}")


@section(gettext_noop("Backups"), order=90)
def backups(day: Day) -> Iterator[Figure]:
    """As things stand when it is made, whatever the day."""
    if "backup" not in get_commands():
        yield Figure(_("newest backup"), _("none is known"), is_bad=True)
        return
    age = age_of_the_newest(Path(settings.DATA_DIR) / "backups")
    told = _("%(age)s old") % {"age": span_told(age)} if age else _("none yet")
    yield Figure(_("newest backup"), told, is_bad=age is None or age > A_DAY)


def age_of_the_newest(folder: Path) -> datetime.timedelta | None:
    files = [path for path in folder.glob("*") if path.is_file()] if folder.is_dir() else []
    newest = max((path.stat().st_mtime for path in files), default=None)
    return None if newest is None else timezone.now() - datetime.datetime.fromtimestamp(newest, tz=datetime.UTC)
