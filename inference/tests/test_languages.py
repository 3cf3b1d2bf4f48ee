"""Both languages are whole: no page of the admin says a word of English in Chinese, nor anything Chinese in English."""

from collections.abc import Iterator

import pytest

from backoffice.tests.languages import CHINESE, ENGLISH, blanks_after_signs, said
from inference.tests import access_matrix as matrix

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NAMES = {
    "Collimator",
    "Riverside Clinic",
    "Excel",
    "timm",
    "logits",
    "SOP Instance UID",
    # Keys, as keyboards in Taiwan say them.
    "Shift",
    "Esc",
    # People of these tests, a job, and a report's text.
    "administrators",
    "frontdesk",
    "clinicians",
    "idle",
    "remind",
    "clear",
    # What a file may hold, as an example; roles and diagnoses are written there as they are kept.
    "Front desk",
    "cough, fever",
    "Normal",
}
SAYS_WHY_NOT = {"<anything else>"}  # one page that is not there; who reaches what is another test's


def asked_of(column: str, language: str) -> Iterator[tuple[str, str]]:
    """(method, address) of every page that this role is shown. What is wrong with a form is asked in Chinese alone."""
    shown = matrix.read()
    for path in matrix.addresses():
        row = matrix.readable(path)
        for method, word in zip(("GET", "POST"), shown[row][column].split(), strict=True):
            if (word == "yes" or row in SAYS_WHY_NOT) and (method == "GET" or language == "zh-hant"):
                yield method, path


@pytest.fixture
def crawl(rows):
    """What each page tells this person beside their language: {(method, address): words}."""

    def crawled(column: str, person, language: str, others) -> dict:
        person.language = language
        person.save()
        visit, found, pages = matrix.Visit(person), {}, 0
        for method, path in asked_of(column, language):
            answer, _changed = visit.ask(method, matrix.filled_in(path, rows))
            if "text/html" in answer.get("Content-Type", ""):
                pages += 1
                assert answer["Content-Language"] == language, path
                if words := said(answer.text, others, NAMES) | blanks_after_signs(answer.text):
                    found[method, path] = words
        assert pages > 5
        return found

    return crawled


@pytest.mark.parametrize("column", matrix.COLUMNS)
@pytest.mark.parametrize(("language", "others"), [("zh-hant", ENGLISH), ("en", CHINESE)], ids=["Chinese", "English"])
def test_every_page_of_the_admin_speaks_one_language(crawl, people, column, language, others):
    assert crawl(column, people[column], language, others) == {}
