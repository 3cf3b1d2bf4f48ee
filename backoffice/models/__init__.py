"""The people who work here, the trail of what they looked at, the mails that must go out, the files that fill tables,
and how what runs by the clock ran."""

from backoffice.models.access_events import AccessEvent
from backoffice.models.imports import TableImport
from backoffice.models.mails import Mail
from backoffice.models.roles import Role
from backoffice.models.scheduled_runs import ScheduledRun
from backoffice.models.sign_ins import FailedSignIn, SignIn
from backoffice.models.users import User

__all__ = ["AccessEvent", "FailedSignIn", "Mail", "Role", "ScheduledRun", "SignIn", "TableImport", "User"]
