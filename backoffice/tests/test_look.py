"""The admin's pages obey the Content-Security-Policy and can be used without a mouse."""

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from django.contrib import messages
from django.contrib.messages import constants
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django_q.models import Task
from model_bakery import baker

pytestmark = pytest.mark.django_db


class Page(HTMLParser):
    """What a strict policy would refuse on a page, and its headings."""

    def __init__(self, html: str):
        super().__init__()
        self.refused: list[str] = []
        self.tags: list[str] = []
        self.hosts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if (tag == "script" and "src" not in attrs) or tag == "style":
            self.refused.append(self.get_starttag_text())
        for name, value in attrs.items():
            if name.startswith("on") or (value or "").startswith("javascript:"):
                self.refused.append(self.get_starttag_text())
            if name in ("src", "href", "action") and (value or "").startswith(("http:", "https:", "//")):
                self.hosts.append(value)


def test_a_persons_own_pages_are_as_clean(client, administrator):
    client.force_login(administrator)
    for name in ("change", "history"):
        page = Page(client.get(reverse(f"admin:backoffice_user_{name}", args=[administrator.pk])).text)
        assert page.refused == []
    page = Page(client.get(reverse("admin:auth_user_password_change", args=[administrator.pk])).text)
    assert page.refused == []
    assert Page(client.post(reverse("admin:logout")).text).refused == []


def test_the_sign_in_page_labels_its_fields(client):
    html = client.get(reverse("admin:login")).text
    assert Page(html).refused == []
    assert 'for="id_username"' in html
    assert 'for="id_password"' in html


def test_a_password_can_be_changed(client, administrator):
    administrator.set_password("old words that worked")
    administrator.save()
    client.force_login(administrator)
    new = {"new_password1": "new words that work", "new_password2": "new words that work"}
    response = client.post(reverse("admin:password_change"), {"old_password": "old words that worked", **new})
    assert response.status_code == 302
    administrator.refresh_from_db()
    assert administrator.check_password("new words that work")


def test_a_persons_page_leads_to_a_new_password_and_shows_nothing_of_the_old_one(client, administrator):
    administrator.set_password("old words that worked")
    administrator.save()
    client.force_login(administrator)
    html = client.get(reverse("admin:backoffice_user_change", args=[administrator.pk])).text
    assert "../password/" in html
    assert administrator.password.split("$")[0] not in html


def test_a_list_of_tasks_says_when_how_long_and_why_it_failed_without_the_traceback(client, administrator):
    stopped = timezone.now()
    told = 'no memory : Traceback (most recent call last):\n  File "worker.py"'
    baker.make(
        Task, id="a", func="a.task", success=False, started=stopped - timedelta(seconds=2), stopped=stopped, result=told
    )
    client.force_login(administrator)
    html = client.get(reverse("admin:django_q_failure_changelist")).text
    assert "a.task" in html
    assert "2.0 s" in html
    assert "no memory" in html
    assert "Traceback" not in html
    assert "Traceback" in client.get(reverse("admin:django_q_failure_change", args=["a"])).text


@pytest.mark.parametrize("level", constants.DEFAULT_TAGS)
def test_a_message_with_extra_tags_is_shown(level):
    said = messages.storage.base.Message(level, "The film is kept.", extra_tags="upload")
    html = render_to_string("admin/includes/messages.html", {"messages": [said]})
    assert "The film is kept." in html
    assert "upload" in html


def test_filters_keep_the_search_and_can_be_cleared(client, administrator):
    client.force_login(administrator)
    html = client.get(reverse("admin:clinic_patient_changelist") + "?q=chen&sex__exact=male").text
    assert "?q=chen&amp;sex__exact=female" in html
    assert 'name="sex__exact" value="male"' in html
    assert "Clear filters" in html
