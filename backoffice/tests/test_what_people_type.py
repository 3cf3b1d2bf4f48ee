"""Text, days and numbers as people type them: one rule for each, and a question where there are two readings."""

import datetime
import unicodedata
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from backoffice.records.dates import parse_day
from backoffice.records.numbers import parse_number, parse_whole
from backoffice.records.text import tidy_line, tidy_text

NAME = "Đặng Thị Ngọc Ánh"
INVISIBLE = [
    "\u200b",
    "\u200b\u200d",
    "\u2060",
    "\u00ad",
    "\ufeff",
    "\u3164",
    "\u115f",
    "\u2800",
    "\u202e",
    "\ufe0f",
    "\U000e0041",
    "\U000e0100",
    "\U0001d159",
]


@pytest.mark.parametrize(
    "spelling",
    [
        unicodedata.normalize("NFD", NAME),
        NAME.replace(" ", "\u3000"),
        f"  {NAME} ",
        NAME.replace(" ", "\t\u200b "),
        f"\u202e{NAME}\u202c",
        f"\ufeff{NAME}",
        NAME.replace(" ", "\u00a0"),
        f"{NAME[:3]}\u00ad{NAME[3:]}",
        f"{NAME[:3]}\U0001d173{NAME[3:]}",
        f"{NAME}\U000e0100",
    ],
)
def test_a_name_has_one_spelling(spelling):
    assert tidy_line(spelling) == NAME


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("⾦⼦", "金子"),
        ("\uf90a子", "金子"),
        ("羽\ufe00", "羽"),
        ("ﾊﾞﾝ", "バン"),
        ("ﬁona", "fiona"),
        ("Jean\u2011Luc", "Jean-Luc"),
    ],
)
def test_two_codes_of_one_sign_are_one(text, kept):
    assert tidy_line(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "王小明",
        "O’Brien",
        "Nguyễn",
        "山田 太郎",
        "𠮷野",
        "葛\U000e0100城",
        "‎سارا".strip("\u200e"),
        "می\u200cخواهم",
        "👩‍⚕️"[0],
    ],
)
def test_what_can_be_seen_stays_as_it_is(text):
    assert tidy_line(text) == text


@pytest.mark.parametrize("text", INVISIBLE)
def test_what_nobody_sees_is_no_text(text):
    with pytest.raises(ValidationError, match="Nothing can be seen"):
        tidy_line(text)


@pytest.mark.parametrize("text", ["a\0b", "a\x1b[31m", "a\x7f", "\ud800", "a\uffff", "a\ue000", "王\ufffd", "\ufffc"])
def test_what_would_control_its_line_is_refused_by_its_code(text):
    with pytest.raises(ValidationError, match=r"U\+[0-9A-F]{4}"):
        tidy_line(text)


def test_an_accent_without_a_letter_is_refused():
    with pytest.raises(ValidationError, match="accent"):
        tidy_line("\u0301a")


def test_notes_keep_their_lines_and_lose_what_turns_them_round():
    assert tidy_text("first\r\n  second\u202e\u2028third") == "first\n  second\nthird"


@given(st.text())
def test_tidy_text_is_tidy_once_and_for_all(text):
    try:
        tidy = tidy_line(text)
    except ValidationError:
        return
    assert tidy_line(tidy) == tidy


@pytest.mark.parametrize(
    "text",
    [
        "1980-06-05",
        "1980/6/5",
        "1980–06–05",
        "1980\u200b-06-05",
        "1980.06.05",
        "１９８０／０６／０５",
        "1980年6月5日",
        "民國69年6月5日",
        "民國 69/6/5",
        "5 June 1980",
        "June 5, 1980",
        "5th Jun 1980",
        "1980-06-05 00:00:00",
        "1980-06-05T00:00",
        "1980-06-05T00:00:00.000Z",
        "1980/6/5 上午 12:00:00",
        "19800605",
        "1980 06 05",
        "1980‧06‧05",
        "'1980-06-05",
        "१९८०-०६-०५",
        "1980年6月5日 星期四",
        "1980/6/5（四）",
        "Thursday, June 5, 1980",
        "05-Jun-1980",
        "1980/Jun/5",
        "ROC 69/06/05",
        "民國69年6月5日 00:00:00",
        "069/06/05",
        "0690605",
    ],
)
def test_a_day_is_read_in_whatever_order_cannot_be_misread(text):
    assert parse_day(text) == datetime.date(1980, 6, 5)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("13/06/1980", (1980, 6, 13)),
        ("06/13/1980", (1980, 6, 13)),
        ("05.05.1980", (1980, 5, 5)),
        ("113/6/5", (2024, 6, 5)),
        ("113年6月5日", (2024, 6, 5)),
        ("1130605", (2024, 6, 5)),
    ],
)
def test_an_order_that_only_one_reading_allows_is_read(text, day):
    assert parse_day(text) == datetime.date(*day)


