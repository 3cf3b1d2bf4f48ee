"""Whether an X-ray is what the models know: adults' frontal chest films. What speaks against it, as reasons for review.

For workers and commands alone, as the gate needs OpenCV.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from imaging.exposure import LATERAL, OBLIQUE, is_chest
from imaging.models import XRayImage
from imaging.quality import CHILDREN_BELOW, of_the_picture
from inference.nn.consensus import Reason
from inference.nn.embedding import embedding
from inference.nn.gate import Gate, is_large_enough, measures


def objection_to(picture: np.ndarray) -> dict | None:
    """Why no model is asked about this picture; None where they are."""
    return looked_at(picture)[0]


def looked_at(picture: np.ndarray) -> tuple[dict | None, bytes]:
    """`objection_to` it, and how it looks (nn/embedding.py), in bytes: the same measures tell both. What is too small
    to be measured looks like nothing."""
    gate, likeness, looks = _gate(), 0.0, b""
    if is_large_enough(picture):
        measured = measures(picture, gate.template)
        likeness, looks = gate.likeness_of(measured), embedding(picture, measured).tobytes()
    if likeness >= gate.threshold:
        return None, looks
    return {"code": Reason.NOT_A_FRONTAL_CHEST_FILM, "likeness": likeness, "threshold": gate.threshold}, looks


@cache
def _gate() -> Gate:
    return Gate.read()


def said_of(xray: XRayImage) -> list[dict]:
    """What the film's file, its record and its patient say against it."""
    return reasons(xray.body_part, xray.view, min(xray.ages))


def flaws(quality_issues: Sequence[str]) -> list[dict]:
    """What was found at the upload, as a consensus names it, for a picture that gets none."""
    issues = of_the_picture(quality_issues)
    return [{"code": Reason.PICTURE_UNSUITABLE, "issues": issues}] if issues else []


def reasons(body_part: str, view: str, age: int | None) -> list[dict]:
    found: list[dict[str, Any]] = []
    if not is_chest(body_part):
        found.append({"code": Reason.NO_CHEST, "body_part": body_part})
    if view in (LATERAL, OBLIQUE):
        found.append({"code": Reason.NOT_FRONTAL, "view": view})
    if age is not None and 0 <= age < CHILDREN_BELOW:
        found.append({"code": Reason.CHILD, "age": age})
    return found
