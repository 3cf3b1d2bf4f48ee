"""What is too large, or not for its sender to send, is refused before any of it is read."""

import io

import pytest

from backoffice.web.sizes import SMALL

pytestmark = pytest.mark.django_db

FILM, TABLE, BOOK = "/admin/imaging/xrayimage/add/", "/admin/clinic/patient/import/", "/book/"
MULTIPART = "multipart/form-data; boundary=edge"


class ReadError(Exception):
    pass


class Body(io.RawIOBase):
    """Of any length, and not to be read."""

    def read(self, *args):
        raise ReadError


@pytest.fixture
def send(client):
    def post(path: str, length: int | str = 200_000_000, **environment):
        body = {"wsgi.input": Body(), "CONTENT_LENGTH": str(length), "CONTENT_TYPE": MULTIPART}
        return client.post(path, **(body | environment))

    return post


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 413) for path in (BOOK, "/book/details/", "/i18n/setlang/", "/admin/login/", "/admin/nowhere/")),
        *((path, 413) for path in (FILM, TABLE)),
        ("/nowhere/", 404),
    ],
)
def test_a_stranger_sends_no_more_than_a_form(send, path, status):
    assert send(path, SMALL + 1).status_code == status
    answer = send(path)
    assert answer.status_code == status
    if status == 413:
        assert "at most 64.0\xa0KB are taken here" in answer.text
        assert "<h1>This is too much at once</h1>" in answer.text


def test_whoever_works_here_sends_files_where_their_role_may(send, client, front_desk, clinician, administrator):
    client.force_login(front_desk)
    assert send(FILM).status_code == 403
    client.force_login(clinician)
    assert send(TABLE).status_code == 403
    for person, path in ((clinician, FILM), (administrator, TABLE)):
        client.force_login(person)
        with pytest.raises(ReadError):
            send(path)


def test_a_page_that_takes_no_files_takes_no_more_than_a_form_from_anybody(send, client, administrator):
    client.force_login(administrator)
    answer = send("/admin/clinic/patient/add/")
    assert answer.status_code == 400
    assert "at most 2.5\xa0MB of text" in answer.text
    with pytest.raises(ReadError):
        send("/admin/clinic/patient/add/", 2_000_000)


@pytest.mark.parametrize("length", ["", "x", "-1"])
def test_of_a_body_that_says_no_length_nothing_is_read(send, length):
    assert send(BOOK, length, HTTP_TRANSFER_ENCODING="chunked").status_code in (303, 400)


def test_a_form_that_is_none_is_no_error_of_ours_wherever_it_is_sent(client):
    client.raise_request_exception = False
    for path in (BOOK, "/nowhere/", "/bookings/nobody/move/", "/admin/login/"):
        answer = client.generic("POST", path, bytes(3000), content_type=MULTIPART)
        assert answer.status_code in (400, 404), path
