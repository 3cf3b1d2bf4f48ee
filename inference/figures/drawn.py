"""Small pictures of figures, drawn on the server: numbers in, SVG out. Colours come from the style sheet, by class.

As in backoffice/live/charts.py the pictures hold no text, and a table beside each says the same.
"""

from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from inference.figures.shares import Share

EDGE = 100
ROW = 10  # high, of a picture within a table


def reliability(name: str, title: str, summary: str, points: Sequence[tuple[float, float, int]]) -> SafeString:
    """(said, right, cases) of each bin, 0 to 1: on the diagonal what is said is so. Discs grow with the cases."""
    most = max((cases for _said, _right, cases in points), default=1)
    discs = (
        (f"{EDGE * said:.1f}", f"{EDGE * (1 - right):.1f}", f"{1.2 + 3 * (cases / most) ** 0.5:.1f}",
         "disc over" if said > right else "disc")
        for said, right, cases in points
    )  # fmt: skip
    return format_html(
        '<svg class="figure-picture square" viewBox="-2 -2 104 104" role="img" '
        'aria-labelledby="{name}-title {name}-summary">'
        '<title id="{name}-title">{}</title><desc id="{name}-summary">{}</desc>{}'
        '<line class="diagonal" x1="0" y1="100" x2="100" y2="0"/>{}{}</svg>',
        title,
        summary,
        _square(),
        format_html_join("", '<line class="gap" x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>', _gaps(points)),
        format_html_join("", '<circle cx="{}" cy="{}" r="{}" class="{}"/>', discs),
        name=name,
    )


def _square() -> SafeString:
    lines = [(x, 0, x, EDGE) for x in (0, 50, 100)] + [(0, y, EDGE, y) for y in (0, 50, 100)]
    return format_html_join("", '<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>', lines)


def _gaps(points: Sequence[tuple[float, float, int]]) -> list[tuple[str, str, str]]:
    return [
        (f"{EDGE * said:.1f}", f"{EDGE * (1 - said):.1f}", f"{EDGE * (1 - right):.1f}") for said, right, _n in points
    ]


def interval(share: Share) -> SafeString:
    """A share within its interval, on a line from 0 to 1; for a cell of a table, which says the numbers."""
    low, high = share.interval
    value = share.value or 0.0
    return format_html(
        '<svg class="figure-picture interval" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<line class="grid" x1="0" y1="5" x2="100" y2="5"/>'
        '<rect class="spread" x="{}" y="3" width="{}" height="4"/>'
        '<rect class="value" x="{}" y="1" width="1.6" height="8"/>'
        "</svg>",
        f"{100 * low:.1f}",
        f"{100 * (high - low):.1f}",
        f"{min(98.4, max(0.0, 100 * value - 0.8)):.1f}",
    )


def confusion(name: str, title: str, summary: str, matrix: Sequence[Sequence[int]]) -> SafeString:
    """A square for each (truth, said), darker the more of the truth's cases it holds; the diagonal has a colour of its
    own."""
    edge = EDGE / max(1, len(matrix))
    squares = []
    for down, row in enumerate(matrix):
        for across, n in enumerate(row):
            share = n / sum(row) if sum(row) else 0.0
            squares.append(
                ("hit" if down == across else "miss", f"{edge * across + 1:.1f}", f"{edge * down + 1:.1f}",
                 f"{edge - 2:.1f}", f"{share:.3f}")
            )  # fmt: skip
    return format_html(
        '<svg class="figure-picture square" viewBox="0 0 100 100" role="img" '
        'aria-labelledby="{name}-title {name}-summary">'
        '<title id="{name}-title">{}</title><desc id="{name}-summary">{}</desc>{}</svg>',
        title,
        summary,
        format_html_join(
            "",
            '<rect class="cell" x="{1}" y="{2}" width="{3}" height="{3}"/>'
            '<rect class="{0}" x="{1}" y="{2}" width="{3}" height="{3}" fill-opacity="{4}"/>',
            squares,
        ),
        name=name,
    )


def strengths(name: str, title: str, summary: str, values: Sequence[float | None]) -> SafeString:
    """How near each look came to the alarm, the oldest first: the line is where it begins. None: too little to say."""
    top, step = 2.0, 100 / max(1, len(values))
    bars = (
        ("alarm" if value >= 1 else "near", f"{place * step + step * 0.15:.2f}",
         f"{40 - 40 * min(value, top) / top:.2f}", f"{step * 0.7:.2f}", f"{40 * min(value, top) / top:.2f}")
        for place, value in enumerate(values) if value is not None
    )  # fmt: skip
    return format_html(
        '<svg class="figure-picture trend" viewBox="0 0 100 40" preserveAspectRatio="none" role="img" '
        'aria-labelledby="{name}-title {name}-summary">'
        '<title id="{name}-title">{}</title><desc id="{name}-summary">{}</desc>'
        '<line class="grid" x1="0" y1="40" x2="100" y2="40"/>{}'
        '<line class="limit" x1="0" y1="20" x2="100" y2="20"/></svg>',
        title,
        summary,
        format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', bars),
        name=name,
    )
