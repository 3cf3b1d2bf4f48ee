"""A sealed text as a column holds it, all in one cell:

    index 22 | guard 22 | key 8 | nonce, AES-GCM's ciphertext and tag, in base64

`index` is a keyed hash of the value by the newest key, `guard` the same by the oldest: what is equal has an equal one,
by which it is found and may be there once. While a key gives way to another, rows of before and after the change still
meet in one of the two. The ciphertext is bound to what column it is of, and to its index, so that none can be put in
another's place unnoticed. Nothing is sealed of an empty text.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Iterable
from functools import lru_cache

from cryptography.exceptions import InvalidTag

from backoffice.sealing.keys import Key, keys, mark

MARK, NAME, NONCE = 22, 8, 12
HEAD = 2 * MARK + NAME


class UnreadableError(Exception):
    """What no key here opens, sealed by the `key` of that name. It is never taken for empty, nor written over."""

    def __init__(self, what: str, key: str) -> None:
        self.key = key
        known = ", ".join(key.name for key in keys())
        why = f"it was sealed by the key {self.key}, and FIELD_KEYS has {known}" if self.key else "it is not sealed"
        if self.key in {key.name for key in keys()}:
            why = f"the key {self.key} is here, and does not fit: it was damaged, or is another column's"
        super().__init__(
            f"What is sealed as {what} cannot be read: {why}. Nothing was changed. See “Keys” in docs/operating.md."
        )


def seal(text: str, what: str) -> str:
    """The cell for a text of the column `what`."""
    if not text:
        return ""
    newest, *older = keys()
    index = _mark(text, newest, what)
    guard = _mark(text, older[-1], what) if older else index
    nonce = secrets.token_bytes(NONCE)
    head = f"{index}{guard}{newest.name}"
    ciphertext = newest.cipher.encrypt(nonce, text.encode(), _bound(head, what))
    return head + urlsafe_b64encode(nonce + ciphertext).decode()


def unseal(cell: str, what: str) -> str:
    """The text of a cell of the column `what`. Raises UnreadableError."""
    if not cell:
        return ""
    head = cell[:HEAD]
    for key in keys():
        if key.name == head[2 * MARK :]:
            try:
                sealed = urlsafe_b64decode(cell[HEAD:])
                return key.cipher.decrypt(sealed[:NONCE], sealed[NONCE:], _bound(head, what)).decode()
            except (InvalidTag, NoBase64, ValueError):
                break
    raise UnreadableError(what, head[2 * MARK :] if len(cell) > HEAD else "")


def indexes(texts: Iterable[str], what: str) -> list[str]:
    """What the cells of these very texts begin with: by each key that may have sealed one."""
    known = keys()
    return [_mark(text, key, what) if text else "" for text in texts for key in known]


def is_current(cell: str) -> bool:
    """Whether it is as it would be sealed today. While there are two keys, the guard is the older one's."""
    is_by_one = cell[:MARK] == cell[MARK : 2 * MARK]
    return not cell or (cell[2 * MARK : HEAD] == keys()[0].name and is_by_one == (len(keys()) == 1))


@lru_cache(maxsize=4096)  # an import looks for what it then writes
def _mark(text: str, key: Key, what: str) -> str:
    return mark(text, key.for_index, what)


def _bound(head: str, what: str) -> bytes:
    return f"{what}\0{head}".encode()
