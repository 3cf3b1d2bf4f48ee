"""Files as people have them: each is read, or refused with what is wrong, where, and what to do."""

import datetime
import io
import re
import zipfile

import openpyxl
import pytest
from django.core.exceptions import ValidationError

from backoffice.exchange import table, xlsx_parts, xlsx_rows, xlsx_sheet
from backoffice.exchange.cells import MomentCell
from backoffice.exchange.reading import BEYOND, UnreadableFileError, read_table
from backoffice.files import apart
from backoffice.files.apart import Why
from backoffice.imports.uploads import count_of
from backoffice.tests import xlsx_bombs


def table_of(content: bytes | str, name: str = "table.csv"):
    return read_table(io.BytesIO(content.encode() if isinstance(content, str) else content), name)


def workbook(*rows, sheets: int = 1) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for _sheet in range(1, sheets):
        book.create_sheet()
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def why_not(content: bytes | str, name: str = "table.csv") -> str:
    with pytest.raises(UnreadableFileError) as refusal:
        list(table_of(content, name))
    return str(refusal.value)


# -- Real files -------------------------------------------------------------------------------------------------------

READ = {
    "bad.csv": (["column_a", "column_b", "column_c"], 3),
    "bad_skip_lines.csv": (["column_a", "column_b", "column_c"], 3),
    "derived_formula_injection.csv": (["name", "phone", "note"], 12),
    "mac_newlines.csv": (["a", "b", "c"], 2),
    "no_header_row.csv": (["1", "2", "3"], 0),
    "sniff_limit.csv": (["a", "b", "c"], 1),
    "test.xlsx": (["text", "date", "integer", "boolean", "float", "datetime", "empty_column"], 5),
    "test_empty_columns_long_row.csv": (["a", "b", "c"], 0),
    "test_extra_header.csv": (["a", "b", "c", "d"], 1),
    "test_header_newline.csv": (["start end", "b", "c"], 1),
    "test_utf16_big.csv": (["a", "b", "c"], 2),
    "test_utf16_little.csv": (["a", "b", "c"], 2),
    "test_utf8_bom.csv": (["foo", "bar", "baz"], 2),
}
REFUSED = {
    "derived_blns_big5.csv": "Line 2, at “",
    "derived_huge_field.csv": 'Line 2, column “note”, value “"AAAAAAAAAAAAAAAAAAAAAAAAAAAAA…”: This cell has more than',
    "empty.csv": "The file is empty",
    "null_byte.csv": "Line 2, at “␀,2,3”: A NUL character stands here",
    "sheets.xlsx": "The first sheet, “not this one”, is empty",
    "test_latin1.csv": "Line 3, at “4,5,�”: The file is not UTF-8 text.",
}


@pytest.mark.parametrize("name", READ)
def test_it_reads_what_can_be_read(real_files, name):
    with open(real_files / "tabular" / name, "rb") as file:
        read = read_table(file, name)
        assert (read.headers, len(list(read))) == READ[name]


@pytest.mark.parametrize("name", REFUSED)
def test_it_says_what_is_wrong_with_the_others(real_files, name):
    assert REFUSED[name] in why_not((real_files / "tabular" / name).read_bytes(), name)


def test_every_real_file_is_spoken_of(real_files):
    names = {path.name for path in (real_files / "tabular").iterdir()} - {"manifest.csv"}
    assert names == READ.keys() | REFUSED.keys()


def test_utf_16_is_read_as_what_it_says(real_files):
    for name in ("test_utf16_big.csv", "test_utf16_little.csv"):
        with open(real_files / "tabular" / name, "rb") as file:
            assert list(read_table(file, name))[-1] == (3, {"a": "4", "b": "5", "c": "ʤ"})


# -- CSV --------------------------------------------------------------------------------------------------------------


def test_lines_are_counted_as_a_spreadsheet_shows_them():
    read = table_of('name,notes\nA,"two\nlines"\n,\n\nB,\n')
    assert [line for line, _values in read] == [2, 5]


def test_it_can_be_read_twice_and_leaves_the_file_open():
    file = io.BytesIO(b"name\nA\n")
    read = read_table(file, "table.csv")
    assert list(read) == list(read) == [(2, {"name": "A"})]
    assert not file.closed


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=;;"])
def test_a_first_line_that_tells_excel_the_separator_is_no_row(first):
    read = table_of(f"{first}\r\na,b;c\r\n1;2\r\n")
    assert (read.headers, read.count, list(read)) == (["a,b", "c"], 1, [(3, {"a,b": "1", "c": "2"})])


def test_blanks_before_a_quotation_mark_leave_it_one():
    assert list(table_of('a, b\n1, "2, 3"\n')) == [(2, {"a": "1", "b": "2, 3"})]


