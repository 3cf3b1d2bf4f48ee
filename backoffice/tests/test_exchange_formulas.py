"""What a spreadsheet would run is made harmless on the way out, and comes back as it was."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backoffice.exchange.exporting import csv_lines
from backoffice.exchange.formulas import FORMULA_STARTS, formula_safe, without_apostrophe
from backoffice.exchange.reading import read_table
from backoffice.exchange.xlsx_text import from_xlsx, to_xlsx

SIGNS = FORMULA_STARTS.replace("\\", "")
RISKY_TEXT = st.text(alphabet=st.sampled_from([*SIGNS, *"'\";,| a1"]), max_size=8)


@pytest.mark.parametrize("text", ["=1+1", "+886912", "-1", "@SUM(A1)", "\tA1", "＝1", "'=1", "''=1"])
def test_no_text_begins_as_a_formula(text):
    assert formula_safe(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("A;=1+1", "A;'=1+1"),
        ('A;"=1+1"', 'A;"\'=1+1"'),
        ("A; =1+1", "A; '=1+1"),
        ("A\n@SUM(A1)", "A\n'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
    ],
)
def test_no_part_begins_as_a_formula_where_a_spreadsheet_parts_the_text(text, safe):
    assert formula_safe(text) == safe


@pytest.mark.parametrize("value", ["O'Neil", "'tis", "1+1", "A; B - C", 5, -5, 1.5, None, ""])
def test_everything_else_stays_as_it_is(value):
    assert formula_safe(value) == value


@pytest.mark.parametrize(("text", "safe"), [(" =1+1", " '=1+1"), ('"=1+1"', '"\'=1+1"'), ('" -1', "\" '-1")])
def test_blanks_and_quotes_before_a_sign_hide_it_from_nobody(text, safe):
    assert formula_safe(text) == safe


@given(RISKY_TEXT | st.text())
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


@given(st.lists(st.lists(RISKY_TEXT, min_size=3, max_size=3), min_size=1, max_size=3))
@example([["A;=1+1", "A;=1+1", "=1+1"]])
@example([['"=1+1', ";=1+1", '";"=1+1']])
def test_no_spreadsheet_finds_a_formula_in_any_column_however_it_separates(rows):
    text = "".join(csv_lines(rows)).removeprefix("\ufeff")
    for separator in ",;\t|":
        cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
        assert [cell for cell in cells if cell.lstrip(' "\t\r\n').startswith(tuple("=+-@＝＋－＠"))] == []


@given(st.lists(RISKY_TEXT.map(str.strip).filter(bool), min_size=1, max_size=3))
def test_every_column_comes_back_from_its_file_as_it_was(cells):
    titles = [f"={number}" for number in range(len(cells))]
    table = read_table(io.BytesIO("".join(csv_lines([titles, cells])).encode()), "table.csv")
    [(_line, row)] = table
    assert [without_apostrophe(row[title].strip()) for title in titles] == cells
