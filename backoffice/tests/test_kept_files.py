"""Kept files are sent whole, in part, as a head alone, or by the proxy."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.test import RequestFactory, override_settings

from backoffice.web.kept_files import send_kept

DATA = bytes(range(200))


@pytest.fixture
def ask():
    name = default_storage.save("originals/ab/a film.dcm", ContentFile(DATA))

    def ask(method: str = "get", **headers: str):
        request = getattr(RequestFactory(), method)("/", headers=headers)
        return send_kept(request, default_storage.open(name), content_type="application/dicom", download_as="xray.dcm")

    return ask


def body(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_without_a_range_all_of_it_comes_and_says_that_parts_may_be_had(ask):
    answer = ask()
    assert (answer.status_code, body(answer)) == (200, DATA)
    assert (answer["Accept-Ranges"], answer["Content-Length"]) == ("bytes", "200")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, 200),
        ("bytes=-50", 150, 200),
        ("bytes=-5000", 0, 200),
        ("bytes=199-5000", 199, 200),
        ("bytes=7-7", 7, 8),
    ],
)
def test_one_part_is_sent(ask, asked, start, end):
    answer = ask(Range=asked)
    assert answer.status_code == 206
    assert answer["Content-Range"] == f"bytes {start}-{end - 1}/200"
    assert answer["Content-Length"] == str(end - start)
    assert answer["Content-Type"] == "application/dicom"
    assert answer["Content-Disposition"] == 'attachment; filename="xray.dcm"'
    assert (answer["Cache-Control"], answer["X-Content-Type-Options"]) == ("private, no-store", "nosniff")
    assert body(answer) == DATA[start:end]


@pytest.mark.parametrize("asked", ["bytes=200-", "bytes=5000-6000", "bytes=-0"])
def test_a_part_that_it_has_not_is_refused(ask, asked):
    answer = ask(Range=asked)
    assert (answer.status_code, answer["Content-Range"], body(answer)) == (416, "bytes */200", b"")
    assert answer["Content-Length"] == "0"


@pytest.mark.parametrize("asked", ["bytes=9-3", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=٣-٤"])
def test_what_is_no_part_is_as_if_not_asked(ask, asked):
    answer = ask(Range=asked)
    assert (answer.status_code, body(answer)) == (200, DATA)


def test_who_has_a_part_of_another_file_gets_all_of_this_one(ask):
    tag = ask()["ETag"]
    assert ask(Range="bytes=0-9", **{"If-Range": tag}).status_code == 206
    other = ask(Range="bytes=0-9", **{"If-Range": '"another"'})
    assert (other.status_code, body(other)) == (200, DATA)


def test_a_head_says_how_much_there_is_and_sends_nothing(ask):
    answer = ask("head", Range="bytes=0-9")
    assert (answer.status_code, answer["Content-Length"], answer.content) == (200, "200", b"")
    assert not answer.streaming


@override_settings(X_ACCEL_LOCATION="/private-files/")
def test_a_proxy_is_told_where_the_file_lies_and_sends_it(ask):
    answer = ask(Range="bytes=0-9")  # which is the proxy's to answer
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer["X-Accel-Redirect"] == "/private-files/originals/ab/a%20film.dcm"
    assert answer["Content-Disposition"] == 'attachment; filename="xray.dcm"'
    assert (answer["Cache-Control"], answer["Content-Type"]) == ("private, no-store", "application/dicom")
    assert "Content-Length" not in answer


@override_settings(X_ACCEL_LOCATION="/private-files/")
def test_what_lies_elsewhere_no_proxy_is_asked_for(ask, monkeypatch):
    monkeypatch.setattr("backoffice.web.kept_files.default_storage", Storage())
    answer = ask()
    assert "X-Accel-Redirect" not in answer
    assert body(answer) == DATA
