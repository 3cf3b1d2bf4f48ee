"""Small bar charts, drawn on the server: numbers in, SVG out. Colours come from the style sheet, by class.

The picture holds no text: it is stretched to the card's width, and text would be stretched along. Scale, days and the
legend stand around it (admin/chart.html), and a table says the same to whoever cannot see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from backoffice.formats.lists import told_of
from backoffice.lazy import LazyText
from backoffice.live.plain import plain

STEP = 10  # from one bar to the next, in the picture's own units
BAR = 7
HEIGHT = 100
ROUND = (1, 2, 3, 4, 5, 6, 8)  # what a scale may end at, times a power of ten: its half is round too


@plain
@dataclass(frozen=True)
class Series:
    """One kind of what is counted. `tone` is the class that colours it."""

    name: LazyText
    tone: str


@plain
@dataclass(frozen=True)
class Bar:
    """One day or week: what it is called in full, what stands under it, and a number for each series."""

    label: str
    tick: str
    values: Sequence[int]
    is_now: bool = False

    @property
    def total(self) -> int:
        return sum(self.values)


@plain
@dataclass(frozen=True)
class Chart:
    """Stacked bars. `name` makes the ids on the page; `summary` says in a sentence what is to be seen; `first_column`
    is what its table calls the bars."""

    name: str
    title: str
    summary: str
    first_column: str
    series: Sequence[Series]
    bars: Sequence[Bar]

    @property
    def is_empty(self) -> bool:
        return not any(bar.total for bar in self.bars)

    @property
    def top(self) -> int:
        """The number at the upper edge."""
        return round_up(max((bar.total for bar in self.bars), default=0))

    @property
    def half(self) -> float:
        return self.top / 2

    @property
    def present(self) -> int | None:
        """The place of the bar that is now."""
        return next((place for place, bar in enumerate(self.bars) if bar.is_now), None)

    @property
    def ticks(self) -> list[str]:
        """What stands under each bar; nothing right beside the present one, for two would run into each other."""
        beside = set() if self.present is None else {self.present - 1, self.present + 1}
        return ["" if place in beside else bar.tick for place, bar in enumerate(self.bars)]

    @property
    def svg(self) -> SafeString:
        return format_html(
            '<svg class="chart-picture" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
            'aria-labelledby="{name}-title {name}-summary">'
            '<title id="{name}-title">{}</title><desc id="{name}-summary">{}</desc>{}{}</svg>',
            len(self.bars) * STEP,
            HEIGHT,
            self.title,
            self.summary,
            _grid(len(self.bars) * STEP),
            format_html_join("", "{}", ((self._column(place, bar),) for place, bar in enumerate(self.bars))),
            name=self.name,
        )

    def _column(self, place: int, bar: Bar) -> SafeString:
        """One stack, from the bottom up, with its numbers where the pointer rests."""
        told = [told_of(series.name, value) for series, value in zip(self.series, bar.values, strict=True) if value]
        return format_html(
            '<g><title>{}</title><rect class="{}" x="{}" y="0" width="{}" height="{}"/>{}</g>',
            "\n".join([bar.label, *told]),
            "now" if bar.is_now else "ground",
            place * STEP,
            STEP,
            HEIGHT,
            format_html_join("", '<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>', self._pieces(place, bar)),
        )

    def _pieces(self, place: int, bar: Bar) -> list[tuple]:
        pieces, upper = [], float(HEIGHT)
        for series, value in zip(self.series, bar.values, strict=True):
            height = HEIGHT * value / self.top
            upper -= height
            if value:
                pieces.append((series.tone, place * STEP + (STEP - BAR) / 2, f"{upper:.2f}", BAR, f"{height:.2f}"))
        return pieces


def _grid(width: int) -> SafeString:
    lines = ((0, width, 0), (HEIGHT / 2, width, HEIGHT / 2), (HEIGHT, width, HEIGHT))
    return format_html_join("", '<line class="grid" x1="0" y1="{}" x2="{}" y2="{}"/>', lines)


def round_up(number: int) -> int:
    """The next number that a scale may end at: 0 → 2, 7 → 8, 23 → 30, 61 → 80."""
    power = 1
    while True:
        for step in ROUND:
            if step * power >= max(number, 2) and (step * power) % 2 == 0:
                return step * power
        power *= 10
