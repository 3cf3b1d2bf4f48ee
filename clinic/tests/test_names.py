"""Two ways of writing one name, and two names."""

import pytest

from clinic.patients.names import names_another_patient


@pytest.mark.parametrize(
    ("in_file", "on_record", "differs"),
    [
        ("Chen^Wei-Ting", "Chen Wei-Ting", False),
        ("CHEN^WEI TING", "Wei-Ting Chen", False),
        ("Chen^WeiTing", "Wei-Ting Chen", False),
        ("Chen^Wei-Ting^^Dr.^MD", "Mr. Chen Wei-Ting", False),
        ("O'Neil^Zoe\u0308", "Zoë O’Neil", False),
        ("STRASSE^Anna", "Anna Straße", False),
        ("\uff23hen^Wei-Ting", "Chen Wei-Ting", False),
        ("Wang^XiaoDong=王^小東", "王小東", False),
        ("Wang^XiaoDong=王^小東", "王小明", True),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "やまだ たろう", False),
        ("Doe^Archibald", "Chen Wei-Ting", True),
        ("^^^^", "Chen Wei-Ting", False),
        ("", "Chen Wei-Ting", False),
    ],
)
def test_it_notices_when_a_file_names_somebody_else(in_file, on_record, differs):
    assert names_another_patient(in_file, on_record) is differs
