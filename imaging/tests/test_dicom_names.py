"""Names in every character set of DICOM's, and in those of machines that lie about it."""

from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset

from clinic.models import Patient
from imaging import dicom, whose
from imaging.dicom.facts import named
from imaging.tests.pictures import gradient
from imaging.tests.test_dicom import film


def in_a_file(written: bytes, charset: str | list[str] | None) -> Dataset:
    dataset = Dataset()
    if charset is not None:
        dataset.SpecificCharacterSet = charset
    dataset[0x00100010] = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(0x00100010), "PN", len(written), written, 0, False, True
    )
    return dataset


@pytest.mark.parametrize(
    ("name", "encoding", "charset"),
    [
        ("王^小明", "big5", None),
        ("許^功蓋", "big5", None),  # whose second bytes are backslashes
        ("許^功蓋", "big5", "ISO_IR 100"),
        ("王^小明", "big5", "ISO_IR 192"),
        ("王^小明", "gbk", None),
        ("王^小明", "gb18030", "GB18030"),
        ("王^小明", "utf-8", None),
        ("王^小明", "utf-8", "ISO_IR 192"),
        ("王^小明", "utf-8", "ISO_IR 100"),
        ("Wang^Xiaoming=王^小明", "big5", "ISO_IR 6"),
        ("Wang^Xiaoming=王^小明", "utf-8", "UTF-8"),
        ("^^^王小明", "utf-8", "ISO_IR 192"),
        ("小明^王", "utf-8", "ISO_IR 192"),
        ("王小明先生", "utf-8", "ISO_IR 192"),
    ],
)
def test_a_chinese_name_is_read(name, encoding, charset):
    wanted = "許功蓋" if "許" in name else "王小明"
    said = named(in_a_file(name.encode(encoding), charset))
    assert "full_name" not in whose.conflicts(said, Patient(full_name=wanted))
    assert "full_name" in whose.conflicts(said, Patient(full_name="陳大文"))
    assert said.full_name == name


@pytest.mark.parametrize(
    ("written", "charset", "full_name"),
    [
        (b"M\xfcller^Jos\xe9", "ISO_IR 100", "Müller José"),
        (b"Muller^Jose", None, "Müller José"),
        (b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", ["", "ISO 2022 IR 87"], "山田太郎"),
        (b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", ["", "ISO 2022 IR 149"], "洪吉洞"),
        (b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=", ["", "ISO 2022 IR 58"], "张小东"),
        (b"Wang^XiaoDong^^Dr^PhD", None, "Xiaodong Wang"),
        ("NGUYỄN^VĂN A".encode(), "ISO_IR 192", "Nguyen Van A"),
    ],
)
def test_a_name_in_other_letters_is_read(written, charset, full_name):
    said = named(in_a_file(written, charset))
    assert said.full_name.isprintable()
    assert "$" not in said.full_name  # what is left of a change of sets
    assert "full_name" not in whose.conflicts(said, Patient(full_name=full_name))


def test_a_name_written_as_nothing_that_there_is_is_none():
    written = film(gradient(), PatientName="").replace(b"\x10\0\x10\0PN", b"\x10\0\x10\0\x50\x01")
    assert not named(dicom.parse(BytesIO(written)).dataset).full_name
