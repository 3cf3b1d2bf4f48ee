import datetime
import json

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from clinic.hours.text import Hours, parse_hours

minutes = st.integers(0, 24 * 60 - 1)
spaces = st.text(" \u3000\t", max_size=3)


def at(minute: int) -> datetime.time:
    return datetime.time(minute // 60, minute % 60)


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if char in "0123456789:-~" else char for char in text)


@pytest.mark.parametrize(
    "text",
    [
        "09:00-12:00",
        "9:00 - 12:00",
        "09:00~12:00",
        "09:00–12:00",
        "09:00〜12:00",
        "０９：００－１２：００",
        "09：00～12：00",
        "٠٩:٠٠-١٢:٠٠",
    ],
)
def test_it_reads_hours_as_people_type_them(text):
    assert str(parse_hours(text)) == "09:00-12:00"


@given(
    times=st.lists(minutes, min_size=2, max_size=2, unique=True).map(sorted),
    dash=st.sampled_from("-~–—−〜～－"),
    space=spaces,
    width=st.sampled_from([str, full_width]),
)
def test_whatever_it_writes_it_reads_again(times, dash, space, width):
    hours = Hours(*map(at, times))
    first, last = str(hours).split("-")
    assert parse_hours(width(f"{space}{first}{space}{dash}{space}{last}")) == hours


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("morning", "09:00-12:00"),
        ("09:00", "09:00-12:00"),
        ("09:00-12:00-15:00", "09:00-12:00"),
        ("25:00-26:00", "from 00 to 23"),
        ("09:60-12:00", "59"),
        ("12:00-09:00", "after opening"),
        ("09:00-09:00", "after opening"),
    ],
)
def test_it_refuses_nonsense_and_says_what_to_write(text, told):
    with pytest.raises(ValidationError) as refusal:
        parse_hours(text)
    assert told in refusal.value.message


@given(st.text())
def test_no_text_breaks_it(text):
    try:
        hours = parse_hours(text)
    except ValidationError:
        return
    assert hours.opens_at < hours.closes_at


def test_no_naughty_string_is_taken_for_hours(real_files):
    for text in json.loads((real_files / "blns.json").read_text()):
        with pytest.raises(ValidationError):
            parse_hours(text)