def test_a_row_of_another_width_says_so():
    (_, short), (_, long) = table_of("a,b\n1\n1,2,3\n")
    assert short == {"a": "1"}
    assert long == {"a": "1", "b": "2", BEYOND: "3"}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_it_finds_the_separator_outside_of_quotation_marks(separator):
    read = table_of(f'"one, of; them"{separator}b\n1{separator}2\n')
    assert list(read) == [(2, {"one, of; them": "1", "b": "2"})]


def test_two_columns_of_one_name_are_refused():
    assert "2 columns are named “a”" in why_not("a,b,a\n1,2,3\n")


def test_a_column_without_a_name_is_refused_unless_nothing_follows():
    assert "column 2 has no name" in why_not("a,,c\n1,2,3\n")
    assert table_of("a,b,,\n1,2\n").headers == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('a,b\n1,2\n"3,4\n5,6\n', 'Line 3, column “a”, value “"3,4…”'),
        ('a,b\n"1\n1",2\n3,"4" 5\n', 'Line 3, column “b”, value “"4" 5…”'),
        ('a;b;c\n"1;""x""";;"2" 3\n', 'Line 2, column “c”, value “"2" 3…”'),
        ('a|b\n"1|x"|"y\n', 'Line 2, column “b”, value “"y…”'),
        ('a,"b\n1,2\n', 'Line 1, column “2”, value “"b…”'),
    ],
)
def test_a_quotation_mark_out_of_place_is_refused_by_line_column_and_value(content, place):
    told = why_not(content)
    assert told.startswith(f"{place}: A quotation mark opens a text and is not closed")
    assert "Write a quotation mark within a text twice" in told


def test_more_rows_than_are_read_at_once_are_refused(monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 2)
    assert "more than 2 rows" in why_not("a\n1\n2\n3\n")


def test_other_kinds_of_file_are_refused():
    assert "neither CSV nor XLSX" in why_not(b"%PDF-1.7", "table.pdf")
    assert "old kind" in why_not(b"\xd0\xcf\x11\xe0\xa1\xb1", "table.xls.xlsx")
    assert "has a password" in why_not(
        b"\xd0\xcf\x11\xe0\xa1\xb1" + "EncryptedPackage".encode("utf-16-le"), "table.xlsx"
    )
    assert "a web page" in why_not(b"\r\n<html><table><tr><td>full_name", "table.xlsx")
    assert "a PDF" in why_not(b"%PDF-1.7", "table.csv")
    assert "cannot be read as an Excel workbook" in why_not(b"PK\x03\x04 and then nothing", "table.xlsx")


# -- XLSX -------------------------------------------------------------------------------------------------------------


def test_values_are_read_as_one_would_type_them():
    moment = datetime.datetime(2026, 11, 23, 9, 30)
    row = [datetime.date(2026, 11, 23), moment, datetime.time(9, 30), 1.0, 1.5, True, None, " Lin "]
    read = table_of(workbook(list("abcdefgh"), row), "table.xlsx")
    ((_line, values),) = read
    assert list(values.values()) == [
        "2026-11-23",
        "2026-11-23 09:30:00",
        "09:30",
        "1",
        "1.5",
        "yes",
        "",
        " Lin ",
    ]
    assert read.number_columns == {"d", "e"}


def test_a_leap_second_in_a_table_is_the_one_before():
    moments = {MomentCell().clean(text).isoformat() for text in ("2016-12-31T23:59:60Z", "2016-12-31 23:59:59+00:00")}
    assert moments == {"2016-12-31T23:59:59+00:00"}
    with pytest.raises(ValidationError, match="not a day and a time"):
        MomentCell().clean("2016-12-31 23:59:61")


def test_a_chart_in_front_is_no_table():
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.create_chartsheet("chart", 0)
    file = io.BytesIO()
    book.save(file)
    assert table_of(file.getvalue(), "table.xlsx").headers == ["a"]


def test_rows_that_a_filter_hides_are_read_and_counted():
    book = openpyxl.Workbook()
    for row in "abc":
        book.active.append([row])
    book.active.row_dimensions[2].hidden = True
    file = io.BytesIO()
    book.save(file)
    read = table_of(file.getvalue(), "table.xlsx")
    assert (len(list(read)), read.hidden_rows) == (2, 1)


def test_an_error_in_a_cell_is_refused_with_what_can_be_done():
    told = why_not(workbook(["a", "b"], [1, "#N/A"]), "table.xlsx")
    assert "Cell B2 holds an error" in told
    assert "Write the value that it should hold" in told


