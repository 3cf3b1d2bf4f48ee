"""What an address may ask a list for: what its page offers, and nothing that tells of more."""

import pytest
from django.contrib import admin
from django.urls import reverse

from backoffice.models import User
from inference.tests.crowd import one_more_of_everything

pytestmark = pytest.mark.django_db

WAYS = ["", "__exact", "__regex", "__iregex", "__startswith", "__gte", "__in", "__isnull", "__pk", "__id__exact"]


@pytest.fixture
def owner(client):
    """Somebody who sees everything, also what no role opens."""
    client.force_login(User.objects.create_superuser("owner"))
    return client


def page(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def offered_by(client, model) -> set[str]:
    """The parameters of the filters that stand on the page, and of the days above it."""
    shown = client.get(page(model)).context["cl"]
    offered = {name for spec in shown.filter_specs for name in spec.expected_parameters()}
    return offered | {f"{shown.date_hierarchy}__{part}" for part in ("year", "month", "day")}


def names_in(model) -> set[str]:
    """All that Django would look up: columns, by both of their names, and relations both ways."""
    fields = model._meta.get_fields()
    names = {"pk", *(field.name for field in fields), *(getattr(field, "attname", field.name) for field in fields)}
    across = [field for field in fields if field.is_relation and field.related_model]
    further = {f"{field.name}__{other.name}" for field in across for other in field.related_model._meta.get_fields()}
    return names | further


def test_a_list_is_asked_for_nothing_but_what_its_page_offers(owner, rf):
    one_more_of_everything(1)
    request = rf.get("/")
    request.user = User.objects.get(username="owner")
    for model, model_admin in admin.site._registry.items():
        offered = offered_by(owner, model) | {"pk__in", *model_admin.links_by}
        offered |= {name.removesuffix("__exact") + way for name in offered for way in ("", "__exact")}  # say the same
        names = names_in(model) | model_admin.get_queryset(request).query.annotations.keys()
        asked = {name + way for name in names for way in WAYS}
        allowed = {lookup for lookup in asked if model_admin.lookup_allowed(lookup, "1", request)}
        assert allowed <= offered, model


def test_whatever_a_page_offers_it_does(owner):
    """Of each filter the first choice and the last, which may be of what has no value; those between go one way."""
    one_more_of_everything(1)
    for model in admin.site._registry:
        shown = owner.get(page(model)).context["cl"]
        choices = [[choice["query_string"] for choice in spec.choices(shown)] for spec in shown.filter_specs]
        queries = {query for every in choices for query in [*every[1:2], every[-1]] if query}
        assert [query for query in sorted(queries) if owner.get(page(model) + query).status_code != 200] == []


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ("clinic/patient", {"xrays__isnull": "False"}),
        ("clinic/patient", {"full_name__regex": "(a+)+$"}),
        ("clinic/appointment", {"patient_id__gte": "1"}),
        ("imaging/xrayimage", {"uploaded_by_id__regex": "1"}),
        ("backoffice/user", {"email__regex": "(a+)+$"}),
        ("backoffice/role", {"people__gte": "1"}),
        ("backoffice/signin", {"username__regex": "(a+)+$"}),
        ("django_q/failure", {"result__regex": "(a+)+$"}),
        ("django_q/schedule", {"func__startswith": "a"}),
    ],
)
def test_what_tells_of_more_or_keeps_a_process_busy_is_refused(owner, listed, asked):
    assert owner.get(f"/admin/{listed}/", asked).status_code == 400
