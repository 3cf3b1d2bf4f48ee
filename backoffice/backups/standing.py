"""How the backups stand: what of them a person should know now, for the first page, `/readyz`, a notice and a mail."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_permission_codename
from django.db import transaction
from django.db.models import Min, QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from backoffice.formats.kept import Sentence, kept, told
from backoffice.formats.kept import gettext as _
from backoffice.formats.lists import told_of
from backoffice.jobs import mail
from backoffice.jobs.summary import span_told
from backoffice.models import Backup, Mail, User
from backoffice.notices.telling import tell as tell_people

STALE = timedelta(hours=36)  # of a nightly backup
STALE_DRILL = timedelta(days=9)  # of a weekly one
BY_ROLES = "django.contrib.auth.backends.ModelBackend"
MAY_READ = f"{Backup._meta.app_label}.{get_permission_codename('view', Backup._meta)}"
KIND = "backups_amiss"


def newest() -> Backup | None:
    """The newest that is whole as far as its writer knows."""
    return Backup.objects.made().order_by("-made_at").first()


def last_drilled() -> Backup | None:
    return Backup.objects.drilled().order_by("-drilled_at").first()


def told_today() -> list[str]:
    """What is amiss, in sentences that can be kept; none where all is well."""
    now, made, drilled = timezone.now(), newest(), last_drilled()
    return [*_of_backups(now, made), *_of_drills(now, made, drilled)]


def _of_backups(now: datetime, made: Backup | None) -> Iterator[str]:
    failed = Backup.objects.exclude(error="").order_by("-made_at").first()
    if failed and (made is None or failed.made_at > made.made_at):
        yield _("The last backup has failed: %(why)s") % {"why": _kept(failed.error)}
    silence = now - (made.made_at if made else in_use_since())
    if settings.BACKUP_NIGHTLY and silence > STALE:
        yield _("The newest backup is %(age)s old.") % {"age": span_told(silence)} if made else _("There is no backup.")


def _of_drills(now: datetime, made: Backup | None, drilled: Backup | None) -> Iterator[str]:
    if drilled and drilled.drilled_at:
        for finding in drilled.findings:
            yield told_of(_("Restoring %(name)s in a drill") % {"name": drilled.name}, _kept(finding))
        if (silence := now - drilled.drilled_at) > STALE_DRILL:
            yield _("The last drill is %(age)s ago.") % {"age": span_told(silence)}
    elif made and now - Backup.objects.made().earliest("made_at").made_at > STALE_DRILL:
        yield _("No backup has been restored in a drill yet.")


def _kept(sentence: Any) -> Sentence:
    return Sentence(lambda: told(sentence))


def in_use_since() -> datetime:
    """What has just been installed has no backup yet."""
    return User.objects.aggregate(at=Min("date_joined"))["at"] or timezone.now()


# -- Told ------------------------------------------------------------------------------------------------------------


def readers() -> QuerySet[User]:
    return User.objects.with_perm(MAY_READ, backend=BY_ROLES).filter(is_active=True).order_by("pk")


def tell() -> int:
    """Tell who may read it what is amiss: by the bell, and by mail, once a day. Returns how many mails that were."""
    amiss = told_today()
    if not amiss:
        return 0
    today = timezone.localdate()
    people = list(readers())
    tell_people([person.pk for person in people], KIND, f"{KIND} {today}", urgent=True, told=kept(amiss))
    return sum(_write(person, amiss, f"{KIND} {today} {person.pk}") for person in people if person.email)


@transaction.atomic
def _write(person: User, amiss: list[str], about: str) -> bool:
    User.objects.select_for_update().get(pk=person.pk)  # of two workers one writes
    if Mail.objects.filter(about=about).exists():
        return False
    with translation.override(person.language or settings.LANGUAGE_CODE):
        link = settings.SITE_URL + reverse("admin:backoffice_backup_changelist")
        body = "\n".join([*map(str, amiss), "", str(told_of(gettext("Backups and drills"), link)), ""])
        subject = gettext("Look at the backups")
        mail.post(person.email, f"{settings.CLINIC_NAME} · {subject}", body, about=about)
    return True
