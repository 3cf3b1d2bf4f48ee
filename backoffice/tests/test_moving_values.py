"""What SQLite takes and PostgreSQL does not, and what both have in ways of their own."""

import datetime
from decimal import Decimal

import pytest

from backoffice.moving.values import Column, Digest, ImpossibleValueError, canonical_json, converted

DATE_TIME = "timestamp with time zone"


def column(kind: str, **about) -> Column:
    return Column("some", kind, **about)


@pytest.mark.parametrize(
    ("kind", "kept", "taken"),
    [
        ("text", "病人\n", "病人\n"),
        ("character varying", "é" * 3, "ééé"),
        ("boolean", 1, True),
        ("bigint", 2**62, 2**62),
        ("double precision", 3, 3.0),
        ("numeric", 2.675, Decimal("2.68")),
        ("numeric", 7, Decimal("7.00")),
        ("numeric", "0.1", Decimal("0.10")),
        ("date", "1931-02-28", datetime.date(1931, 2, 28)),
        ("time without time zone", "09:30:00", datetime.time(9, 30)),
        (DATE_TIME, "2026-11-30 23:59:59.000001", datetime.datetime(2026, 11, 30, 23, 59, 59, 1, datetime.UTC)),
        (DATE_TIME, "2026-11-30 08:00:00+08:00", datetime.datetime(2026, 11, 30, tzinfo=datetime.UTC)),
        ("jsonb", '{"a": 1.0}', '{"a": 1.0}'),
        ("jsonb", r'"a backslash, then u0000: \\u0000"', r'"a backslash, then u0000: \\u0000"'),
        ("bytea", b"\0\xff", b"\0\xff"),
        ("inet", "2001:db8::0:1", "2001:db8::1"),
    ],
)
def test_what_sqlite_keeps_becomes_a_value_of_the_columns_type(kind, kept, taken):
    places = {"digits": 8, "places": 2} if kind == "numeric" else {}
    length = {"length": 3} if kind == "character varying" else {}
    assert converted(kept, column(kind, **places, **length)) == taken


@pytest.mark.parametrize(
    ("kind", "kept", "why"),
    [
        ("text", "a\0b", "NUL"),
        ("text", "caf\udce9", "no UTF-8"),
        ("text", 5, "no text"),
        ("character varying", "four", "has 4 characters, and 3 are the most"),
        ("smallint", 40_000, "too large"),
        ("integer", "12", "no whole number"),
        ("integer", 1.5, "no whole number"),
        ("boolean", 2, "neither yes nor no"),
        ("numeric", 1_000_000, "too large"),
        ("numeric", "nine", "no number"),
        ("double precision", "nine", "no number"),
        ("date", "2026-13-01", "no day or time"),
        (DATE_TIME, "yesterday", "no day or time"),
        (DATE_TIME, 1764500000, "no day or time"),
        (DATE_TIME, "9999-12-31 23:59:59-08:00", "no day or time"),
        ("jsonb", "{", "no JSON"),
        ("jsonb", '{"a": NaN}', "NaN"),
        ("jsonb", r'{"a": "\u0000"}', "no JSON \\(NUL"),
        ("jsonb", r'{"a": "\ud800"}', "half of a pair"),
        ("jsonb", '{"a": 1e999999999}', "too long"),
        ("bytea", "text", "should be bytes"),
        ("inet", "somewhere", "no network address"),
    ],
)
def test_what_postgresql_cannot_hold_is_told_without_being_quoted(kind, kept, why):
    places = {"digits": 8, "places": 2} if kind == "numeric" else {}
    length = {"length": 3} if kind == "character varying" else {}
    with pytest.raises(ImpossibleValueError, match=why) as refused:
        converted(kept, column(kind, **places, **length))
    assert "nine" not in str(refused.value)


def test_json_that_says_the_same_is_the_same_however_it_is_written():
    assert canonical_json('{"b": 1e16, "a": [1.50, -0.0, null]}') == canonical_json(
        '{"a":[1.5,0,null], "b":10000000000000000}'
    )
    assert canonical_json('{"a": 1}') != canonical_json('{"a": "1"}')


def test_a_digest_is_of_the_rows_in_whatever_order_and_of_each_value():
    def of(*rows):
        digest = Digest([column("bigint"), column("text")])
        digest.add(rows)
        return digest.result

    assert of((1, "a"), (2, "b")) == of((2, "b"), (1, "a"))
    assert len({of((1, "a")), of((1, "a"), (1, "a")), of((1, None)), of((1, "None")), of((1, "b")), of()}) == 6
