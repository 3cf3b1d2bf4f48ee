"""The typefaces that a report is set in. They come with the project: it is the same on every machine, and the PDF holds
what it shows.

Latin, Greek and Cyrillic stand in one of them, which has all their diacritics; ideographs and their signs in the other.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "fonts"
LATIN, CHINESE = "latin", "chinese"
FILES = {LATIN: FOLDER / "NotoSans-Regular.ttf", CHINESE: FOLDER / "NotoSansCJKtc-Regular.ttf"}
KEPT = 20_000  # signs: more than a clinic ever writes
MISSING = "□"
"""Stands for a sign that neither has, which the report says at its end."""

# Quotation marks, dashes and dots are in both, and of another width. Each language has its own.
LETTERS_END, SIGNS_END = 0x2000, 0x2E80


@dataclass(frozen=True)
class Typeface:
    glyphs: dict[int, str]
    advances: dict[str, int]
    """Of each glyph, in thousandths of the size."""

    def has(self, sign: str) -> bool:
        return ord(sign) in self.glyphs

    def advance(self, sign: str) -> int:
        return self.advances[self.glyphs[ord(sign)]]


@cache
def typeface(name: str) -> Typeface:
    from fontTools.ttLib import TTFont  # where a report is set, and nowhere else

    with TTFont(FILES[name], lazy=True) as font:
        per_em = font["head"].unitsPerEm
        advances = {glyph: round(advance * 1000 / per_em) for glyph, (advance, _side) in font["hmtx"].metrics.items()}
        return Typeface(dict(font.getBestCmap()), advances)


@lru_cache(maxsize=KEPT)
def face_of(sign: str, language: str) -> str | None:
    """In which of the two a sign is set; None where neither has it."""
    first = LETTERS_END if language.startswith("zh") else SIGNS_END
    in_turn = [LATIN, CHINESE] if ord(sign) < first else [CHINESE, LATIN]
    return next((name for name in in_turn if typeface(name).has(sign)), None)


def runs(text: str, language: str) -> list[tuple[str, str]]:
    """(typeface, text) in the order of the line, with MISSING for what neither has."""
    set_in = [(face_of(sign, language), sign) for sign in text]
    shown = [(face or CHINESE, sign if face else MISSING) for face, sign in set_in]
    return [(face, "".join(sign for _face, sign in signs)) for face, signs in groupby(shown, key=lambda one: one[0])]


@lru_cache(maxsize=KEPT)
def advance(sign: str, language: str) -> int:
    """How wide a sign is, in thousandths of its size."""
    face = face_of(sign, language)
    return typeface(face).advance(sign) if face else typeface(CHINESE).advance(MISSING)


def width(text: str, size: float, language: str) -> float:
    """Of a line, in the unit of `size`."""
    return sum(advance(sign, language) for sign in text) * size / 1000


def missing_from(text: str, language: str) -> list[str]:
    """The signs that neither has, each once."""
    return [sign for sign in dict.fromkeys(text) if sign.isprintable() and face_of(sign, language) is None]
