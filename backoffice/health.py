"""What whoever looks at this app should know."""

from backoffice.backups import standing
from backoffice.web.health import remark


@remark("backups")
def backups_are_made_and_can_be_restored() -> str | None:
    """Softly: a site that is taken away for it would help nobody. What it is, strangers are not told."""
    n = len(standing.told_today())
    return f"{n} things are amiss with the backups: see Backups in the admin." if n else None
