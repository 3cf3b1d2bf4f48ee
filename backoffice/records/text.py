"""Text as people type it, in one spelling: what is kept, what is looked for, and what a file's key is compared with.

One name can be written in many ways that look the same: composed or not (é), with wide or double blanks, with signs
between that nobody sees. They are one here. What would control the line it stands in is refused, or taken out where
it says nothing.
"""

import re
import unicodedata

from django.core.exceptions import ValidationError

from backoffice.formats.kept import gettext as _

IDEOGRAPHS = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# Print nothing and mean nothing: zero-width space and joiners of words, soft hyphen, byte order mark, marks and
# embeddings of direction, interlinear annotations, controls of shorthand and music, tags, and variation selectors but
# for that of an ideograph.
SAYS_NOTHING = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ufeff\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
    f"|(?<![{IDEOGRAPHS}])[\U000e0100-\U000e01ef]"
)
JOINERS = "\u200c\u200d"  # belong inside words of some scripts, and nowhere else
LOOKS_EMPTY = re.compile("[\u2800\u3164\uffa0\U00013441\U00013442\U0001d159]")  # letters by name, blanks to the eye
LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\u0085\v\f]")
DASHES = re.compile("[‐‑‒–—―−─━ー]")  # what keyboards, word processors and web pages write for a hyphen
# Another code of the same sign, as PDFs and old programs write it: radicals for ideographs, ligatures, half-width kana,
# two hyphens that look like the plain one.
SAME_SIGN = re.compile("[\u2010\u2011\u2f00-\u2fd5\ufb00-\ufb06\uff65-\uff9f]+")
NOT_A_DIGIT = re.compile("[²³¹⁰⁴-⁹₀-₉]")  # 10² is not 102
CANNOT_STAND = {"Cc", "Cs", "Cn", "Co"}  # control signs, half characters, and what is no character
LOST = "\ufffc\ufffd"  # what programs put in the place of something that they could not write
SEEN = {"L", "N", "P", "S"}  # letters, numbers, punctuation, symbols


def tidy_line(text: str) -> str:
    """One line: composed, single blanks, nothing at its ends, nothing unseen. Raises ValidationError."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return _checked(text, " ".join(_seen(text).replace("\t", " ").split()))


def tidy_text(text: str) -> str:
    """Lines of text, which keep their blanks and their ends. Raises ValidationError."""
    if text.isascii() and text.isprintable():
        return text
    lines = LINE_ENDS.sub("\n", text).split("\n")
    return _checked(text, "\n".join(_seen(line) for line in lines))


def plain_figures(text: str) -> str:
    """What numbers, days, hours and phones are read from: half width, the digits 0 to 9, single blanks, hyphens,
    nothing unseen, and no apostrophe in front, by which people keep a spreadsheet from reckoning."""
    if text.isascii():
        plain = text
    else:
        plain = SAYS_NOTHING.sub("", unicodedata.normalize("NFKC", NOT_A_DIGIT.sub("^", text)))
        plain = "".join(str(unicodedata.decimal(sign, sign)) for sign in DASHES.sub("-", plain))
    return " ".join(plain.split()).lstrip("'’‘`")


def masked(text: str) -> str:
    """Its last three signs: enough to compare with a card that lies on the desk, and no more. Nothing stays nothing."""
    return "•" * 7 + text[-3:] if text else ""


def _seen(text: str) -> str:
    text = LOOKS_EMPTY.sub(" ", SAYS_NOTHING.sub("", unicodedata.normalize("NFC", text)))
    text = SAME_SIGN.sub(_as_usual, LINE_ENDS.sub(" ", text))
    return re.sub(f"[{JOINERS}]", lambda joiner: joiner[0] if _is_inside_a_word(text, joiner.start()) else "", text)


def _as_usual(found: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", found[0]).replace("\u2010", "-")


def _is_inside_a_word(text: str, place: int) -> bool:
    """Between two letters or marks that are joined: no Latin letter, and no ideograph, is."""
    around = text[max(place - 1, 0) : place] + text[place + 1 : place + 2]
    return len(around) == 2 and all(unicodedata.category(c)[0] in "LM" and "\u0590" <= c < "\u1100" for c in around)


def _checked(typed: str, tidied: str) -> str:
    for character in tidied:
        if character in LOST or (unicodedata.category(character) in CANNOT_STAND and character not in "\n\t"):
            raise ValidationError(
                _("It holds a character that cannot be printed (%(code)s). Delete it, or type the text again.")
                % {"code": f"U+{ord(character):04X}"},
                code="unprintable",
            )
    if typed.strip() and not any(unicodedata.category(character)[0] in SEEN for character in tidied):
        raise ValidationError(_("Nothing can be seen of this text. Type it again."), code="invisible")
    if tidied and unicodedata.category(tidied[0])[0] == "M":
        raise ValidationError(_("It begins with an accent that belongs to no letter. Type it again."), code="mark")
    return tidied