@pytest.mark.parametrize(
    "text",
    [
        "05/06/1980",
        "5-6-1980",
        "05/06/80",
        "80/06/05",
        "69/1/2",
        "05/06/25",
        "6/5/1980 12:00:00 AM",
        "٠٥/٠٦/١٩٨٠",
        "69年6月5日",
        "690605",
        "05-Jun-80",
    ],
)
def test_a_day_that_can_be_read_in_two_ways_is_asked_about(text):
    with pytest.raises(ValidationError, match="more than one way"):
        parse_day(text)


@pytest.mark.parametrize("text", ["1980-05/06", "1980/05.06", "13.06/1980", "民國69/6-5", "113/6-5", "1980 - 05 / 06"])
def test_a_day_with_two_kinds_of_sign_is_a_slip(text):
    with pytest.raises(ValidationError, match=r"Two different signs.*such as 1980-06-05"):
        parse_day(text)


@pytest.mark.parametrize(
    "text",
    [
        "1980-02-30",
        "1980-13-01",
        "31/31/1980",
        "0000-01-01",
        "民國0年1月1日",
        "000/01/01",
        "1980-06-05 14:30",
        "29377",
        "30 Foo 1980",
        "soon",
        "9" * 40,
        "",
    ],
)
def test_what_is_no_day_is_told_how_to_write_one(text):
    with pytest.raises(ValidationError, match="such as 1980-06-05"):
        parse_day(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", "12"),
        ("１２", "12"),
        ("１．５", "1.5"),
        ("1,5", "1.5"),
        ("3\u200b", "3"),
        ("-2.25", "-2.25"),
        ("−2", "-2"),
        (".5", "0.5"),
        ("1,500.5", "1500.5"),
        ("1.500,5", "1500.5"),
        ("1,500,000", "1500000"),
        ("1 500", "1500"),
        ("0,1234", "0.1234"),
        ("0,500", "0.5"),
        ("-0,125", "-0.125"),
        ("1 234,5", "1234.5"),
        ("1\u202f234,567", "1234.567"),
        ("1’234.5", "1234.5"),
        ("٣", "3"),
        ("0.30000000000000004", "0.3"),
        ("2.9999999999999996", "3"),
    ],
)
def test_a_number_is_read_with_a_point_or_a_comma(text, number):
    assert parse_number(text) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,500", "Write 1500 or 1.500"),
        ("many", "in digits"),
        ("1,2,3", "in digits"),
        ("0,500,000", "in digits"),
        ("05,500", "in digits"),
        ("1e5", "in digits"),
        ("NaN", "in digits"),
        ("10²", "in digits"),
        ("1½", "in digits"),
    ],
)
def test_what_is_no_number_or_two_is_told_how_to_write_it(text, told):
    with pytest.raises(ValidationError, match=told):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("１２", 12),
        ("−3", -3),
        ("12.0", 12),
        ("12,00", 12),
        ("1,500", 1500),
        ("1 500", 1500),
        ("1,500,000", 1500000),
    ],
)
def test_a_whole_number_is_read_however_it_is_written(text, number):
    assert parse_whole(text) == number


@pytest.mark.parametrize("text", ["1.5", "2,5", "0,500", "many", "1e3", "1,50,0", ""])
def test_what_is_no_whole_number_is_told_how_to_write_one(text):
    with pytest.raises(ValidationError, match="in digits, such as 12"):
        parse_whole(text)
