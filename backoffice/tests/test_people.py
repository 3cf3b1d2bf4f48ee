"""The people who work here: who may change whom, and what is kept of it."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from backoffice.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "words that nobody guesses"


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root", password=PASSWORD)


def page(person: User, name: str = "change") -> str:
    return reverse(f"admin:backoffice_user_{name}", args=[person.pk])


# Django reads `_2B7` and `_0A7` in an address as the key 7.
@pytest.mark.parametrize("key", ["{}", "_2B{}", "_0A{}"])
def test_no_administrator_sets_the_password_of_a_superuser(client, administrator, root, key):
    client.force_login(administrator)
    new = {"password1": "another one by far", "password2": "another one by far", "usable_password": "true"}
    refused = client.post(f"/admin/backoffice/user/{key.format(root.pk)}/password/", new | {"set-password": "1"})
    root.refresh_from_db()
    assert root.check_password(PASSWORD)
    assert refused.status_code == 403


@pytest.mark.parametrize("key", ["{}", "_2B{}"])
def test_nor_anything_else_of_theirs(client, administrator, root, key):
    client.force_login(administrator)
    url = f"/admin/backoffice/user/{key.format(root.pk)}/change/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"username": "root", "email": "mine@example.org"}).status_code == 403
    root.refresh_from_db()
    assert (root.email, root.is_active) == ("", True)


def test_a_superuser_does(client, root):
    other = User.objects.create_superuser("other")
    client.force_login(root)
    client.post(page(other), {"username": "other", "email": "theirs@example.org", "is_active": "on"})
    other.refresh_from_db()
    assert other.email == "theirs@example.org"


def roles(*names: str) -> list[int]:
    return list(Group.objects.filter(name__in=names).values_list("pk", flat=True))


def typed(person: User, **fields) -> dict:
    return {"username": person.username, "is_active": "on", "is_staff": "on"} | fields


def test_the_history_says_which_roles_somebody_gave_and_took(client, administrator, front_desk):
    client.force_login(administrator)
    client.post(page(front_desk), typed(front_desk, groups=roles("Administrators", "Clinicians")))
    version = front_desk.history.first()
    assert version.history_change_reason == "Roles: Front desk → Administrators, Clinicians"
    assert version.history_user == administrator
    assert "Roles: Front desk" in client.get(page(front_desk, "history")).text
    client.post(page(front_desk), typed(front_desk, first_name="Mei", groups=roles("Administrators", "Clinicians")))
    assert not front_desk.history.first().history_change_reason


def test_that_of_somebody_new_too(client, administrator):
    client.force_login(administrator)
    password = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    client.post("/admin/backoffice/user/add/", {"username": "mlin", "groups": roles("Clinicians"), **password})
    assert User.objects.get(username="mlin").history.get().history_change_reason == "Roles: – → Clinicians"


def test_the_history_says_who_set_a_password(client, administrator, front_desk):
    client.force_login(administrator)
    new = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "set-password": "1"}
    client.post(f"/admin/backoffice/user/{front_desk.pk}/password/", new)
    version = front_desk.history.first()
    assert (version.history_change_reason, version.history_user) == ("Password set", administrator)


def test_nobody_changes_their_own_access(client, administrator):
    client.force_login(administrator)
    client.post(page(administrator), {"username": administrator.username, "email": "me@example.org"})
    administrator.refresh_from_db()
    assert administrator.email == "me@example.org"
    assert (administrator.is_active, administrator.is_staff) == (True, True)
    assert administrator.groups.get().name == "Administrators"
