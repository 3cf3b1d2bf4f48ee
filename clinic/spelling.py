"""A person's name in one spelling, whichever keyboard or program wrote it."""

import re
import unicodedata

from backoffice.records.text import IDEOGRAPHS, tidy_line

FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ]+")
LETTER = r"[^\W\d_]"
APOSTROPHES = re.compile(f"(?<={LETTER})[’ʼ‘`´＇](?={LETTER})")
HYPHENS = re.compile(f"(?<={LETTER})[‐‑‒–—−－](?={LETTER})")
# Between the parts of an indigenous or a Uyghur name: one sign in the household register, any of these on a keyboard.
DOTS = re.compile(f"(?<=[{IDEOGRAPHS}]) ?[·•・．.⋅∙●‧] ?(?=[{IDEOGRAPHS}])")
DOT = "‧"
BLANK = re.compile(f"(?<=[{IDEOGRAPHS}]) (?=[{IDEOGRAPHS}])")  # sets 王　明 as wide as 王小明, and belongs to no name


def one_spelling(name: str) -> str:
    """Of a name that is one line: its letters in half width, apostrophes and hyphens plain, one dot between parts."""
    name = FULL_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found[0]), name)
    name = HYPHENS.sub("-", APOSTROPHES.sub("'", name))
    return BLANK.sub("", DOTS.sub(DOT, name))


def normalise_name(text: str) -> str:
    """As it is kept. Raises ValidationError for what is no line of text."""
    return one_spelling(tidy_line(text))
