"""What is kept of the software's own sentences is told to each reader in their own language."""

import pickle

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy

from backoffice.formats.kept import Sentence, gettext, kept, kept_in_text, ngettext, told
from backoffice.formats.lists import in_turn, listed
from backoffice.models import User
from backoffice.records.mixins import REASON_LENGTH
from clinic.booking.settling import CLOSED
from clinic.patients.merging import MERGED, MERGED_INTO
from imaging.settling import THEIRS

CHINESE, ENGLISH = "zh-hant", "en"


def read(text, language):
    with translation.override(language):
        return told(text)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        (MERGED(reason="the same card"), "Merged: the same card", "已合併：the same card"),
        (MERGED(reason="As a booking showed"), "Merged: As a booking showed", "已合併：掛號時發現"),
        (MERGED(reason="Merged: 100 % sure"), "Merged: Merged: 100 % sure", "已合併：已合併：100 % sure"),
        (MERGED_INTO(name="Lin (record 7)", key=12), "Merged into Lin (record 7) (record 12)", None),
        (THEIRS(reason="named after\nher mother"), "It is this patient’s all the same: named after\nher mother", None),
        (CLOSED(reason="National Day / 國慶日"), "Closed: National Day", "休診：國慶日"),
        (CLOSED(reason="painting / drying"), "Closed: painting / drying", "休診：painting / drying"),
        ("typed by somebody · 100%(x)s", "typed by somebody · 100%(x)s", "typed by somebody · 100%(x)s"),
        ("", "", ""),
    ],
)
def test_a_reason_with_something_filled_in_is_told_in_the_readers_language(text, english, chinese):
    assert read(text, ENGLISH) == english
    if chinese is None:
        assert not read(text, CHINESE).startswith(english[:12])
    else:
        assert read(text, CHINESE) == chinese


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
def test_a_reason_that_was_kept_in_its_writers_language_is_told_in_the_readers(language):
    before, now = ("Merged: twice on file", "已合併：twice on file")
    for kept_as in (before, now):
        assert read(kept_as, language) == {ENGLISH: before, CHINESE: now}[language]


def test_roles_of_a_history_are_told_in_the_readers_language(db):
    kept_as = "Roles: – → Front desk, Clinicians · Imported from Merged: x.csv"
    assert read(kept_as, CHINESE) == "角色：– → 櫃檯、醫師 · 由 Merged: x.csv 匯入"
    assert read(kept_as, ENGLISH) == kept_as
    assert User.roles_changed(None, None) == "Roles: – → –"


@pytest.mark.parametrize("longest", [20, 40, REASON_LENGTH])
def test_a_reason_longer_than_its_column_is_cut_where_it_is_told_all_the_same(longest):
    text = MERGED(longest, reason="x" * 300)
    assert len(text) == longest
    assert read(text, CHINESE).startswith("已合併：xxx")
    cut = MERGED_INTO(60, name="林" * 90, key=3)
    assert len(cut) == 60
    assert "record" in cut
    assert "record" not in read(cut, CHINESE)


def test_a_sentence_is_told_in_each_language_with_what_is_filled_in():
    with translation.override(CHINESE):
        sentence = gettext("Add the column.")
        inner = gettext("Text of up to %(longest)d characters.") % {"longest": 20}
        both = in_turn([sentence, inner, ""])
        kept_as = kept({"problem": both, "lines": [1, "typed"], "lazy": gettext_lazy("yes")})
    assert kept_as["lines"] == [1, "typed"]
    assert read(kept_as["problem"], CHINESE) == "請加上這一欄。文字，最多 20 個字元。"
    assert read(kept_as["problem"], ENGLISH) == "Add the column. Text of up to 20 characters."
    assert read(kept_as["lazy"], CHINESE) == "是"


def test_a_column_of_text_keeps_a_sentence_and_what_is_not_one():
    assert kept_in_text("plain") == "plain"
    assert read('{"a": 1}', ENGLISH) == '{"a": 1}'
    assert read('{"en": ', ENGLISH) == '{"en": '
    text = kept_in_text(gettext("Keep one of them."))
    assert {read(text, ENGLISH), read(text, CHINESE)} == {"Keep one of them.", read("Keep one of them.", CHINESE)}


def test_a_sentence_is_a_text_like_any_other():
    assert pickle.loads(pickle.dumps(gettext("Keep one of them."))) == "Keep one of them."  # noqa: S301 (our own)
    assert f"{listed(['a', 'b'])}" == "a, b"
    one, many = (ngettext("%(n)d day", "%(n)d days", n) % {"n": n} for n in (1, 2))
    assert (str(one), str(many)) == ("1 day", "2 days")
    assert isinstance(gettext("yes") % (), Sentence)
