"""Whatever somebody writes into an address, a filter or a form: it is answered, never with an error of ours."""

import os
import re
from itertools import cycle

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory

from inference.tests import access_matrix as matrix
from inference.tests.impossible import MANY_DIGITS, PARAMETERS, Asked, Request, Requests, Stranger

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.usefixtures("on_a_walk")]

KEYS = [MANY_DIGITS, "-1", "x", "1\0", "é" * 300, "0x10", "1.5"]
VALUES = ["\0", MANY_DIGITS, "-1", "x", "9999-12-31", "0001-01-01", "é" * 5000, "13", "1,x,99999999999999999999", "[]"]
LISTS = tuple(f"/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry)


class Sender:
    """Somebody who works here, and stays signed in whatever is sent: each request is taken back."""

    def __init__(self, person):
        client = Client()
        client.force_login(person)
        self.stranger, self.failed = Stranger(client), []

    def get(self, url: str, parameters: dict) -> None:
        self.send(Request("GET", url, parameters))

    def post(self, url: str, form: dict) -> None:
        self.send(Request("POST", url, form))

    def send(self, request: Request) -> None:
        if self.stranger.ask(request).status_code >= 500:
            self.failed.append(str(request))

    def is_signed_in(self) -> bool:
        return self.stranger.ask(Request("GET", "/admin/")).status_code == 200


def test_no_key_in_an_address_is_an_error_of_ours(people, rows):
    sender = Sender(people["Administrators"])
    for path in matrix.addresses():
        if "<path:object_id>" in path or "([^/]+)" in path:
            for key in KEYS:
                url = path.replace("<path:object_id>", key).replace(
                    "^([^/]+)/history/([^/]+)/$", f"{key}/history/{key}/"
                )
                sender.get(f"/{url}", {})
    assert not sender.failed, "\n".join(sender.failed)
    assert sender.is_signed_in()


LONGER_THAN_PYTHON_COUNTS = "9" * 5000


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("autocomplete/", "term=a&app_label=clinic&model_name=appointment&field_name=patient&page=%s"),
        ("inference/prediction/live/", "live=%s"),
        ("clinic/appointment/", "session__date__year=%s"),
        ("clinic/closure/", "starts_on__year=%s"),
        ("clinic/closure/", "starts_on__year=2147483648"),
        ("clinic/appointment/", "session__date__year=2026&session__date__month=2147483648"),
        ("backoffice/accessevent/", "of=%s-%s"),
        ("clinic/patient/", "p=%s"),
    ],
)
def test_a_number_that_is_too_long_in_an_address_is_no_error_of_ours(people, path, parameters):
    sender = Sender(people["Administrators"])
    sender.get(f"/admin/{path}?{parameters.replace('%s', LONGER_THAN_PYTHON_COUNTS)}", {})
    assert not sender.failed


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("clinic/patient/%s/change/", {"full_name": "Lin"}),
        ("clinic/openinghours/%s/history/1/", {"reason": "x"}),
        ("clinic/openinghours/0/change/", {"visit_%s": "cancel"}),
        ("clinic/symptom/", {"_save": "", "form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": "%s"}),
        ("clinic/patient/merge/", {"first": "%s", "second": "%s"}),
    ],
)
def test_nor_in_a_form(people, path, form):
    sender = Sender(people["Administrators"])
    sent = {name.replace("%s", LONGER_THAN_PYTHON_COUNTS): str(value) for name, value in form.items()}
    sent = {name: value.replace("%s", LONGER_THAN_PYTHON_COUNTS) for name, value in sent.items()}
    sender.post(f"/admin/{path.replace('%s', LONGER_THAN_PYTHON_COUNTS)}", sent)
    assert not sender.failed


def test_no_field_of_any_form_and_no_action_is_an_error_of_ours(people, rows):
    sender = Sender(people["Administrators"])
    for model, model_admin in admin.site._registry.items():
        request = RequestFactory().get("/admin/")
        request.user = people["Administrators"]
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if not (model_admin.has_add_permission(request) or model_admin.has_change_permission(request)):
            continue
        fields = model_admin.get_form(request).base_fields
        row = rows.get(model._meta.label_lower)
        forms = cycle([f"{base}add/", f"{base}{row.pk if row else 0}/change/"])  # of the same fields
        for value, url in zip(VALUES, forms, strict=False):
            sender.post(url, dict.fromkeys(fields, value))
        for value in KEYS[:3]:
            sender.get(f"{base}add/", dict.fromkeys(fields, value))
            sender.post(base, {"action": "hide", "_selected_action": value, "index": value, "select_across": value})
    assert not sender.failed, "\n".join(sender.failed)
    assert sender.is_signed_in()


@pytest.mark.parametrize("value", VALUES)
def test_nothing_that_a_visitor_sends_is_an_error_of_ours(client, rows, value):
    client.raise_request_exception = False
    names = [
        "session",
        "full_name",
        "date_of_birth",
        "national_id",
        "phone",
        "email",
        "symptoms",
        "username",
        "password",
    ]
    answers = [client.get(url, dict.fromkeys(PARAMETERS, value)) for url in ("/book/", "/now/", "/admin/login/")]
    form = dict.fromkeys(names, value)
    answers += [client.post(url, form) for url in ("/book/", "/book/details/", "/book/survey/", "/admin/login/")]
    answers += [client.get(f"/bookings/{value}/"), client.get("/book/", headers={"cookie": f"sessionid={value}"})]
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []


PUBLIC = [
    "/",
    "/book/",
    "/book/details/",
    "/book/survey/",
    "/book/done/",
    "/now/",
    "/i18n/setlang/",
    "/healthz",
    "/nowhere/",
]
OWN = ["", "move/", "cancel/", "calendar.ics"]
PARTS = 3  # for as many processes
TIMES = int(os.environ.get("IMPOSSIBLE_VALUES", 1))  # so many times as many: a thousand are an hour, and nearly all


def all_pages(rows) -> list[str]:
    visit = rows["clinic.appointment"]
    admins = [matrix.filled_in(path, rows) for path in matrix.addresses() if "logout" not in path]
    return [*PUBLIC, *(f"/bookings/{visit.reference}/{page}" for page in OWN), *admins]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_with_impossible_values_is_an_error_of_ours(people, rows, client, part):
    """A few of each page's, chosen by its name. IMPOSSIBLE_VALUES=100 sends more, to the database of DATABASE_URL."""
    client.force_login(people["Administrators"])
    slot = re.search(r'name="session" value="([^"]+)"', client.get("/book/").text)[1]
    person = {"full_name": "Lin", "date_of_birth": "1984-05-02", "sex": "female", "phone": "0912345678"}
    client.post("/book/", {"session": slot})
    client.post("/book/details/", person)
    stranger, failed = Stranger(client), []
    for path in all_pages(rows)[part::PARTS]:
        found = stranger.ask(Request("GET", path))
        is_page = found.get("Content-Type", "").startswith("text/html") and not found.streaming
        # A list makes a value of each of its parameters, which are many.
        gets = 6 if path.endswith(LISTS) else 1
        sent = Requests(path, Asked(found.text) if is_page else None).a_few(TIMES, gets)
        failed += [str(request) for request in sent if stranger.ask(request).status_code >= 500]
    assert not failed, "\n".join(failed)
    assert stranger.ask(Request("GET", "/admin/")).status_code == 200  # all that was asked as somebody who works here
