"""What whoever looks at this app should know."""

from backoffice.backups import standing
from backoffice.web.health import remark


@remark("backups")
def backups_are_made_and_can_be_restored() -> str | None:
    """Softly: a site that is taken away for it would help nobody. What it is, strangers are not told."""
    return "Not all is well with the backups: see Backups in the admin." if standing.told_today() else None
