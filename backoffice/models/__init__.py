"""The people who work here, the trail of what they looked at, the mails that must go out, and the files that
fill tables."""

from backoffice.models.access_events import AccessEvent
from backoffice.models.imports import TableImport
from backoffice.models.mails import Mail
from backoffice.models.roles import Role
from backoffice.models.sign_ins import FailedSignIn, SignIn
from backoffice.models.users import User

__all__ = ["AccessEvent", "FailedSignIn", "Mail", "Role", "SignIn", "TableImport", "User"]
