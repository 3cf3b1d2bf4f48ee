"""Both languages are whole: no page says an English sentence in Chinese, nor anything Chinese in English."""

import re
from html.parser import HTMLParser

import pytest

from inference.tests import access_matrix as matrix

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SHOWN = {"alt", "title", "placeholder", "aria-label", "data-label", "data-lost"}
ENGLISH = re.compile(r"[A-Za-z][a-z’']+(?:,? [A-Za-z][a-z’']+)+")
CHINESE = re.compile(r"[\u3400-\u9fff]+")

# Names, codes and what people typed are in one language.
NAMES = {
    "Riverside Clinic",
    "Wang Mei-Ling",
    # What a table may hold, as an example.
    "cough, fever",
    "Front desk",
    # The values of diagnoses, where a model's labels are shown as they are written down.
    "Viral Pneumonia",
    "Lung Opacity",
}


class Words(HTMLParser):
    """What a page shows or reads out, as one list of texts."""

    def __init__(self, html: str):
        super().__init__()
        self.texts: list[str] = []
        self.is_code = False
        self.is_of_another_language = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.is_code = tag in ("script", "style", "code")
        self.is_of_another_language = tag == "button" and "lang" in attrs
        self.texts += [attrs[name] for name in SHOWN & set(attrs) if attrs[name]]

    def handle_endtag(self, tag):
        self.is_code = self.is_of_another_language = False

    def handle_data(self, data):
        if not self.is_code and not self.is_of_another_language:
            self.texts.append(data)


def said(html: str, language: re.Pattern) -> set[str]:
    return {found for text in Words(html).texts for found in language.findall(text)} - NAMES


@pytest.fixture
def crawl(people, rows):
    """Every page of the admin that this role can open, in this language: (address, page)."""
    reached = matrix.read()

    def crawled(role, language):
        people[role].language = language
        people[role].save()
        visit = matrix.Visit(people[role])
        for path in matrix.addresses():
            if not reached[matrix.readable(path)][role].startswith("yes"):
                continue
            url = matrix.filled_in(path, rows)
            answer, _changed = visit.ask("GET", url)
            if answer.status_code == 200 and "text/html" in answer["Content-Type"]:
                yield url, answer.text

    return crawled


@pytest.mark.parametrize("role", ["Administrators", "Front desk", "Clinicians"])
def test_no_page_of_the_admin_says_an_english_sentence_in_chinese(crawl, role):
    found = {url: said(page, ENGLISH) for url, page in crawl(role, "zh-hant")}
    assert len(found) > 20
    assert {url: words for url, words in found.items() if words} == {}


def test_no_page_of_the_admin_says_anything_chinese_in_english(crawl):
    found = {url: said(page, CHINESE) for url, page in crawl("Administrators", "en")}
    assert {url: words for url, words in found.items() if words} == {}
