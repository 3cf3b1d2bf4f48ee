"""The people who work here, what their phones' codes come from, the trail of what they looked at and its chain, what is
said to them, the mails that must go out, what a day was like, the files that fill tables, how what runs by the clock
ran, and the backups."""

from backoffice.models.access_events import AccessEvent
from backoffice.models.backups import Backup
from backoffice.models.imports import TableImport
from backoffice.models.mails import Mail
from backoffice.models.notices import Notice, NoticeWishes
from backoffice.models.phones import Phone, PhoneSecret
from backoffice.models.roles import Role
from backoffice.models.scheduled_runs import ScheduledRun
from backoffice.models.sign_ins import FailedSignIn, SignIn
from backoffice.models.summaries import DailySummary
from backoffice.models.trail_seals import TrailSeal
from backoffice.models.users import User

__all__ = [
    "AccessEvent",
    "Backup",
    "DailySummary",
    "FailedSignIn",
    "Mail",
    "Notice",
    "NoticeWishes",
    "Phone",
    "PhoneSecret",
    "Role",
    "ScheduledRun",
    "SignIn",
    "TableImport",
    "TrailSeal",
    "User",
]
