"""The pair of keys that archives are encrypted by: age's, with which anybody who has the private one opens them.

The machine that backs up needs the public key alone (BACKUP_KEY), so that whoever breaks into it reads no old backups.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from pyrage import IdentityError, RecipientError, x25519

from backoffice.backups.errors import BackupError
from backoffice.formats.kept import gettext as _

PRIVATE = "AGE-SECRET-KEY-1"  # how one begins


def recipients() -> list[x25519.Recipient]:
    """Whose private keys open what is written from now on; none where it is not encrypted. Raises BackupError."""
    return [_recipient(text.strip()) for text in settings.BACKUP_KEY]


def _recipient(text: str) -> x25519.Recipient:
    try:
        return x25519.Recipient.from_str(text)
    except RecipientError:
        # Perhaps a private key that somebody put there by mistake: it is not repeated.
        raise BackupError(_("BACKUP_KEY takes public keys alone (age1…), and one of them is none: `manage.py backup_key FILE` makes a pair.")) from None  # noqa: E501  # fmt: skip


def identities(path: Path | None = None) -> list[x25519.Identity]:
    """The private keys in a file, one a line, or in the one that BACKUP_PRIVATE_KEY_FILE names; none where neither is.
    Raises BackupError."""
    path = path or (Path(settings.BACKUP_PRIVATE_KEY_FILE) if settings.BACKUP_PRIVATE_KEY_FILE else None)
    if path is None:
        return []
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
        found = [x25519.Identity.from_str(line) for line in lines if line.startswith(PRIVATE)]
    except (OSError, UnicodeDecodeError, IdentityError) as error:
        told = {"path": path, "why": getattr(error, "strerror", None) or type(error).__name__}
        raise BackupError(_("The private key in %(path)s cannot be read (%(why)s).") % told) from None
    if not found:
        raise BackupError(_("There is no private key in %(path)s: none of its lines begins with AGE-SECRET-KEY-1.") % {"path": path})  # noqa: E501  # fmt: skip
    return found


def make_pair(path: Path) -> str:
    """Write a new private key into a file that is not there yet, and return the public one. Raises BackupError."""
    made = x25519.Identity.generate()
    lines: Sequence[str] = [f"# public key: {made.to_public()}", str(made), ""]
    try:
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(lines))
    except FileExistsError:
        raise BackupError(_("%(path)s is there already: a key that is overwritten opens no backup any more.") % {"path": path}) from None  # noqa: E501  # fmt: skip
    except OSError as error:
        raise BackupError(_("%(path)s cannot be written: %(why)s.") % {"path": path, "why": error.strerror}) from None
    return str(made.to_public())
