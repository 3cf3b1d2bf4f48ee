"""What the day's summary says of the machinery: what failed, where the trail's chain ends, how old backups are."""

import datetime
from collections.abc import Iterator

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_noop
from django_q.models import Failure

from backoffice.access import trail
from backoffice.backups import standing
from backoffice.formats.kept import Sentence
from backoffice.formats.kept import gettext as _
from backoffice.jobs.summary import Day, Figure, section, span_told
from backoffice.models import AccessEvent, Backup, FailedSignIn, Mail, TableImport
from backoffice.web.admin_urls import admin_url


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
    link, made, drilled = admin_url(Backup, "changelist"), standing.newest(), standing.last_drilled()
    yield Figure(_("newest backup"), _age(made.made_at if made else None), link, is_bad=bool(standing.told_today()))
    is_bad = bool(drilled and drilled.findings)
    yield Figure(_("last drill"), _age(drilled.drilled_at if drilled else None), link, is_bad=is_bad)


def _age(moment: datetime.datetime | None) -> str:
    return _("%(age)s old") % {"age": span_told(timezone.now() - moment)} if moment else _("none yet")
