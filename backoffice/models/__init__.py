"""The people who work here, the trail of what they looked at, and the mails that must go out."""

from backoffice.models.mails import Notice
from backoffice.models.people import User
from backoffice.models.trail import AccessEvent

__all__ = ["AccessEvent", "Notice", "User"]
