"""Yesterday's summary: made once, kept, and mailed to the administrators.

The row and the mails are one transaction, and a day has one row: however often it runs, each is written to once.
"""

import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from backoffice.formats.lists import told_of
from backoffice.jobs import mail, summary
from backoffice.models import DailySummary, User

MAY_READ = "backoffice.view_dailysummary"
BY_ROLES = "django.contrib.auth.backends.ModelBackend"


def summarise_yesterday() -> bool:
    return summarise(timezone.localdate() - datetime.timedelta(days=1))


def summarise(day: datetime.date) -> bool:
    """Make and mail a day's summary; False where there is one."""
    if DailySummary.objects.filter(day=day).exists():
        return False
    sections = summary.to_keep(summary.of(day))
    try:
        with transaction.atomic():
            made = DailySummary.objects.create(day=day, sections=sections)
            for person in readers():
                _write(made, person)
    except IntegrityError:
        if DailySummary.objects.filter(day=day).exists():
            return False  # another worker got there first
        raise
    return True


def readers() -> QuerySet[User]:
    """Who may read it, and has an address."""
    return User.objects.with_perm(MAY_READ, backend=BY_ROLES).exclude(email="").order_by("pk")


def _write(made: DailySummary, person: User) -> None:
    with translation.override(person.language or settings.LANGUAGE_CODE):
        day = date_format(made.day, "LONG_DAY_FORMAT")
        subject = _("Summary of %(day)s") % {"day": day}
        mail.post(person.email, f"{settings.CLINIC_NAME} · {subject}", text_of(made))


def text_of(made: DailySummary) -> str:
    """As a mail tells it: numbers, and where they are read; no patient is in it."""
    parts = [told_in_text(section) for section in summary.as_kept(made.sections)]
    link = settings.SITE_URL + reverse("admin:backoffice_dailysummary_change", args=[made.pk])
    return "\n\n".join([*parts, told_of(_("With the lists behind the numbers"), link)]) + "\n"


def told_in_text(section: summary.Section) -> str:
    """A title, and a line for each figure; what somebody should look at is marked."""
    lines = [f"{'!' if figure.is_bad else ' '} {told_of(figure.name, figure.value)}" for figure in section.figures]
    return "\n".join([str(section.title), *lines])
