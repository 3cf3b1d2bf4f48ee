"""The keys of FIELD_KEYS, newest first. The first seals; each of them opens.

A second one is there while `rotate_keys` changes from it to the first. Where none is set they come from SECRET_KEY, so
that a single machine needs nothing; in FIELD_KEYS the word SECRET_KEY stands for that one.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

OF_THE_SECRET_KEY = "SECRET_KEY"  # noqa: S105  (the word, and no key)
MOST, SHORTEST = 2, 32  # keys; characters of one


@dataclass(frozen=True, eq=False)
class Key:
    """What is derived from one line of FIELD_KEYS, of which each use has its own.

    `name` tells the key and nothing of it: 8 hexadecimal digits.
    """

    name: str
    cipher: AESGCM = field(repr=False)
    for_index: bytes = field(repr=False)
    for_trail: bytes = field(repr=False)

    @classmethod
    def derived_from(cls, secret: str) -> "Key":
        def of(use: str) -> bytes:
            return hmac.digest(secret.encode(), f"collimator {use}".encode(), "sha256")

        return cls(of("name").hex()[:8], AESGCM(of("cipher")), of("index"), of("trail"))


def keys() -> tuple[Key, ...]:
    """One, or two while the second gives way to the first."""
    return _derived(tuple(settings.FIELD_KEYS), settings.SECRET_KEY)


@lru_cache(maxsize=8)
def _derived(lines: tuple[str, ...], secret_key: str) -> tuple[Key, ...]:
    return tuple(
        Key.derived_from(secret_key if line == OF_THE_SECRET_KEY else line) for line in lines or (OF_THE_SECRET_KEY,)
    )


def checked(lines: list[str]) -> tuple[str, ...]:
    """FIELD_KEYS as the environment has it. Raises ImproperlyConfigured."""
    if len(lines) > MOST or len(set(lines)) < len(lines):
        raise ImproperlyConfigured(
            "FIELD_KEYS holds the new key and, until rotate_keys says that it can go, the one before it: two different "
            "keys at most."
        )
    if any(line != OF_THE_SECRET_KEY and len(line) < SHORTEST for line in lines):
        raise ImproperlyConfigured(
            f"A key in FIELD_KEYS is shorter than {SHORTEST} characters. Make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return tuple(lines)


def mark(value: str, key: bytes, what: str) -> str:
    """A keyed hash of 22 signs: the same for the same value of the same column, and nothing to who has no key."""
    return urlsafe_b64encode(hmac.digest(key, f"{what}\0{value}".encode(), "sha256")[:16]).decode()[:22]
