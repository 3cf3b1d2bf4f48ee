"""Files that wait here, such as a table until it is imported: sealed a block at a time.

    "sealed 1\\n" | key 8 | the file's own 16 bytes | blocks: nonce 12, AES-GCM's ciphertext and tag

Each block is bound to its file, its place there, and whether it is the last. What is read is a temporary file without a
name. A file from before, which is not sealed, is read as it is.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from tempfile import TemporaryFile
from typing import IO

from cryptography.exceptions import InvalidTag

from backoffice.sealing.cells import NAME, NONCE, UnreadableError
from backoffice.sealing.keys import keys

SEALED = b"sealed 1\n"
BLOCK, TAG, OWN = 1 << 16, 16, 16  # bytes


@contextmanager
def sealed(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """What is kept of this file, from its beginning."""
    key, own = keys()[0], secrets.token_bytes(OWN)
    file.seek(0)
    with TemporaryFile() as kept:
        kept.write(SEALED + key.name.encode() + own)
        for block, bound in _blocks(file, BLOCK, own):
            nonce = secrets.token_bytes(NONCE)
            kept.write(nonce + key.cipher.encrypt(nonce, block, bound))
        kept.seek(0)
        yield kept


@contextmanager
def unsealed(kept: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file of which that was kept. Raises UnreadableError."""
    kept.seek(0)
    if kept.read(len(SEALED)) != SEALED:
        kept.seek(0)
        yield kept
        return
    name, own = kept.read(NAME).decode(errors="replace"), kept.read(OWN)
    key = next((key for key in keys() if key.name == name), None)
    if key is None:
        raise UnreadableError("a kept file", name)
    with TemporaryFile() as file:
        try:
            for block, bound in _blocks(kept, NONCE + BLOCK + TAG, own):
                file.write(key.cipher.decrypt(block[:NONCE], block[NONCE:], bound))
        except (InvalidTag, ValueError):
            raise UnreadableError("a kept file", name) from None
        file.seek(0)
        yield file


def _blocks(file: IO[bytes], size: int, own: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each block with what it is bound to; of an empty file one that is empty."""
    block = file.read(size)
    for number in count():
        following = file.read(size)
        yield block, b"file %s %d %s" % (own, number, b"of more" if following else b"the last")
        if not following:
            return
        block = following
