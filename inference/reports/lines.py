"""Text broken into lines, as both languages do it: Latin words stay whole, a line breaks between any two ideographs,
none begins with a sign that closes and none ends with one that opens (CLREQ, section 3.1.3)."""

import re
from collections.abc import Callable, Iterator

CLOSES = re.escape("、，。．.,;:!?；：！？·‧…—～％%‰℃）)」』】〕》〉”’〞]}")
OPENS = re.escape("（(「『【〔《〈“‘〝[{$＄￥#")
# Radicals and symbols, kana, bopomofo, the ideographs of all planes, and what is as wide as they are.
IDEOGRAPH = (
    "\u2e80-\u303f\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ufe30-\ufe4f"
    "\uff00-\uffef\U00020000-\U0003ffff"
)
TOGETHER = re.compile(rf"[{OPENS}]*(?:[{IDEOGRAPH}]|[^\s{IDEOGRAPH}]*)[{CLOSES}]*|\s")

Advance = Callable[[str], float]
"""How wide one sign is."""


def lines(text: str, advance: Advance, longest: float) -> list[str]:
    """Each at most `longest` wide. A paragraph of nothing is a line of nothing."""
    return [line for paragraph in text.split("\n") for line in _lines_of(paragraph, advance, longest)]


def _lines_of(paragraph: str, advance: Advance, longest: float) -> Iterator[str]:
    line, wide = "", 0.0
    for piece, more in _pieces(paragraph, advance, longest):
        if line and not piece.isspace() and wide + more > longest:
            yield line.rstrip()
            line, wide = "", 0.0
        line, wide = line + piece, wide + more
    yield line.rstrip()


def _pieces(paragraph: str, advance: Advance, longest: float) -> Iterator[tuple[str, float]]:
    """What stays together, and how wide it is; what is wider than a line, such as an address, is cut."""
    for together in filter(None, TOGETHER.findall(paragraph)):
        piece, wide = "", 0.0
        for sign in together:
            more = advance(sign)
            if piece and wide + more > longest:
                yield piece, wide
                piece, wide = "", 0.0
            piece, wide = piece + sign, wide + more
        yield piece, wide
