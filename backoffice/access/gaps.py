"""What the roles, as they stand, leave to nobody. Each app adds its own in a `gaps.py`:

@gap("the door")
def nobody_has_the_key() -> str | None: …

It is said on the administrators' first page, in the list of roles and by `check --deploy`, and a role's page
asks before it is saved so that there is one more.
"""

from collections.abc import Callable

from backoffice.discovery import Registry

gap: Registry[Callable[[], str | None]] = Registry("gaps")


def gaps() -> dict[str, str]:
    """By their names: each one sentence or more, of what follows and what to do."""
    asked = {name: ask() for name, ask in gap.all().items()}
    return {name: said for name, said in asked.items() if said is not None}
