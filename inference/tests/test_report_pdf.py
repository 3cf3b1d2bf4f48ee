"""What a report's PDF is, read by others than its writer: pypdf, and poppler and qpdf where they are there."""

import datetime
import re
import shutil
import subprocess
import time
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image
from pypdf import PdfReader

from backoffice.tests.installations import leave_out
from imaging import phantom
from inference.reports.lines import lines
from inference.reports.pdf import render
from inference.reports.sheet import Sheet
from inference.tests.reporting import text_of
from inference.typefaces import missing_from

KEY = "A" * 32
CHECK = f"https://clinic.example/reports/{KEY}/check/"


def a_film() -> bytes:
    target = BytesIO()
    Image.fromarray(phantom.render("Normal", 1, 96)).save(target, "JPEG")
    return target.getvalue()


CHINESE = Sheet(
    language="zh-hant",
    title="X 光檢查報告",
    clinic="河岸診所",
    version="",
    facts=[("姓名", "林𠮷明"), ("生日", "1980年5月17日")],
    amendment="",
    body="影像發現\n肺部有陰影。\n\n建議\n請於六週後再照一次 X 光。",
    headings=frozenset({"影像發現", "建議"}),
    signatures=["簽署：陳醫師，2026年11月30日 15:00。"],
    check_words="可在這個網址查詢這是否為最新版本：",
    check_url=CHECK,
    film=a_film(),
    film_words="縮小的 X 光片，不可用於診斷。",
)


def with_tool(tool: str, *arguments: str, pdf: bytes, tmp_path) -> str:
    if not shutil.which(tool):
        leave_out(f"{tool} is not installed: what it says of a PDF is left out")
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    given = [str(path) if argument == "PDF" else argument for argument in arguments]
    return subprocess.run([shutil.which(tool), *given], capture_output=True, text=True, check=True).stdout


