"""What is printed: the same pages by a sheet of styles for paper, and a booking's slip with its link."""

import re

import pytest
from django.urls import reverse

from backoffice.tests.installations import ROOT
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

FOR_PAPER = re.compile(r'<link rel="stylesheet" href="[^"]*print[^"]*\.css" media="print">\s*</head>')


def test_pages_for_patients_and_for_staff_are_printed_by_a_sheet_of_their_own(client, front_desk):
    booked = visit(session_today())
    assert FOR_PAPER.search(client.get(reverse("clinic:booking", args=[booked.reference])).text)
    client.force_login(front_desk)
    assert FOR_PAPER.search(client.get(reverse("admin:clinic_clinicsession_desk", args=[booked.session_id])).text)


def test_the_slip_holds_the_link_that_it_says_to_keep(client, settings):
    settings.SITE_URL = "https://clinic.example"
    booked = visit(session_today())
    own = reverse("clinic:booking", args=[booked.reference])
    assert f"<code>https://clinic.example{own}</code>" in client.get(own).text


def test_paper_is_light_whatever_the_screen_is():
    tokens = (ROOT / "backoffice/static/backoffice/tokens.css").read_text()
    assert tokens.count("color-scheme: dark;") == len(re.findall(r"@media screen[^{]*\{\s*:root", tokens)) == 2


def test_nothing_that_is_pressed_is_printed():
    sheet = (ROOT / "backoffice/static/backoffice/print.css").read_text()
    hidden = sheet[: sheet.index("{ display: none !important; }")].rpartition("*/")[2]
    assert {".btn", "button", ".language-choice", ".app-sidebar", ".actions", ".desk-tools"} <= {
        selector.strip() for selector in hidden.split(",")
    }
