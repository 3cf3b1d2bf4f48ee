"""What a browser objects to is said in the page's language, whatever the browser's own is."""

import pytest
from playwright.sync_api import Page

from backoffice.tests.languages import CHINESE

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_field_that_is_left_empty_is_objected_to_in_the_pages_words_until_it_is_filled_in(
    browser_page: Page, live_server, settings
):
    chosen = {"name": settings.LANGUAGE_COOKIE_NAME, "value": "zh-hant", "url": live_server.url}
    browser_page.context.add_cookies([chosen])
    browser_page.goto("/admin/login/")
    name = browser_page.locator("input[name=username]")
    browser_page.click("form.card button[type=submit]")
    assert CHINESE.search(name.evaluate("field => field.validationMessage"))
    name.fill("mei")
    assert name.evaluate("field => field.checkValidity()")
    name.fill("")
    assert CHINESE.search(name.evaluate("field => (field.reportValidity(), field.validationMessage)"))
