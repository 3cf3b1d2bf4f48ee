"""What the day's summary says of the machinery: what failed, where the trail's chain ends, the age of the backup."""

import datetime
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_noop
from django_q.models import Failure

from backoffice.access import trail
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.jobs.summary import Day, Figure, section, span_told
from backoffice.models import AccessEvent, FailedSignIn, Mail, TableImport
from backoffice.web.admin_urls import admin_url

A_DAY = datetime.timedelta(days=1)


@section(gettext_noop("Failures"), order=50)
def failures(day: Day) -> Iterator[Figure]:
    tasks = Failure.objects.filter(**day.within("stopped")).count()
    yield Figure(_("tasks that broke"), tasks, admin_url(Failure, "changelist"), is_bad=bool(tasks))
    mails = Mail.objects.given_up().count()
    yield Figure(_("mails given up"), mails, f"{admin_url(Mail, 'changelist')}?state=given_up", is_bad=bool(mails))
    imports = TableImport.objects.filter(status=TableImport.Status.FAILED, **day.within("finished_at")).count()
    yield Figure(_("imports that failed"), imports, admin_url(TableImport, "changelist"), is_bad=bool(imports))
    tried = FailedSignIn.objects.filter(**day.within("attempt_time")).count()
    yield Figure(_("failed sign-ins"), tried, admin_url(FailedSignIn, "changelist"))


@section(gettext_noop("Access trail"), order=80)
def the_trail(day: Day) -> Iterator[Figure]:
    """The head that proves the trail up to there, as things stand when it is made: on paper nobody changes it."""
    if head := trail.head():
        number = _("Batch %(number)d, up to %(until)s") % {
            "number": head.number,
            "until": Sentence(lambda: date_format(timezone.localtime(head.until), "SHORT_DATETIME_FORMAT")),
        }
        yield Figure(_("sealed"), number, admin_url(AccessEvent, "changelist"))
        yield Figure(_("head of the chain"), trail.as_printed(head.digest))


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
