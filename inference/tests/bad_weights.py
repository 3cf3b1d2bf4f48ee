"""Files that are no safetensors, or lie about what they hold; each with the code of what is found."""

import json
import pickle
import struct
from io import BytesIO

from inference.nn.weights_file import LARGEST_HEAD

A_TENSOR = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}


def safetensors(head: object, body: bytes = bytes(16), length: int | None = None) -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def a_checkpoint() -> bytes:
    import torch

    target = BytesIO()
    torch.save({"fc.weight": torch.zeros(2, 2)}, target)
    return target.getvalue()


class Evil:
    def __reduce__(self):
        return (print, ("opened",))


BAD = {
    "nothing": (b"", "no_safetensors"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "no_safetensors"),
    "a pickle renamed": (pickle.dumps(Evil(), protocol=2), "is_a_checkpoint"),
    "a zip renamed": (b"PK\x03\x04" + bytes(100), "is_a_checkpoint"),
    "a head longer than the file": (safetensors({"a": A_TENSOR}, length=1 << 40), "no_safetensors"),
    "a head of megabytes": (safetensors(b"{" + b" " * (LARGEST_HEAD + 1)), "large_head"),
    "a head of brackets": (safetensors(b'{"a":' + b"[" * 200_000), "bad_head"),
    "no JSON": (safetensors(b"{a: 1}"), "bad_head"),
    "no tensors": (safetensors({"__metadata__": {"format": "pt"}}, b""), "no_safetensors"),
    "two tensors of one name": (
        safetensors(b'{"a": %s, "a": %s}' % ((json.dumps(A_TENSOR).encode(),) * 2)),
        "bad_head",
    ),
    "a tensor beyond the end": (
        safetensors({"a": {**A_TENSOR, "data_offsets": [0, 1600], "shape": [20, 20]}}),
        "not_covered",
    ),
    "a tensor before the beginning": (safetensors({"a": {**A_TENSOR, "data_offsets": [-16, 0]}}), "bad_head"),
    "a shape larger than its bytes": (safetensors({"a": {**A_TENSOR, "shape": [1 << 40, 1 << 40]}}), "bad_head"),
    "a negative shape": (safetensors({"a": {**A_TENSOR, "shape": [-2, -2]}}), "bad_head"),
    "a shape that is true": (safetensors({"a": {**A_TENSOR, "shape": [True, 4]}}), "bad_head"),
    "an unknown type": (safetensors({"a": {**A_TENSOR, "dtype": "PYOBJECT"}}), "bad_head"),
    "a tensor that is a number": (safetensors({"a": 7}), "bad_head"),
    "a name that no database keeps": (safetensors({"a\x00": A_TENSOR}), "bad_head"),
    "a name without end": (safetensors({"a" * 10_000: A_TENSOR}), "bad_head"),
    "half a sign in a name": (safetensors(b'{"\\ud800": %s}' % json.dumps(A_TENSOR).encode()), "bad_head"),
    "two tensors at one place": (safetensors({"a": A_TENSOR, "b": A_TENSOR}), "bad_head"),
    "a gap between tensors": (
        safetensors({"a": A_TENSOR, "b": {**A_TENSOR, "data_offsets": [32, 48]}}, bytes(48)),
        "bad_head",
    ),
    "more behind the tensors": (safetensors({"a": A_TENSOR}, bytes(64)), "not_covered"),
    "cut off": (safetensors({"a": A_TENSOR}, bytes(7)), "not_covered"),
}  # fmt: skip
