"""The base of every admin here: history without its hole, hiding in place of deleting, exchange, the access trail, fast
lists; and the admins of people, mails and the trail."""

from backoffice.admin.access_events import AccessEventAdmin
from backoffice.admin.clinical import ClinicalAdmin
from backoffice.admin.closed import ScheduleAdmin
from backoffice.admin.exchange import ExchangeAdmin
from backoffice.admin.hiding import HiddenFilter, HideableAdmin
from backoffice.admin.history import HistoryAdmin
from backoffice.admin.imports import TableImportAdmin
from backoffice.admin.lists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.mails import NoticeAdmin
from backoffice.admin.people import PersonAdmin
from backoffice.admin.roles import RoleAdmin
from backoffice.admin.sign_ins import FailedSignInAdmin, SignInAdmin
from backoffice.admin.tasks import FailureAdmin, SuccessAdmin
from backoffice.admin.trail import TrailAdmin

__all__ = [
    "AccessEventAdmin",
    "ClinicalAdmin",
    "ExchangeAdmin",
    "FailedSignInAdmin",
    "FailureAdmin",
    "FastListAdmin",
    "HiddenFilter",
    "HideableAdmin",
    "HistoryAdmin",
    "NoticeAdmin",
    "PersonAdmin",
    "ReadOnlyAdmin",
    "RoleAdmin",
    "ScheduleAdmin",
    "SignInAdmin",
    "SuccessAdmin",
    "TableImportAdmin",
    "TrailAdmin",
]
