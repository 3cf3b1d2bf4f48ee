"""The people who work here, the trail of what they looked at, what is said to them, the mails that must go out, what
a day was like, and the files that fill tables."""

from backoffice.models.access_events import AccessEvent
from backoffice.models.imports import TableImport
from backoffice.models.mails import Mail
from backoffice.models.notices import Notice, NoticeWishes
from backoffice.models.roles import Role
from backoffice.models.sign_ins import FailedSignIn, SignIn
from backoffice.models.summaries import DailySummary
from backoffice.models.users import User

__all__ = [
    "AccessEvent",
    "DailySummary",
    "FailedSignIn",
    "Mail",
    "Notice",
    "NoticeWishes",
    "Role",
    "SignIn",
    "TableImport",
    "User",
]
