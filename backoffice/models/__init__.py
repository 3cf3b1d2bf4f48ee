"""The people who work here, the trail of what they looked at, the mails that must go out, and the files that
fill tables."""

from backoffice.models.imports import TableImport
from backoffice.models.mails import Notice
from backoffice.models.people import User
from backoffice.models.roles import Role
from backoffice.models.sign_ins import FailedSignIn, SignIn
from backoffice.models.trail import AccessEvent

__all__ = ["AccessEvent", "FailedSignIn", "Notice", "Role", "SignIn", "TableImport", "User"]
