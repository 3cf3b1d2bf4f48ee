"""What the bell says of the backups."""

from collections.abc import Iterable, Sequence

from backoffice.backups.standing import KIND, MAY_READ
from backoffice.formats.kept import told
from backoffice.formats.lists import in_turn
from backoffice.models import Backup, Notice, User
from backoffice.notices.kinds import kind
from backoffice.web.admin_urls import admin_url


def _the_list(notice: Notice) -> str:
    return admin_url(Backup, "changelist")


def _for_who_may_read(person: User, notices: Sequence[Notice]) -> Iterable[int]:
    return [notice.pk for notice in notices] if person.has_perm(MAY_READ) else []


@kind(KIND, link=_the_list, stands=_for_who_may_read)
def backups_amiss(notice: Notice) -> str:
    return in_turn(map(told, notice.details["told"]))
