"""Both languages are whole: no page of the admin says anything Chinese in English. That none says a word of English in
Chinese is held where every page is asked for: in test_access_matrix.py."""

import pytest

from backoffice.tests.languages import CHINESE
from inference.tests import access_matrix as matrix
from inference.tests.reading import NOT_THERE, Reading

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("on_a_walk")]


@pytest.mark.parametrize("column", matrix.COLUMNS)
def test_no_page_of_the_admin_says_anything_chinese_to_who_reads_english(column, people, rows):
    visit = Reading(people[column], "en", CHINESE)
    shown = matrix.read()
    for path in matrix.addresses():
        url = matrix.filled_in(path, rows)
        if shown[matrix.readable(path)][column].startswith("yes") or url == NOT_THERE:
            visit.ask("GET", url)
    assert visit.found == {}
    assert visit.pages > 5
