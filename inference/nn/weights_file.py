"""The head of a safetensors file, read without believing it: names, types and shapes. No Django, no torch.

The format: eight bytes with the head's length, the head as JSON, and the tensors one after the other
(https://huggingface.co/docs/safetensors). The head is the only part that a reader has to interpret, so whatever lies in
it is found here, before anything is allocated by what it says.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from inference.nn.findings import Code, UnusableError

LENGTH, PART = 8, 1 << 20
LARGEST_HEAD = 16 * 1024**2  # a network of a thousand tensors has some 0.1 MB
LONGEST_NAME = 200
MOST_DIMENSIONS = 8  # a video's convolution has five
BYTES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL"), 1),
}
PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True)
class Place:
    """One tensor: what it is, and where it lies behind the head."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_head(file: IO[bytes]) -> dict[str, Place]:
    """Return the tensors that a safetensors file holds, by name. Raises UnusableError."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    start = file.read(LENGTH)
    if start.startswith(PICKLED):
        raise UnusableError(Code.IS_A_CHECKPOINT.found())
    length = int.from_bytes(start, "little")
    # A file of something else rarely begins with a small number: its first letters are a very large one.
    if len(start) < LENGTH or LENGTH + length > size or length < 2:
        raise UnusableError(Code.NO_SAFETENSORS.found())
    if length > LARGEST_HEAD:
        raise UnusableError(
            Code.LARGE_HEAD.found(megabytes=length // 1024**2, most=LARGEST_HEAD // 1024**2),
        )
    tensors = dict(_tensors(_parsed(file.read(length))))
    if not tensors:
        raise UnusableError(Code.NO_SAFETENSORS.found())
    _check_cover(tensors, size - LENGTH - length)
    return tensors


def _parsed(head: bytes) -> list[tuple[str, Any]]:
    if not head.startswith(b"{"):
        raise UnusableError(Code.NO_SAFETENSORS.found())
    try:
        pairs = json.loads(head, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise UnusableError(Code.BAD_HEAD.found(tensor="")) from error
    names = [name for name, _said in pairs]
    if len(set(names)) < len(names):  # of two of one name, readers differ on which they take
        raise UnusableError(Code.BAD_HEAD.found(tensor=""))
    return pairs


def _tensors(pairs: list[tuple[str, Any]]) -> Iterator[tuple[str, Place]]:
    for name, said in pairs:
        if name == "__metadata__":
            continue
        if not name.isprintable() or len(name) > LONGEST_NAME:  # it would be told on pages and kept
            raise UnusableError(Code.BAD_HEAD.found(tensor=""))
        try:
            yield name, _place(dict(said))
        except (ValueError, TypeError, KeyError) as error:
            raise UnusableError(Code.BAD_HEAD.found(tensor=name)) from error


def _place(said: dict[str, Any]) -> Place:
    """Raises ValueError, TypeError or KeyError for what is no tensor."""
    shape, (start, end) = said["shape"], said["data_offsets"]
    numbers = [*shape, start, end]
    if not isinstance(shape, list) or len(shape) > MOST_DIMENSIONS:
        raise ValueError("shape")
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError("numbers")
    if end - start != math.prod(shape) * BYTES[said["dtype"]]:
        raise ValueError("offsets")
    return Place(said["dtype"], tuple(shape), start, end)


def _check_cover(tensors: dict[str, Place], size: int) -> None:
    """The tensors lie one after the other, and nothing else does."""
    ordered = sorted(tensors.items(), key=lambda item: (item[1].start, item[1].end))
    edges = [("", 0), *((name, place.end) for name, place in ordered)]
    for (name, place), (_before, end) in zip(ordered, edges, strict=False):
        if place.start != end:
            raise UnusableError(Code.BAD_HEAD.found(tensor=name))
    if edges[-1][1] != size:
        raise UnusableError(Code.NOT_COVERED.found(bytes=size - edges[-1][1]))


def hash_of(file: IO[bytes]) -> str:
    """The SHA-256 (hex) of a file from its beginning, which is where it is left."""
    file.seek(0)
    digest = hashlib.sha256()
    for part in iter(lambda: file.read(PART), b""):
        digest.update(part)
    file.seek(0)
    return digest.hexdigest()


def described(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """A task of backoffice/files/apart.py: how many tensors and numbers it holds, or what is wrong with it."""
    try:
        tensors = read_head(file)
    except UnusableError as error:
        yield {"findings": error.findings}
    else:
        yield {"findings": [], "tensors": len(tensors), "numbers": sum(math.prod(t.shape) for t in tensors.values())}
