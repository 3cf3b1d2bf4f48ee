"""Every list and every record's page, at two sizes: none asks the database more often than query_budgets.json allows,
and none asks more often because there is more.

WRITE_QUERY_BUDGETS=1 pytest inference/tests/test_query_budgets.py   writes the file anew, from what is asked now.
"""

import json
import os
from pathlib import Path

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from backoffice.models import User
from inference.tests.crowd import one_more_of_everything

FILE = Path(__file__).with_name("query_budgets.json")
SMALL, LARGE = 3, 60

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def owner(client):
    """Somebody who sees everything."""
    client.force_login(User.objects.create_superuser("owner"))
    return client


def pages() -> dict[str, str]:
    """The address of each list, and of the first record in it."""
    found = {}
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        found[f"{model._meta.label} list"] = reverse(f"admin:{name}_changelist")
        first = model._default_manager.order_by("pk").first()
        if first is not None:
            found[f"{model._meta.label} record"] = reverse(f"admin:{name}_change", args=[first.pk])
    return found


def asked(client, address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address, follow=True).status_code == 200, address
    return sum(not is_about_the_session(query["sql"]) for query in queries)


def is_about_the_session(sql: str) -> bool:
    """That somebody is at work is written once a minute, by whichever page comes then."""
    return "django_session" in sql or sql.startswith(("SAVEPOINT", "RELEASE"))


def asked_of_everything(client) -> dict[str, int]:
    return {name: asked(client, address) for name, address in sorted(pages().items())}


def test_no_page_asks_more_often_than_its_budget_or_for_more_rows(owner):
    for number in range(SMALL):
        one_more_of_everything(number)
    asked_of_everything(owner)  # content types are read once, and the trail has then seen every kind of record
    small = asked_of_everything(owner)
    for number in range(SMALL, LARGE):
        one_more_of_everything(number)
    large = asked_of_everything(owner)

    assert {name: (small[name], n) for name, n in large.items() if n > small.get(name, n)} == {}
    if os.environ.get("WRITE_QUERY_BUDGETS"):
        FILE.write_text(json.dumps(large, indent=2) + "\n")
    budgets = json.loads(FILE.read_text())
    assert sorted(budgets) == sorted(large)
    assert {name: (budgets[name], n) for name, n in large.items() if n > budgets[name]} == {}
