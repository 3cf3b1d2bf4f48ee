"""Two administrators have one person, or one role, open: nobody's change is lost without a word."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from backoffice.access import roles
from backoffice.models import Role, User
from backoffice.tests.forms_on_pages import form_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(front_desk):
    return front_desk


@pytest.fixture
def windows(administrator) -> list[Client]:
    other = User.objects.create_user("kai", first_name="Kai", last_name="Wang", is_staff=True)
    other.groups.add(Group.objects.get(name=roles.ADMINISTRATORS))
    clients = [Client(), Client()]
    for client, who in zip(clients, (administrator, other), strict=True):
        client.force_login(who)
    return clients


def page_of(row) -> str:
    return reverse(f"admin:backoffice_{row._meta.model_name}_change", args=[row.pk])


def role_of(name: str) -> int:
    return Group.objects.get(name=name).pk


def test_what_only_the_other_changed_of_a_person_stays(windows, person):
    one, other = windows
    mine, theirs = (form_with(window.get(page_of(person)), "email") for window in windows)
    both = [role_of(roles.FRONT_DESK), role_of(roles.CLINICIANS)]
    other.post(page_of(person), theirs | {"groups": both, "language": "zh-hant"})
    told = one.post(page_of(person), mine | {"email": "desk@example.org"}, follow=True)
    person.refresh_from_db()
    assert (person.email, person.language) == ("desk@example.org", "zh-hant")
    assert set(person.groups.values_list("pk", flat=True)) == set(both)
    assert "Kai Wang changed this meanwhile, and it stays so: Language, Roles." in told.text


def test_an_access_that_the_other_took_away_does_not_come_back(windows, person):
    one, other = windows
    mine, theirs = (form_with(window.get(page_of(person)), "email") for window in windows)
    del theirs["is_active"]
    other.post(page_of(person), theirs | {"groups": []})
    one.post(page_of(person), mine | {"last_name": "Lin"})
    person.refresh_from_db()
    assert (person.is_active, person.last_name, person.groups.count()) == (False, "Lin", 0)


def test_where_both_changed_a_person_s_roles_the_later_is_asked_and_decides(windows, person):
    one, other = windows
    mine, theirs = (form_with(window.get(page_of(person)), "email") for window in windows)
    other.post(page_of(person), theirs | {"groups": [role_of(roles.CLINICIANS)], "language": "en"})
    told = one.post(page_of(person), mine | {"groups": [role_of(roles.ADMINISTRATORS)], "language": "zh-hant"})
    assert f"Kai Wang changed this to “{roles.CLINICIANS}” meanwhile" in told.text
    assert "Kai Wang changed this to “English” meanwhile" in told.text
    assert [group.name for group in person.groups.all()] == [roles.CLINICIANS]
    one.post(page_of(person), form_with(told, "email"))
    person.refresh_from_db()
    assert [group.name for group in person.groups.all()] == [roles.ADMINISTRATORS]
    assert person.language == "zh-hant"


def test_a_form_of_a_person_that_says_nothing_of_what_it_showed_is_as_they_last_looked(windows, person):
    one, other = windows
    mine, theirs = (form_with(window.get(page_of(person)), "email") for window in windows)
    del mine["_seen"], theirs["_seen"]
    other.post(page_of(person), theirs | {"first_name": "Mei"})
    one.post(page_of(person), mine | {"email": "desk@example.org"})
    person.refresh_from_db()
    assert (person.first_name, person.email) == ("Mei", "desk@example.org")


@pytest.mark.parametrize("seen", ["", "nonsense", '{"email": 3}'])
def test_what_no_page_of_ours_says_of_a_person_is_no_error(windows, person, seen):
    [one, _other] = windows
    mine = form_with(one.get(page_of(person)), "email")
    assert one.post(page_of(person), mine | {"_seen": seen, "email": "desk@example.org"}).status_code == 302


def test_a_second_factor_that_the_other_required_of_a_role_stays_required(windows):
    role = Role.objects.get(group__name=roles.CLINICIANS)
    one, other = windows
    mine, theirs = (form_with(window.get(page_of(role)), "_seen") for window in windows)
    other.post(page_of(role), theirs | {"needs_second_factor": "on"})
    told = one.post(page_of(role), mine, follow=True)
    role.refresh_from_db()
    assert role.needs_second_factor
    assert "Kai Wang changed this meanwhile, and it stays so: Second factor required." in told.text
