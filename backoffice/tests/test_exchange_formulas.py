"""What a spreadsheet would run is made harmless on the way out, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.exchange.exporting import csv_lines
from backoffice.exchange.formulas import FORMULA_STARTS, formula_safe, without_apostrophe
from backoffice.exchange.xlsx_text import from_xlsx, to_xlsx


@pytest.mark.parametrize("text", ["=1+1", "+886912", "-1", "@SUM(A1)", "\tA1", "＝1", "'=1", "''=1"])
def test_no_text_begins_as_a_formula(text):
    assert formula_safe(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "safe"),
    [("A;=1+1", "A;'=1+1"), ('A;"=1+1"', 'A;"\'=1+1"'), ("A\n@SUM(A1)", "A\n'@SUM(A1)"), ("\t=1", "'\t'=1")],
)
def test_no_part_begins_as_a_formula_where_a_spreadsheet_parts_the_text(text, safe):
    assert formula_safe(text) == safe


@pytest.mark.parametrize("value", ["O'Neil", "'tis", "1+1", "A; B - C", 5, -5, 1.5, None, ""])
def test_everything_else_stays_as_it_is(value):
    assert formula_safe(value) == value


@given(st.text(alphabet=st.sampled_from([*FORMULA_STARTS.replace("\\", ""), "'", '"', ";", "a"])) | st.text())
def test_what_was_written_comes_back(text):
    assert without_apostrophe(formula_safe(text)) == text


@given(
    st.text(alphabet=st.characters(codec="utf-8")) | st.sampled_from(["_x0041_", "_x000D_", "a\rb", "\x01", "\ufffe"])
)
def test_a_workbook_holds_every_character(text):
    assert from_xlsx(to_xlsx(text)) == text


def test_a_csv_file_begins_with_no_formula_in_any_of_its_cells():
    lines = "".join(csv_lines([["=title", "b"], ["@1", "A;=1+1"], ["\r+1", 5]]))
    assert lines == "\ufeff'=title,b\r\n'@1,A;'=1+1\r\n\"'\r'+1\",5\r\n"
