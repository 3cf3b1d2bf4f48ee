"""What can be wrong with a file of weights and its description. Each finding is JSON: its code, and what tells it.

Put into words, with what to do, in inference/registry/finding_words.py. No Django, no torch.
"""

from enum import StrEnum
from typing import Any

NAMES_SHOWN = 8


class Code(StrEnum):
    # The file by itself
    IS_A_CHECKPOINT = "is_a_checkpoint"  # PyTorch's pickle, whatever its name says
    NO_SAFETENSORS = "no_safetensors"
    LARGE_HEAD = "large_head"  # megabytes, most
    BAD_HEAD = "bad_head"  # tensor: which one's place, type or shape makes no sense; empty: the head as a whole
    NOT_COVERED = "not_covered"  # bytes: beyond or between the tensors
    NO_FILE = "no_file"
    CHANGED_FILE = "changed_file"  # it has another SHA-256 than when it was registered
    NOT_FINITE = "not_finite"  # count, names
    # The description by itself
    NO_ARCHITECTURE = "no_architecture"  # architecture, timm, alike: [names]
    OPTIONS_REFUSED = "options_refused"  # architecture, why: timm's or torch's words
    INPUT_SIZE = "input_size"  # own: what the network is built for, given
    # Both beside each other
    PREFIXED = "prefixed"  # prefix: of every name
    OUTPUTS = "outputs"  # given: of the file's head, wanted: labels
    CHANNELS = "channels"  # given: of the file's first layer, wanted: numbers in mean
    MISSING = "missing"  # count, names
    UNEXPECTED = "unexpected"  # count, names
    SHAPES = "shapes"  # count, tensors: [[name, given, wanted]]
    # Asked about a picture
    ANSWER_FAILED = "answer_failed"  # why: torch's words
    ANSWER_SHAPE = "answer_shape"  # given
    ANSWER_NOT_FINITE = "answer_not_finite"
    TOO_LARGE = "too_large"  # megabytes: what a trial may take
    TOO_SLOW = "too_slow"  # seconds: the same
    BROKE_DOWN = "broke_down"  # the process that tried it ended

    def found(self, **told: Any) -> dict[str, Any]:
        return {"code": str(self), **told}

    def of_tensors(self, names: list[str]) -> list[dict[str, Any]]:
        """The finding about these tensors; none where there are none."""
        return [self.found(count=len(names), names=names[:NAMES_SHOWN])] if names else []


class UnusableError(Exception):
    """What was found makes it useless to look further."""

    def __init__(self, *findings: dict[str, Any]) -> None:
        super().__init__(", ".join(finding["code"] for finding in findings))
        self.findings = list(findings)
