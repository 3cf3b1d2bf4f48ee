"""A document in a patient's hand is compared with what was published, in a real browser, which sends no file."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from inference.tests.reporting import kept_pdf, published, signed_answer

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_a_file_is_known_by_its_fingerprint_and_never_sent(browser_page, client, clinician):
    client.force_login(clinician)
    report = published(client, signed_answer(clinician))
    file = kept_pdf(report)
    page, sent = browser_page, []
    page.on("request", lambda request: sent.append((request.method, request.post_data_buffer)))
    page.goto(reverse("report_check", args=[report.key]))
    page.get_by_label("The PDF file").set_input_files(
        {"name": "report.pdf", "mimeType": "application/pdf", "buffer": file}
    )
    expect(page.get_by_text("This is what we published, and the newest version.")).to_be_visible()
    expect(page.get_by_label("or its fingerprint")).to_have_value(report.sha256)
    page.get_by_label("The PDF file").set_input_files(
        {"name": "report.pdf", "mimeType": "application/pdf", "buffer": file + b" "}
    )
    expect(page.get_by_text("This is not what we published")).to_be_visible()
    assert {method for method, _body in sent} == {"GET"}
    assert not any(body for _method, body in sent)
