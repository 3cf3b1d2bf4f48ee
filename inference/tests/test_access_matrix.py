"""Every address of the admin, by GET and POST, and every action, as each role meets it: against access_matrix.txt.

Whoever goes that way reads Chinese, and finds no English on it: each page is made once for both questions.
"""

import os

import pytest
from django_otp.plugins.otp_totp.models import TOTPDevice
from model_bakery import baker

from backoffice.tests.languages import ENGLISH
from inference.tests import access_matrix as matrix
from inference.tests.reading import Reading

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("on_a_walk")]

WRITE = "WRITE_ACCESS_MATRIX" in os.environ
OPEN_TO_ALL = {"login/", "logout/"}
ON_THE_WAY_IN = {"second-factor/ask/", "second-factor/set-up/"}


@pytest.mark.parametrize("column", matrix.COLUMNS)
def test_each_role_reaches_what_the_matrix_says_and_nothing_else_and_no_page_says_a_word_of_english(
    column, people, rows
):
    visit = Reading(people[column], "zh-hant", ENGLISH)
    found = dict(matrix.row_of(visit, path, rows) for path in matrix.addresses())
    found |= dict(matrix.action_rows(visit, rows))
    expected = matrix.read()
    if WRITE:
        table = {row: expected.get(row, {}) | {column: cell} for row, cell in found.items()}
        matrix.FILE.write_text(matrix.written(table))
        expected = matrix.read()
    wrong = {
        row: (cell, expected.get(row, {}).get(column, "not in the matrix"))
        for row, cell in found.items()
        if expected.get(row, {}).get(column) != cell
    }
    assert wrong == {}, "{row: (what happens, what the matrix says)}; access_matrix.py tells how to write it anew"
    assert set(expected) - set(found) == set(), "rows of the matrix that are no address any more"
    assert visit.found == {}, "{page: the English on it}"
    assert visit.pages > 5


@pytest.fixture(params=["nobody", "a patient", "owes a code"])
def stranger(request, people, django_user_model):
    if request.param == "nobody":
        return None
    if request.param == "a patient":
        return django_user_model.objects.create_user("patient")
    baker.make(TOTPDevice, user=people["Administrators"], confirmed=True)
    return people["Administrators"]


def test_everybody_else_is_led_to_sign_in_from_everywhere(stranger, rows):
    visit = matrix.Visit(stranger)
    open_to_them = OPEN_TO_ALL | (ON_THE_WAY_IN if stranger and stranger.is_staff else set())
    reached = []
    for path in matrix.addresses():
        for method in ("GET", "POST"):
            response, changed = visit.ask(method, matrix.filled_in(path, rows))
            # Signing out is noted with the sign-in.
            assert not changed or path == "admin/logout/", f"{method} {path} changes something"
            if not matrix.leads_to_sign_in(response) and matrix.readable(path) not in open_to_them:
                reached.append((method, path, response.status_code))
    assert reached == []
