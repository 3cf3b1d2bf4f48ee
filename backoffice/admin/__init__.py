"""The base of every admin here: history without its hole, hiding in place of deleting, exchange, the access trail, fast
lists; and the admins of people, mails and the trail."""

from backoffice.admin.base import booleans  # noqa: F401  (gives ticks and crosses their words)
from backoffice.admin.base.auditing import AuditedAdmin
from backoffice.admin.base.changelists import FastListAdmin, ReadOnlyAdmin
from backoffice.admin.base.clinical import ClinicalAdmin
from backoffice.admin.base.exchange import ExchangeAdmin
from backoffice.admin.base.hiding import HiddenFilter, HideableAdmin
from backoffice.admin.base.history import HistoryAdmin
from backoffice.admin.registered import unregistered  # noqa: F401  (takes out what libraries registered)
from backoffice.admin.registered.access_events import AccessEventAdmin
from backoffice.admin.registered.backups import BackupAdmin
from backoffice.admin.registered.imports import TableImportAdmin
from backoffice.admin.registered.mails import MailAdmin
from backoffice.admin.registered.roles import RoleAdmin
from backoffice.admin.registered.schedules import ScheduleAdmin
from backoffice.admin.registered.sign_ins import FailedSignInAdmin, SignInAdmin
from backoffice.admin.registered.summaries import DailySummaryAdmin
from backoffice.admin.registered.tasks import FailureAdmin, SuccessAdmin
from backoffice.admin.registered.users import UserAdmin

__all__ = [
    "AccessEventAdmin",
    "AuditedAdmin",
    "BackupAdmin",
    "ClinicalAdmin",
    "DailySummaryAdmin",
    "ExchangeAdmin",
    "FailedSignInAdmin",
    "FailureAdmin",
    "FastListAdmin",
    "HiddenFilter",
    "HideableAdmin",
    "HistoryAdmin",
    "MailAdmin",
    "ReadOnlyAdmin",
    "RoleAdmin",
    "ScheduleAdmin",
    "SignInAdmin",
    "SuccessAdmin",
    "TableImportAdmin",
    "UserAdmin",
]
