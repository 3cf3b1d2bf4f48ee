"""Every page of every table of the admin: nothing that a strict policy refuses, and everything has a name."""

from html.parser import HTMLParser

import pytest
from django.contrib import admin
from django.urls import reverse

from backoffice.models import User
from inference.tests.crowd import one_more_of_everything

pytestmark = pytest.mark.django_db

CONTROLS = {"input", "select", "textarea"}
UNNAMED_TYPES = {"hidden", "submit", "button", "image"}  # these need no label: they carry their words, or are not shown


class Page(HTMLParser):
    """What is wrong with a page, as a reader or a browser finds it."""

    def __init__(self, html: str):
        super().__init__()
        self.faults: list[str] = []
        self.tags: list[str] = []
        self.title = ""
        self.labels: set[str] = set()
        self.controls: list[tuple[str, str]] = []
        self.headings: list[int] = []
        self.open_labels = 0
        self.feed(html)
        self.close()
        self._judge()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if (tag == "script" and "src" not in attrs) or tag == "style":
            self._fault("inline")
        for name, value in attrs.items():
            if name.startswith("on") or (value or "").startswith("javascript:"):
                self._fault("handler")
            if name == "style":
                self._fault("inline")
            if name in ("src", "href", "action") and (value or "").startswith(("http:", "https:", "//")):
                self._fault("other host")
        if tag == "html" and not attrs.get("lang"):
            self._fault("no language")
        if tag == "label":
            self.open_labels += 1
            self.labels.add(attrs.get("for", ""))
        if tag == "img" and "alt" not in attrs:
            self._fault("picture without a text")
        if tag in CONTROLS and attrs.get("type") not in UNNAMED_TYPES:
            named = self.open_labels or attrs.get("aria-label") or attrs.get("aria-labelledby")
            self.controls += [] if named else [(attrs.get("id", ""), self.get_starttag_text())]
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag):
        if tag == "label":
            self.open_labels -= 1

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "title":
            self.title += data

    def _fault(self, what: str) -> None:
        self.faults.append(f"{what}: {self.get_starttag_text()}")

    def _judge(self) -> None:
        self.faults += [f"no label: {text}" for key, text in self.controls if key not in self.labels]
        self.faults += [] if self.title.split("|")[0].strip() else ["no title"]
        for tag in ("h1", "main"):
            self.faults += [] if self.tags.count(tag) == 1 else [f"{self.tags.count(tag)} × {tag}"]
        levels = [level for level in self.headings if level > 1]
        steps = zip([1, *levels], levels, strict=False)
        self.faults += [f"h{deeper} under h{level}" for level, deeper in steps if deeper > level + 1]


@pytest.fixture
def owner(client):
    """Somebody who sees everything, also what no role opens."""
    client.force_login(User.objects.create_superuser("owner"))
    return client


def pages() -> list[str]:
    found = [reverse("admin:index"), reverse("admin:password_change")]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        first = model._default_manager.order_by("pk").first()
        found += [reverse(f"{name}_changelist"), f"{reverse(f'{name}_changelist')}?q=nowhere", reverse(f"{name}_add")]
        if first is not None:
            found += [reverse(f"{name}_{kind}", args=[first.pk]) for kind in ("change", "history")]
    return found


def faults_of(client, address: str) -> list[str]:
    answer = client.get(address, follow=True)
    if answer.status_code == 403:
        return []  # a record that nobody adds by hand, or that has no history
    assert answer.status_code == 200, address
    return [f"{address} {fault}" for fault in Page(answer.text).faults]


@pytest.mark.slow
def test_every_page_is_clean_where_there_is_nothing_yet(owner):
    assert [fault for address in pages() for fault in faults_of(owner, address)] == []


@pytest.mark.slow
def test_every_page_is_clean_where_there_is_something(owner):
    one_more_of_everything(1)
    assert [fault for address in pages() for fault in faults_of(owner, address)] == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<script>1</script>", "inline: <script>"),
        ('<a onclick="x()">', "handler"),
        ('<a href="https://example.org/">', "other host"),
        ('<input id="a">', "no label"),
        ("<h3>", "h3 under h1"),
        ("<h1>", "2 × h1"),
    ],
)
def test_the_eye_that_looks_for_faults_sees_them(html, fault):
    well = '<html lang="en"><title>Patients | Collimator</title><main><h1>Patients</h1>{}</main></html>'
    assert Page(well.format("")).faults == []
    assert any(found.startswith(fault) for found in Page(well.format(html)).faults)
