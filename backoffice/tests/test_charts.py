"""Small charts: numbers in, SVG out, with the same numbers for whoever cannot see it."""

from xml.etree import ElementTree as ET

import pytest
from django.template.loader import render_to_string

from backoffice.live.charts import Bar, Chart, Series, round_up

SERIES = [Series("booked", "tone-main"), Series("left", "tone-rest")]


def chart_of(*values: tuple[int, int], **changes) -> Chart:
    bars = [Bar(f"day {n}", str(n), pair, is_now=n == 0) for n, pair in enumerate(values)]
    return Chart(
        **{"name": "c", "title": "Days", "summary": "Two.", "first_column": "day"} | changes, series=SERIES, bars=bars
    )


def pieces(chart: Chart, tone: str) -> list[tuple[float, float]]:
    """(upper edge, height) of every piece of one tone."""
    drawn = ET.fromstring(chart.svg).iter("rect")  # noqa: S314  (our own)
    return [(float(r.get("y")), float(r.get("height"))) for r in drawn if r.get("class") == tone]


def test_the_pieces_of_a_bar_stand_on_each_other_from_the_ground():
    chart = chart_of((5, 3), (0, 10))
    assert chart.top == 10
    assert pieces(chart, "tone-main") == [(50.0, 50.0)]
    assert pieces(chart, "tone-rest") == [(20.0, 30.0), (0.0, 100.0)]


def test_nothing_is_drawn_for_nothing():
    chart = chart_of((0, 0), (0, 0))
    assert chart.is_empty
    assert pieces(chart, "tone-main") == pieces(chart, "tone-rest") == []


@pytest.mark.parametrize(
    ("number", "top"),
    [(0, 2), (1, 2), (3, 4), (7, 8), (9, 10), (23, 30), (61, 80), (99, 100), (101, 200)],
)
def test_the_scale_ends_at_a_round_number_whose_half_is_whole(number, top):
    assert round_up(number) == top
    assert top % 2 == 0


def test_the_picture_has_a_name_and_a_summary_and_every_bar_its_numbers():
    picture = ET.fromstring(chart_of((5, 3)).svg)  # noqa: S314  (our own)
    assert picture.get("role") == "img"
    ids = {element.get("id"): element.text for element in picture.iter() if element.get("id")}
    assert [ids[name] for name in picture.get("aria-labelledby").split()] == ["Days", "Two."]
    assert picture.find("g/title").text == "day 0\nbooked: 5\nleft: 3"


def test_what_stands_in_a_name_is_no_markup():
    assert "<script" not in chart_of((1, 1), title="<script>alert(1)</script>").svg


def test_a_table_says_the_same():
    html = render_to_string("admin/chart.html", {"chart": chart_of((5, 3), (4, 6))})
    assert "<caption>Days</caption>" in html
    assert '<th scope="row">day 1</th><td>4</td><td>6</td>' in html


def test_nothing_is_written_right_beside_the_present_day():
    assert chart_of((1, 0), (2, 0), (3, 0)).ticks == ["0", "", "2"]