def test_rows_that_hold_a_format_and_nothing_else_are_neither_counted_nor_walked(monkeypatch):
    monkeypatch.setattr(xlsx_rows, "BLOCK", 64)  # so that blocks part tags
    blank = "".join(f'<row r="{line}"><c r="A{line}" s="1"/></row>' for line in range(3, 1000)).encode()
    source = workbook(["a"], ["x"])
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as parts, zipfile.ZipFile(file, "w") as archive:
        for name in parts.namelist():
            archive.writestr(name, parts.read(name).replace(b"</sheetData>", blank + b"</sheetData>"))
    sheet = xlsx_sheet.Sheet(file)
    assert (sheet.count, list(sheet)) == (1, [(2, {"a": "x"})])
    assert len(list(sheet._rows())) == 2


@pytest.mark.parametrize("value", ["text", 1.5, True, datetime.date(2026, 11, 23)])
def test_the_last_value_is_found_whatever_its_kind(value):
    read = table_of(workbook(["a"], *([[None]] * 20), [value]), "table.xlsx")
    assert [line for line, _values in read] == [22]


def test_a_formula_is_refused_with_its_cell():
    assert "Cell B2 holds a formula" in why_not(workbook(["a", "b"], [1, "=A2+1"]), "table.xlsx")


def test_only_the_first_sheet_is_read_and_that_is_said():
    (note,) = table_of(workbook(["a"], [1], sheets=3), "table.xlsx").notes
    assert "Only the first sheet" in note


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(settings):
    settings.XLSX_MAX_UNPACKED = 1024**2
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 2 * 1024**2)
    assert len(bomb.getvalue()) < 10_000
    assert "too large once it is unpacked" in why_not(bomb.getvalue(), "table.xlsx")


@pytest.mark.parametrize("kind", xlsx_bombs.KINDS)
def test_a_small_workbook_that_swells_is_refused_whichever_part_it_is(kind, settings):
    settings.FILE_SECONDS = 60  # also on a slow machine it is what it swells to, and not its time
    make, says = xlsx_bombs.KINDS[kind]
    try:
        assert len(list(table_of(make(), "table.xlsx"))) == 999
        said = ""
    except UnreadableFileError as refusal:
        said = str(refusal)
    assert says in said
    assert bool(says) == bool(said)


@pytest.mark.parametrize(
    ("why", "says"),
    [
        (Why.MEMORY, "more memory than the 570 MB that a file may take. Save it as “CSV UTF-8”"),
        (Why.TIME, "longer than a file may take. Save it as “CSV UTF-8”"),
        (Why.BUSY, "Send it again in a minute.$"),
    ],
)
def test_a_child_that_does_not_come_to_an_end_is_told_in_words_for_a_table(why, says, monkeypatch):
    def ends(*_args, **_options):
        raise apart.Undone(why)
        yield

    monkeypatch.setattr(apart, "values", ends)
    assert re.search(says, why_not(workbook(["a"], [1]), "table.xlsx"))


def test_a_large_table_is_read_on_while_its_child_is_long_gone():
    rows = [[f"{number}", "王小明" * 20] for number in range(3000)]
    read = iter(table_of(workbook(["a", "b"], *rows), "table.xlsx"))
    assert next(read) == (2, {"a": "0", "b": "王小明" * 20})
    assert [values["a"] for _line, values in read] == [f"{number}" for number in range(1, 3000)]


@pytest.mark.filterwarnings("ignore:Workbook contains no stylesheet")
def test_a_long_sheet_that_does_not_say_its_size_is_read(monkeypatch):
    """As programs write that stream their rows: only what holds nothing counts against it."""
    for module in (xlsx_parts, xlsx_sheet):
        monkeypatch.setattr(module, "WALKED_TAGS", 20_000)
    rows = "".join(xlsx_bombs.row(number, *["x"] * 30) for number in range(2, 500))
    sheet = xlsx_sheet.Sheet(io.BytesIO(xlsx_bombs.workbook(rows=rows)))
    assert (sheet.count, len(list(sheet))) == (498, 498)


def test_small_texts_without_number_are_refused_before_they_take_long(monkeypatch):
    """Two megabytes of them pack into ten kilobytes; a large part may hold as many."""
    monkeypatch.setattr(xlsx_parts, "FEW_TEXT_TAGS", 20_000)
    bomb = xlsx_bombs.workbook(shared="<si><t>a</t></si>" * 100_000)
    with pytest.raises(UnreadableFileError, match="too large once it is unpacked"):
        xlsx_sheet.Sheet(io.BytesIO(bomb))


