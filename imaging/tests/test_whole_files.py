"""A kept file is there whole or not at all, whoever is killed in the middle of writing it."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from imaging.enhanced import open_enhanced


class Interrupted(ContentFile):
    """As a process that is killed, or a disk that is full, after the first bytes."""

    def chunks(self, chunk_size=None):
        yield b"the first bytes"
        raise OSError(28, "No space left on device")


def test_half_a_file_never_takes_the_name(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    with pytest.raises(OSError, match="No space left"):
        default_storage.save("pictures/film.png", Interrupted(b"whatever"))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_enhanced_view_that_was_interrupted_is_drawn_anew(xray, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr("imaging.derived.File", lambda _drawn: Interrupted(b"whatever"))
        with pytest.raises(OSError, match="No space left"):
            open_enhanced(xray)
    with open_enhanced(xray) as picture:
        assert picture.read().startswith(b"\x89PNG")


def test_a_second_file_of_one_name_keeps_the_first(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    first, second = (default_storage.save("a.txt", ContentFile(text)) for text in (b"one", b"two"))
    assert first != second
    assert [default_storage.open(name).read() for name in (first, second)] == [b"one", b"two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([first, second])
