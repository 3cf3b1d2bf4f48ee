"""The people who work here: who may change whom, and what is kept of it."""

import pytest
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