def test_it_says_what_it_is_in_which_language_and_runs_nothing():
    read = PdfReader(BytesIO(render(CHINESE)))
    catalog = read.trailer["/Root"]
    assert catalog["/Lang"] == "zh-Hant-TW"
    assert catalog["/ViewerPreferences"]["/DisplayDocTitle"]
    assert catalog["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    about = catalog["/Metadata"].get_data().decode()
    assert "X 光檢查報告 · 河岸診所" in about
    assert "<pdfaid:part>2</pdfaid:part>" in about
    assert "<pdfaid:conformance>U</pdfaid:conformance>" in about
    assert not {"/AA", "/Names", "/AcroForm"} & set(catalog)
    assert isinstance(catalog.get("/OpenAction", []), list)  # a place to begin at, and no action
    assert not any("/Annots" in page for page in read.pages)


def test_what_readers_show_of_it_is_what_its_metadata_says():
    at = datetime.datetime(2026, 11, 30, 15, 0, tzinfo=datetime.UTC)
    said = PdfReader(BytesIO(render(replace(CHINESE, at=at)))).metadata
    assert (said.title, said.author, said.creator) == ("X 光檢查報告 · 河岸診所", "河岸診所", "Collimator")
    assert said.creation_date == at


def test_all_that_is_read_is_tagged_in_its_order():
    read = PdfReader(BytesIO(render(replace(CHINESE, body="影像發現\n" + "肺部有陰影。" * 1000))))
    assert read.trailer["/Root"]["/MarkInfo"]["/Marked"]
    elements = [one.get_object() for one in read.trailer["/Root"]["/StructTreeRoot"]["/K"][0].get_object()["/K"]]
    kinds = [one["/S"] for one in elements]
    assert kinds[:6] == ["/P", "/H1", "/P", "/P", "/Figure", "/H2"]
    assert set(kinds[6:]) == {"/P"}
    assert len(kinds) < 16, "a paragraph is one element, and one more on each page"
    assert elements[4]["/Alt"] == CHINESE.film_words
    for page in read.pages:
        assert untagged(page) == []


def untagged(page) -> list[str]:
    """What is drawn or written outside of every tag."""
    depth, found = 0, []
    for _operands, operator in page.get_contents().operations:
        depth += {b"BDC": 1, b"BMC": 1, b"EMC": -1}.get(operator, 0)
        if depth == 0 and operator in (b"Tj", b"TJ", b"Do", b"f", b"S"):
            found.append(operator.decode())
    assert depth == 0
    return found


def test_every_typeface_is_within():
    for page in PdfReader(BytesIO(render(CHINESE))).pages:
        for font in page["/Resources"]["/Font"].values():
            [inner] = font.get_object()["/DescendantFonts"]
            assert {"/FontFile2", "/FontFile3"} & set(inner.get_object()["/FontDescriptor"])
            assert "/ToUnicode" in font.get_object()


@pytest.mark.parametrize("name", ["林𠮷明", "Dvořák Nguyễn Thị Bình", "堃喆峯", "Ω Жук", "Lin & <b>Mei</b>"])
def test_names_are_read_back_as_they_are_written(name):
    told = text_of(render(replace(CHINESE, facts=[("姓名", name)])))
    assert name in told


def test_a_composed_and_a_decomposed_letter_are_one():
    assert missing_from("Dvořák", "en") == []


def test_markup_in_a_text_is_text_and_opens_no_file():
    body = '<img src="file:///etc/passwd"> <b>&amp;</b> [x](https://evil.example) {{ x }} %s \\ (()'
    told = text_of(render(replace(CHINESE, language="en", body=body)))
    assert body in told.replace("\n", " ")
    assert "root:" not in told


def test_a_sign_that_no_typeface_has_is_said():
    told = text_of(render(replace(CHINESE, facts=[("姓名", "林🫁")])))
    assert "林□" in told
    assert "U+1FAC1" in told


def test_a_long_text_goes_on_with_its_pages_numbered():
    pages = PdfReader(BytesIO(render(replace(CHINESE, body="肺部有陰影。" * 1000)))).pages
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"{number} / {len(pages)}" in page.extract_text()
    assert CHECK in pages[-1].extract_text().replace("\n", "")
    assert sum(page.extract_text().replace("\n", "").count("肺部有陰影。") for page in pages) >= 980


def test_a_heading_is_no_pages_last_line():
    for blanks in range(28, 36):
        body = "\n" * blanks + "建議\n請回診。"
        for page in PdfReader(BytesIO(render(replace(CHINESE, body=body, film=None)))).pages:
            told = page.extract_text()
            assert ("建議" in told) == ("請回診。" in told)


def test_no_line_begins_with_what_closes_or_ends_with_what_opens():
    text = "右下肺野（RLL）有一片約 3.5 cm 的實質化陰影，「與先前影像比較」略為增大；心臟大小正常。" * 20
    for width in range(5, 60):
        broken = lines(text, lambda sign: 1.0, width)
        assert "".join(broken).replace(" ", "") == text.replace(" ", "")
        if width > 12:  # more than any word with its brackets
            assert not any(re.match("[，。；：、）」]", line) or re.search("[（「]$", line) for line in broken)
            assert all(len(line) <= width for line in broken)


def test_latin_words_stay_whole_and_what_is_wider_than_a_line_is_cut():
    assert lines("an opacity of the lungs", lambda sign: 1.0, 10) == ["an opacity", "of the", "lungs"]
    assert lines("x" * 25, lambda sign: 1.0, 10) == ["x" * 10, "x" * 10, "x" * 5]


def test_the_worst_text_is_set_in_little_time():
    started = time.process_time()
    render(replace(CHINESE, body="x" * 20_000, film=None))
    render(replace(CHINESE, body="肺 " * 10_000, film=None))
    assert time.process_time() - started < 20  # some two seconds; what grows by the square takes minutes


@pytest.mark.parametrize("sheet", [CHINESE, replace(CHINESE, language="en", title="X-ray report", film=None)])
def test_poppler_reads_it(sheet, tmp_path):
    pdf = render(sheet)
    assert "林𠮷明" in with_tool("pdftotext", "PDF", "-", pdf=pdf, tmp_path=tmp_path)
    fonts = with_tool("pdffonts", "PDF", pdf=pdf, tmp_path=tmp_path).splitlines()[2:]
    assert fonts
    assert all(re.search(r" yes yes yes ", line) for line in fonts)
    assert "JavaScript:      no" in with_tool("pdfinfo", "PDF", pdf=pdf, tmp_path=tmp_path)


def test_qpdf_finds_nothing_wrong(tmp_path):
    told = with_tool("qpdf", "--check", "PDF", pdf=render(CHINESE), tmp_path=tmp_path)
    assert "No syntax or stream encoding errors found" in told
