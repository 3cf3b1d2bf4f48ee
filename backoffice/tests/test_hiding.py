"""Hiding in the admin, for every record that can be hidden. Clinic's own consequences are in clinic/tests."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from backoffice.records.mixins import Hideable

pytestmark = pytest.mark.django_db

HIDEABLE = [model for model in apps.get_models() if issubclass(model, Hideable) and admin.site.is_registered(model)]


@pytest.mark.parametrize("model", HIDEABLE, ids=lambda model: model._meta.label)
def test_nobody_deletes_not_even_a_superuser(model, admin_client, admin_user, rf):
    request = rf.get("/")
    request.user = admin_user
    offered = admin.site.get_model_admin(model).get_actions(request)
    assert {"hide", "restore"} <= set(offered)
    assert "delete_selected" not in offered
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_delete", args=[1])
    assert admin_client.get(address).status_code in (302, 403)  # 302: there is no record 1
    assert admin_client.post(address, {"post": "yes"}).status_code in (302, 403)


def test_something_can_be_hidden():
    assert len(HIDEABLE) > 8