def test_shared_texts_are_read_with_their_runs_and_without_how_they_are_pronounced():
    shared = (
        "<si><t>王小明</t><rPh><t>ㄨㄤˊ</t></rPh></si><si><r><t>Chen </t></r><r><rPr><b/></rPr><t>Wei</t></r></si>"
        '<si/><si><t xml:space="preserve"> a_x005F_x0041_ </t></si>'
    )
    rows = '<row r="2">' + "".join(f'<c t="s"><v>{number}</v></c>' for number in range(4)) + "</row>"
    headers = '<row r="1">' + "".join(f'<c t="inlineStr"><is><t>{name}</t></is></c>' for name in "abcd") + "</row>"
    read = table_of(xlsx_bombs.workbook(shared=shared, rows=headers + rows), "table.xlsx")
    assert [list(cells)[:4] for _line, cells in read.records()][-1] == ["王小明", "Chen Wei", "", " a_x0041_ "]


LONG_ROWS = {
    "commas.csv": "a,b\n" + "," * 200_001,
    "headers.csv": ",".join(f"n{number}" for number in range(40_000)),
    "over several lines.csv": 'a,b\n1,"' + '\n",x,"' * 40_000,
    "long cells.csv": "a,b\n" + "x" * 120_000 + "," + "y" * 120_000,
}


@pytest.mark.parametrize("name", LONG_ROWS)
def test_a_row_longer_than_any_is_refused_and_never_held_whole(name):
    assert "more than 200,000 characters in all its cells" in why_not(LONG_ROWS[name])


def test_a_workbooks_row_longer_than_any_is_refused_where_it_is_read():
    cells = ["x" * 30_000] * 8
    said = why_not(workbook([f"n{number}" for number in range(8)], cells), "table.xlsx")
    assert "Line 2 has more than 200,000 characters" in said


def test_a_few_rows_with_very_much_text_are_for_a_worker():
    short, long = "a,b\n" + "1,2\n" * 1000, "a,b\n" + f"1,{'x' * 20_000}\n" * 100
    assert count_of(table_of(short)) == 1000
    assert count_of(table_of(long)) is None


def test_a_zip_that_is_no_workbook_is_refused():
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("content.xml", b"<a/>")
    assert "cannot be read as an Excel workbook" in why_not(other.getvalue(), "table.xlsx")


# -- Workbooks that claim, hide or pretend ----------------------------------------------------------------------------


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def repacked(content: bytes, change) -> bytes:
    """The same workbook, each part as `change(name, bytes)` gives it."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(file, "w") as target:
        for part in source.infolist():
            target.writestr(part, change(part.filename, source.read(part)))
    return file.getvalue()


@pytest.mark.parametrize("cell", [(1_048_576, 1), (1_048_576, 16_384), (2, 16_384), (500_000, 3)])
def test_a_formatted_cell_with_nothing_in_it_is_neither_a_row_nor_a_column(cell, monkeypatch):
    book = openpyxl.Workbook()
    for row in (["name", "notes"], ["A", "x"]):
        book.active.append(row)
    book.active.cell(*cell).number_format = "@"
    table = table_of(saved(book), "table.xlsx")
    assert list(table) == [(2, {"name": "A", "notes": "x"})]
    assert table.count in (None, 1)


def test_rows_far_apart_are_read_as_the_few_that_they_are():
    book = openpyxl.Workbook()
    book.active.append(["name"])
    for line in (1000, 1_000_000):
        book.active.cell(line, 1).value = f"in {line}"
    table = table_of(saved(book), "table.xlsx")
    assert [line for line, _values in table] == [1000, 1_000_000]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.30000000000000004, "0.3"),
        (1e15, "1000000000000000"),
        (1.1 * 3, "3.3"),
        (-0.1, "-0.1"),
        (5.0, "5"),
        (1e-7, "0.0000001"),
        (datetime.datetime(2026, 11, 23, 8, 59, 59, 999_999), "2026-11-23 09:00:00"),
        (datetime.time(8, 59, 59, 999_999), "09:00"),
    ],
)
def test_a_number_is_read_as_a_spreadsheet_shows_it(value, text):
    assert xlsx_sheet.canonical(value) == text


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_sheet_that_nobody_sees_is_not_the_first(state):
    book = openpyxl.Workbook()
    book.active.append(["name"])
    book.active.append(["A"])
    old = book.create_sheet("old", 0)
    old.append(["id"])
    old.sheet_state = state
    assert list(table_of(saved(book), "table.xlsx")) == [(2, {"name": "A"})]


def test_a_strict_workbook_is_named_as_what_it_is():
    ours, strict = (
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
        b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    )
    content = repacked(workbook(["name"], ["A"]), lambda name, part: part.replace(ours, strict))
    assert "Strict Open XML" in why_not(content, "table.xlsx")


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ("mimetype", "OpenDocument"),
        ("Index/Document.iwa", "Numbers"),
        ("xl/workbook.bin", "XLSB"),
        ("word/document.xml", "text document"),
    ],
)
def test_what_is_packed_like_a_workbook_and_is_none_is_named(part, told):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(part, "")
    assert told in why_not(file.getvalue(), "table.xlsx")
