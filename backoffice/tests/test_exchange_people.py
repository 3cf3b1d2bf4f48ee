"""People from a file: no passwords, no way to more access than one may give."""

import io

import pytest
from django.contrib.auth.models import Group

from backoffice.exchange.exporting import stream_csv
from backoffice.exchange.importing import run_import
from backoffice.exchange.reading import read_table
from backoffice.models import User
from backoffice.resources import UserResource

pytestmark = pytest.mark.django_db


def take_people(*lines: str, by):
    table = read_table(io.BytesIO("\n".join(lines).encode()), "people.csv")
    return run_import(UserResource(), table, by=by, dry_run=False)


def test_somebody_new_gets_roles_and_no_password(administrator):
    done = take_people("username,is_staff,roles", 'mlin,yes,"Front desk, Clinicians"', by=administrator)
    assert done.new == 1
    person = User.objects.get(username="mlin")
    assert {group.name for group in person.groups.all()} == {"Front desk", "Clinicians"}
    assert not person.has_usable_password()
    assert person.history.get().history_user == administrator
    assert person.history.get().history_change_reason.startswith("Roles: – → Front desk, Clinicians · Imported from")


def test_roles_are_replaced_where_the_file_names_them_and_else_stay(administrator, front_desk):
    take_people("username,email", "frontdesk,desk@example.org", by=administrator)
    assert front_desk.groups.get().name == "Front desk"
    assert take_people("username,roles", "frontdesk,Clinicians", by=administrator).updated == 1
    assert front_desk.groups.get().name == "Clinicians"
    told, before = (version.history_change_reason for version in front_desk.history.all()[:2])
    assert told.startswith("Roles: Front desk → Clinicians · Imported from")
    assert before.startswith("Imported from")


def test_an_unknown_role_is_refused(administrator):
    error = take_people("username,roles", "mlin,Boss", by=administrator).errors[0]
    assert (error.line, error.column, error.value) == (2, "roles", "Boss")


def test_there_is_no_column_that_makes_a_superuser_or_sets_a_password(administrator):
    done = take_people("username,is_superuser,password", "mlin,yes,secret", by=administrator)
    assert {error.column for error in done.errors} == {"is_superuser", "password"}
    assert not User.objects.filter(username="mlin").exists()


def test_only_a_superuser_changes_a_superuser(administrator, admin_user):
    User.objects.create_superuser("root")
    lines = ("username,email", "root,mine@example.org")
    assert take_people(*lines, by=administrator).refused == 1
    assert take_people(*lines, by=admin_user).updated == 1


@pytest.mark.parametrize("access", ["no,yes,Administrators", "yes,no,Administrators", "yes,yes,Clinicians"])
def test_nobody_shuts_themselves_out(administrator, access):
    line = f"{administrator.username},{access}"
    assert take_people("username,is_active,is_staff,roles", line, by=administrator).refused == 1
    administrator.refresh_from_db()
    assert (administrator.is_active, administrator.is_staff) == (True, True)


def test_nor_changes_their_own_record_by_a_file(administrator, front_desk):
    mine, theirs = f"{administrator.username},mine@example.org", f"{front_desk.username},desk@example.org"
    done = take_people("username,email", mine, theirs, by=administrator)
    assert (done.refused, done.updated) == (1, 1)
    assert "which you do not change by a file" in done.errors[0].problem


def test_people_come_back_as_they_were(administrator, front_desk):
    User.objects.create_user("x", first_name="=王", last_name="+小明", is_active=False)
    file = b"".join(stream_csv(UserResource(), User.objects.order_by("pk"), "people"))
    columns = ["username", "first_name", "last_name", "email", "is_active", "is_staff", "groups__name"]
    before = list(User.objects.order_by("username").values(*columns))
    User.objects.all().delete()
    assert take_people(*file.decode("utf-8-sig").splitlines(), by=None).new == 3
    assert list(User.objects.order_by("username").values(*columns)) == before
    assert Group.objects.count() == 3
