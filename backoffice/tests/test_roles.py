import pytest
from django.contrib.auth.models import Group, Permission

from backoffice.access.roles import ROLES, sync_roles

pytestmark = pytest.mark.django_db


def names(permissions) -> set[str]:
    return {f"{label}.{code}" for label, code in permissions.values_list("content_type__app_label", "codename")}


@pytest.mark.parametrize("role", ROLES)
def test_every_permission_in_the_table_exists(role):
    assert ROLES[role] <= names(Permission.objects)


@pytest.mark.parametrize("role", ROLES)
def test_each_group_holds_what_the_table_says_and_nothing_else(role):
    group = Group.objects.get(name=role)
    group.permissions.add(Permission.objects.get(codename="delete_patient"))
    sync_roles()
    assert names(group.permissions) == ROLES[role]


def test_nobody_deletes_clinical_records():
    assert not [name for role in ROLES.values() for name in role if ".delete_" in name]
