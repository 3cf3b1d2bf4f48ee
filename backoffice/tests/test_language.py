"""Which language somebody reads: what they chose, else what their browser asks for."""

import datetime
import os
import subprocess
import sys
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format

from backoffice import demo
from backoffice.models import User
from backoffice.tests.installations import ROOT

pytestmark = pytest.mark.django_db

HOME = reverse("admin:index")
CHOOSE = reverse("set_language")


def test_a_visitor_reads_what_the_browser_asks_for(client):
    page = client.get("/book/", headers={"Accept-Language": "zh-TW,zh;q=0.9"})
    assert page["Content-Language"] == "zh-hant"
    assert '<html lang="zh-hant">' in page.text
    assert "您想什麼時候來？" in page.text


def test_a_visitor_who_chooses_a_language_stays_on_the_page_and_keeps_it(client):
    answer = client.post(CHOOSE, {"language": "zh-hant", "next": "/book/"})
    assert (answer.status_code, answer["Location"]) == (302, "/book/")
    assert "您想什麼時候來？" in client.get("/book/").text
    client.post(CHOOSE, {"language": "en", "next": "/book/"})
    assert "When would you like to come?" in client.get("/book/", headers={"Accept-Language": "zh-TW"}).text


def test_who_is_signed_in_finds_their_language_on_another_machine(client, front_desk):
    client.force_login(front_desk)
    client.post(CHOOSE, {"language": "zh-hant", "next": HOME})
    elsewhere = Client(headers={"Accept-Language": "en"})
    elsewhere.force_login(front_desk)
    assert "登出" in elsewhere.get(HOME).text
    assert "登出" not in Client(headers={"Accept-Language": "en"}).get(reverse("admin:login")).text


def test_choosing_a_language_is_no_line_in_a_persons_history(client, front_desk):
    client.force_login(front_desk)
    versions = front_desk.history.count()
    client.post(CHOOSE, {"language": "zh-hant"})
    assert front_desk.history.count() == versions


@pytest.mark.parametrize("sent", [{"language": "tlh"}, {"language": ""}, {}])
def test_a_language_that_the_site_does_not_speak_is_not_kept(client, front_desk, sent):
    client.force_login(front_desk)
    client.post(CHOOSE, sent)
    front_desk.refresh_from_db()
    assert front_desk.language == ""


def test_the_choice_leads_to_no_other_site(client):
    assert "evil" not in client.post(CHOOSE, {"language": "en", "next": "https://evil.example/"})["Location"]


@pytest.mark.parametrize(
    ("language", "told"), [("en", "Friday 27 November"), ("zh-hant", "11月27日（五）")], ids=["English", "Chinese"]
)
def test_a_day_is_written_as_each_language_writes_it(language, told):
    with translation.override(language):
        assert date_format(datetime.date(2026, 11, 27), "LONG_DAY_FORMAT") == told


def test_commands_speak_the_clinics_language(tmp_path):
    environment = {**os.environ, "CLINIC_LANGUAGE": "zh-hant", "DJANGO_DEBUG": "0", "DATA_DIR": str(tmp_path)}
    refused = subprocess.run(
        [sys.executable, ROOT / "manage.py", "load_demo"], env=environment, capture_output=True, text=True
    )
    assert "示範資料的密碼是公開的" in refused.stderr


def test_the_demos_people_speak_the_language_that_it_is_started_in_unless_they_chose_one(settings):
    demo.load(StringIO())
    User.objects.filter(username="clinician").update(language="en")
    settings.LANGUAGE_CODE = "zh-hant"
    demo.load(StringIO())
    spoken = dict(User.objects.values_list("username", "language"))
    assert spoken == {"admin": "zh-hant", "frontdesk": "zh-hant", "clinician": "en"}


def test_the_demos_people_follow_their_browsers_where_no_language_is_set(db):
    demo.load(StringIO())
    assert set(User.objects.values_list("language", flat=True)) == {""}
