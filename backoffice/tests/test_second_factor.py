"""The second factor, with the codes that a phone would show."""

import datetime
import time
from base64 import b32decode
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.access.second_factor import devices, rules
from backoffice.access.session_expiry import SIGNED_IN
from backoffice.models import Phone, PhoneSecret, Role, User
from backoffice.sealing.keys import keys

pytestmark = pytest.mark.django_db

INDEX = "/admin/"
ASK = "/admin/second-factor/ask/"
SET_UP = "/admin/second-factor/set-up/"
OWN = "/admin/second-factor/"
PASSWORD = "words that nobody guesses"
WRONG = "000000"


def code_of(phone: Phone, seconds_off: int = 0) -> str:
    """What the phone shows, on a clock that is some seconds off."""
    totp = TOTP(phone.bin_key, phone.step, phone.t0, phone.digits)
    totp.time = time.time() + seconds_off
    return f"{totp.token():06d}"


@pytest.fixture
def person(front_desk):
    front_desk.set_password(PASSWORD)
    front_desk.save()
    return front_desk


@pytest.fixture
def phone(person):
    return Phone.objects.create(user=person, name="phone", confirmed=True)


@pytest.fixture
def signed_in(client, person):
    """After the password, whatever else is asked."""

    def sign_in(page: str = INDEX):
        return client.post(
            "/admin/login/", {"username": person.username, "password": PASSWORD, "next": page}, follow=True
        )

    return sign_in


def require_it_of(person) -> None:
    Role.objects.filter(group__in=person.groups.all()).update(needs_second_factor=True)


def lands_on(response) -> str:
    return response.request["PATH_INFO"]


def test_without_a_phone_and_a_rule_the_password_is_enough(signed_in):
    assert lands_on(signed_in()) == INDEX


def test_the_code_is_asked_for_and_leads_to_where_one_was_going(client, phone, signed_in):
    wanted = "/admin/clinic/patient/"
    asked = signed_in(wanted)
    assert lands_on(asked) == ASK
    assert lands_on(client.get(wanted, follow=True)) == ASK
    answered = client.post(ASK, {"code": code_of(phone), "next": asked.context["next"]}, follow=True)
    assert lands_on(answered) == wanted


def test_a_wrong_code_lets_nobody_in_and_slows_the_next(client, phone, signed_in):
    signed_in()
    assert "This code is not right" in client.post(ASK, {"code": WRONG}).text
    right_too_early = client.post(ASK, {"code": code_of(phone)})
    assert "There were wrong codes. Try again in 1 second" in right_too_early.text
    assert lands_on(client.get(INDEX, follow=True)) == ASK


def test_however_many_codes_were_wrong_one_is_told_to_wait(client, phone, signed_in):
    Phone.objects.update(throttling_failure_timestamp=timezone.now(), throttling_failure_count=60)
    signed_in()
    told = client.post(ASK, {"code": code_of(phone)})
    assert "There were wrong codes. Try again in" in told.text


def test_a_code_is_good_once(client, phone, signed_in):
    code = code_of(phone)
    signed_in()
    assert client.post(ASK, {"code": code}).status_code == 302
    client.post("/admin/logout/")
    signed_in()
    assert "was used before" in client.post(ASK, {"code": code}).text
    assert lands_on(client.get(INDEX, follow=True)) == ASK


@pytest.mark.parametrize(("seconds_off", "is_let_in"), [(-30, True), (30, True), (-120, False), (120, False)])
def test_a_phones_clock_may_be_half_a_minute_off(client, phone, signed_in, seconds_off, is_let_in, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)  # else the next half minute may begin before the code is looked at
    signed_in()
    response = client.post(ASK, {"code": code_of(phone, seconds_off)})
    assert (response.status_code == 302) is is_let_in


def test_a_backup_code_is_good_once_however_it_is_written(client, person, phone, signed_in):
    code = devices.new_backup_codes(person)[0]
    signed_in()
    written = f" {code[:4].upper()}-{code[4:]} "
    assert client.post(ASK, {"code": written}).status_code == 302
    assert devices.backup_codes_left(person) == devices.BACKUP_CODES - 1
    client.post("/admin/logout/")
    signed_in()
    assert "This code is not right" in client.post(ASK, {"code": written}).text


def plain(code: str) -> str:
    return code.replace("-", "")


def test_no_backup_code_lies_in_the_database(person):
    kept = "".join(StaticToken.objects.values_list("token", flat=True))
    for code in devices.new_backup_codes(person):
        assert len(plain(code)) == 16  # 80 bits
        assert plain(code) not in kept


def test_codes_that_were_kept_as_typed_are_hashed_and_stay_good(person):
    device = devices.StaticDevice.objects.create(user=person)
    StaticToken.objects.create(device=device, token="abcdefgh")
    migration = import_module("backoffice.migrations.0009_backup_codes_are_hashed")
    for _again in range(2):
        migration.hash_them(apps, SimpleNamespace(connection=connection))
    assert not StaticToken.objects.filter(token="abcdefgh").exists()
    assert devices.verify(person, "abcd-efgh") == device
    assert devices.verify(person, "abcd-efgh") is None


def test_no_phones_secret_lies_open_in_the_database(client, person, signed_in):
    require_it_of(person)
    secret = b32decode(signed_in().context["secret"].replace(" ", "")).hex()
    phone = Phone.objects.get()
    assert phone.bin_key.hex() == secret
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM backoffice_phonesecret, otp_totp_totpdevice")
        [kept] = cursor.fetchall()
    assert phone.key in kept
    assert secret not in repr(kept)
    assert client.post(SET_UP, {"code": code_of(phone)}).status_code == 200
    assert lands_on(client.get(INDEX, follow=True)) == INDEX


def test_a_phone_from_before_is_sealed_and_stays_good(client, person, signed_in):
    before = TOTPDevice.objects.create(user=person, name="phone", confirmed=True)
    code, migration = code_of(before), import_module("backoffice.migrations.0014_phone_secrets_sealed")
    for _again in range(2):
        migration.seal(apps, SimpleNamespace(connection=connection))
    assert PhoneSecret.objects.get().secret == before.key
    assert TOTPDevice.objects.get().key != before.key
    signed_in()
    assert client.post(ASK, {"code": code}).status_code == 302


def test_a_phone_is_good_by_another_key_and_for_nothing_once_its_key_is_given_up(client, person, signed_in, settings):
    old, new, newest = (f"{name}, a key of more than thirty-two characters" for name in ("old", "new", "newest"))
    settings.FIELD_KEYS = [old]
    devices.confirm(phone := devices.phone_to_set_up(person), code_of(phone, -30))
    settings.FIELD_KEYS = [new, old]
    call_command("rotate_keys")
    settings.FIELD_KEYS = [new]
    signed_in()
    assert client.post(ASK, {"code": code_of(Phone.objects.get())}).status_code == 302
    [lost] = keys()
    settings.FIELD_KEYS = [newest]
    call_command("rotate_keys", forget=lost.name)
    client.post("/admin/logout/")
    signed_in()
    of_nothing = f"{TOTP(b'').token():06d}"
    assert "This code is not right" in client.post(ASK, {"code": of_nothing}).text


def test_without_its_key_a_phone_is_still_taken_away_and_a_backup_code_lets_in(client, person, signed_in, settings):
    devices.confirm(phone := devices.phone_to_set_up(person), code_of(phone))
    [code, *_others] = devices.new_backup_codes(person)
    settings.FIELD_KEYS = ["another key, of more than thirty-two characters"]
    signed_in()
    assert client.post(ASK, {"code": code}).status_code == 302
    devices.forget(person)
    assert not Phone.objects.exists()


def test_it_is_no_way_around_to_set_up_another_phone(client, phone, signed_in):
    signed_in()
    assert lands_on(client.get(SET_UP, follow=True)) == ASK
    client.post(SET_UP, {"code": WRONG})
    assert list(Phone.objects.all()) == [phone]


def test_who_owes_the_code_may_still_sign_out(client, phone, signed_in):
    signed_in()
    client.post("/admin/logout/")
    assert lands_on(client.get(INDEX, follow=True)) == "/admin/login/"


def test_a_role_that_requires_it_leads_its_people_to_set_it_up_first(client, person, signed_in):
    require_it_of(person)
    shown = signed_in("/admin/clinic/patient/")
    assert lands_on(shown) == SET_UP
    assert client.get("/admin/clinic/patient/").status_code == 302
    phone = Phone.objects.get(user=person)
    assert "data:image/svg+xml" in shown.text
    assert devices.secret_of(phone) in shown.text

    assert "This code is not right" in client.post(SET_UP, {"code": WRONG}).text
    Phone.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    kept = client.post(SET_UP, {"code": code_of(phone), "next": shown.context["next"]})
    assert len(kept.context["codes"]) == devices.BACKUP_CODES
    assert kept.context["next"] == "/admin/clinic/patient/"
    assert client.get("/admin/clinic/patient/").status_code == 200


def test_ticking_a_role_holds_for_who_is_signed_in_already(client, administrator, person, signed_in):
    signed_in()
    assert client.get(INDEX).status_code == 200
    require_it_of(person)
    assert lands_on(client.get(INDEX, follow=True)) == SET_UP


def test_a_superuser_must_do_what_administrators_must(client, django_user_model):
    root = django_user_model.objects.create_superuser("root")
    client.force_login(root)
    assert client.get(INDEX).status_code == 200
    Role.objects.filter(group__name="Administrators").update(needs_second_factor=True)
    assert lands_on(client.get(INDEX, follow=True)) == SET_UP


def test_an_administrator_ticks_it_on_a_role_with_history(client, administrator):
    client.force_login(administrator)
    role = Role.objects.get(group__name="Clinicians")
    page = reverse("admin:backoffice_role_change", args=[role.pk])
    client.post(page, {"needs_second_factor": "on"})
    role.refresh_from_db()
    assert role.needs_second_factor
    assert role.history.first().history_user == administrator


def test_the_front_desk_sees_no_roles(client, front_desk):
    client.force_login(front_desk)
    assert client.get(reverse("admin:backoffice_role_changelist")).status_code == 403


# -- One's own page ---------------------------------------------------------------------------------------------------


@pytest.fixture
def let_in(client, phone, signed_in):
    signed_in()
    client.post(ASK, {"code": code_of(phone)})
    return phone


def test_one_turns_it_off_with_a_code(client, person, let_in):
    assert "This code is not right" in client.post(OWN + "turn-off/", {"code": WRONG}).text
    Phone.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    client.post(OWN + "turn-off/", {"code": code_of(let_in, 30)})
    assert devices.phone_of(person) is None
    assert person.history.first().history_change_reason == "second factor turned off"


def test_where_a_role_requires_it_one_cannot_turn_it_off(client, person, let_in):
    require_it_of(person)
    assert "cannot be turned off" in client.get(OWN).text
    client.post(OWN + "turn-off/", {"code": code_of(let_in, 30)})
    assert devices.phone_of(person) == let_in


def test_new_backup_codes_take_the_place_of_the_old(client, person, let_in):
    old = devices.new_backup_codes(person)
    shown = client.post(OWN + "backup-codes/").context["codes"]
    assert {devices.hash_of(plain(code)) for code in shown} == set(StaticToken.objects.values_list("token", flat=True))
    assert not set(old) & set(shown)
    assert client.get(OWN + "backup-codes/").status_code == 302
    assert devices.backup_codes_left(person) == devices.BACKUP_CODES


def test_another_phone_takes_the_place_of_the_first(client, person, let_in):
    client.get(SET_UP)
    new = Phone.objects.get(user=person, confirmed=False)
    client.post(SET_UP, {"code": code_of(new)})
    assert devices.phone_of(person) == new
    assert Phone.objects.count() == 1
    assert client.get(INDEX).status_code == 200


@pytest.fixture
def left_open(client, let_in):
    """The desk of somebody who gave the code a while ago, and went away."""
    session = client.session
    session[rules.GIVEN_AT] -= rules.FRESH_SECONDS
    session.save()
    return let_in


def test_a_desk_left_open_is_not_enough_to_replace_the_phone_or_the_codes(client, person, left_open):
    codes = set(StaticToken.objects.values_list("token"))
    assert lands_on(client.get(SET_UP, follow=True)) == ASK
    assert lands_on(client.post(SET_UP, {"code": WRONG}, follow=True)) == ASK
    assert lands_on(client.post(OWN + "backup-codes/", follow=True)) == ASK
    assert list(Phone.objects.all()) == [left_open]
    assert set(StaticToken.objects.values_list("token")) == codes
    assert client.get("/admin/clinic/patient/").status_code == 200


def test_who_gives_the_code_again_goes_on_to_what_they_wanted(client, left_open):
    asked = client.get(SET_UP, follow=True)
    answered = client.post(ASK, {"code": code_of(left_open, 30), "next": asked.context["next"]}, follow=True)
    assert lands_on(answered) == SET_UP
    assert "data:image/svg+xml" in answered.text


# -- Helping others and changing oneself are two doors ----------------------------------------------------------------


@pytest.fixture
def own_desk(client, administrator):
    """Of an administrator who gave the code a while ago, and went away."""
    phone = Phone.objects.create(user=administrator, name="phone", confirmed=True)
    client.force_login(administrator)
    session = client.session
    session["otp_device_id"] = phone.persistent_id
    session[rules.GIVEN_AT] = time.time() - rules.FRESH_SECONDS
    session.save()
    return client


def person_page(person, name: str) -> str:
    return reverse(f"admin:backoffice_user_{name}", args=[person.pk])


@pytest.mark.parametrize("help_with", ["reset_second_factor", "unlock"])
def test_nobody_helps_themselves_by_the_buttons_for_others(own_desk, administrator, help_with):
    answer = own_desk.post(person_page(administrator, help_with), follow=True)
    assert lands_on(answer) == OWN
    assert "These buttons help others" in answer.text
    assert devices.phone_of(administrator)
    page = own_desk.get(person_page(administrator, "change")).text
    assert person_page(administrator, help_with) not in page
    assert f'href="{OWN}"' in page


@pytest.mark.parametrize("key", ["{}", "_2B{}"])
def test_ones_own_password_asks_for_the_old_one(own_desk, administrator, key):
    before = administrator.password
    new = {"password1": "taken over pass 9", "password2": "taken over pass 9", "usable_password": "true"}
    page = f"/admin/backoffice/user/{key.format(administrator.pk)}/password/"
    answer = own_desk.post(page, new | {"set-password": "1"}, follow=True)
    assert lands_on(answer) == "/admin/password_change/"
    assert "with the old one" in answer.text
    administrator.refresh_from_db()
    assert administrator.password == before


def test_ones_own_record_asks_for_a_fresh_code(own_desk, administrator):
    typed = {"username": administrator.username, "email": "mine@example.org"}
    answer = own_desk.post(person_page(administrator, "change"), typed)
    assert "give the code from your phone" in answer.text
    assert "mine@example.org" in answer.text
    administrator.refresh_from_db()
    assert administrator.email == ""
    session = own_desk.session
    session[rules.GIVEN_AT] = time.time()
    session.save()
    own_desk.post(person_page(administrator, "change"), typed)
    administrator.refresh_from_db()
    assert administrator.email == "mine@example.org"


def gives_the_code(desk) -> None:
    session = desk.session
    session[rules.GIVEN_AT] = time.time()
    session.save()


def test_a_desk_left_open_is_not_enough_to_take_somebodys_phone_away(own_desk, person, phone):
    page = own_desk.get(person_page(person, "change")).text
    assert person_page(person, "reset_second_factor") in page
    asked = own_desk.post(person_page(person, "reset_second_factor"), follow=True)
    assert lands_on(asked) == ASK
    assert asked.context["next"] == person_page(person, "change")
    assert "press the button once more" in asked.text
    assert devices.phone_of(person) == phone
    gives_the_code(own_desk)
    own_desk.post(person_page(person, "reset_second_factor"))
    assert devices.phone_of(person) is None


def test_nor_to_give_somebody_a_password(own_desk, person):
    page = f"/admin/backoffice/user/{person.pk}/password/"
    new = {"password1": "taken over pass 9", "password2": "taken over pass 9", "set-password": "1"}
    for answer in (own_desk.get(page, follow=True), own_desk.post(page, new, follow=True)):
        assert lands_on(answer) == ASK
        assert answer.context["next"] == page
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    gives_the_code(own_desk)
    own_desk.post(page, new)
    person.refresh_from_db()
    assert person.check_password("taken over pass 9")


def test_nor_to_give_somebody_a_role_or_to_let_in_another(own_desk, person):
    role = Group.objects.get(name="Administrators")
    access = {"is_active": "on", "is_staff": "on", "groups": [role.pk]}
    answer = own_desk.post(person_page(person, "change"), {"username": person.username, **access})
    assert "give the code from your phone" in answer.text
    assert role not in person.groups.all()
    new = {"usable_password": "true", "password1": "taken over pass 9", "password2": "taken over pass 9"}
    answer = own_desk.post(reverse("admin:backoffice_user_add"), {"username": "another", **new, **access})
    assert "give the code from your phone" in answer.text
    assert not User.objects.filter(username="another").exists()
    gives_the_code(own_desk)
    own_desk.post(reverse("admin:backoffice_user_add"), {"username": "another", **new, **access})
    assert role in User.objects.get(username="another").groups.all()


def test_nor_by_a_file(own_desk, person):
    table = f"username,roles\n{person.username},Administrators\n"
    file = SimpleUploadedFile("people.csv", table.encode(), "text/csv")
    page = own_desk.post(reverse("admin:backoffice_user_import"), {"file": file}, follow=True)
    decision = {"key": page.context["key"], "decision": "all"}
    asked = own_desk.post(reverse("admin:backoffice_user_process_import"), decision, follow=True)
    assert lands_on(asked) == ASK
    assert asked.context["next"] == lands_on(page)
    assert [group.name for group in person.groups.all()] == ["Front desk"]
    gives_the_code(own_desk)
    own_desk.post(reverse("admin:backoffice_user_process_import"), decision)
    assert [group.name for group in person.groups.all()] == ["Administrators"]


def test_unlocking_gives_nobody_another_way_in_and_asks_for_none(own_desk, person):
    answer = own_desk.post(person_page(person, "unlock"), follow=True)
    assert lands_on(answer) == person_page(person, "change")


def test_what_a_role_requires_asks_for_a_fresh_code_too(own_desk):
    Role.objects.update(needs_second_factor=True)
    role = Role.objects.get(group__name="Administrators")
    answer = own_desk.post(reverse("admin:backoffice_role_change", args=[role.pk]), {})
    assert "give the code from your phone" in answer.text
    role.refresh_from_db()
    assert role.needs_second_factor


def test_nor_does_it_go_back_to_a_version_without_one(own_desk, administrator):
    version = administrator.history.first()
    User.objects.filter(pk=administrator.pk).update(email="now@example.org")
    page = reverse("admin:backoffice_user_simple_history", args=[administrator.pk, version.pk])
    assert "give the code from your phone" in own_desk.post(page, {"reason": "as it was"}).text
    administrator.refresh_from_db()
    assert administrator.email == "now@example.org"


def test_a_first_phone_at_a_desk_left_open_asks_for_the_password(client, person, signed_in):
    signed_in()
    assert "password" not in client.get(SET_UP).context["form"].fields
    session = client.session
    session[SIGNED_IN] -= rules.FRESH_SECONDS
    session.save()
    client.get(SET_UP)
    code = code_of(Phone.objects.get(user=person))
    for sent in ({}, {"password": "a guess"}):
        client.post(SET_UP, {"code": code, **sent})
        assert devices.phone_of(person) is None
    client.post(SET_UP, {"code": code, "password": PASSWORD})
    assert devices.phone_of(person)


def test_a_secret_that_was_shown_a_while_ago_is_no_phones(client, person, signed_in):
    signed_in()
    client.get(SET_UP)
    read_by_somebody = Phone.objects.get(user=person)
    Phone.objects.update(created_at=timezone.now() - datetime.timedelta(seconds=rules.FRESH_SECONDS))
    shown = client.get(SET_UP).text
    assert devices.secret_of(read_by_somebody) not in shown
    assert not Phone.objects.filter(pk=read_by_somebody.pk).exists()


# -- Taken away by an administrator -----------------------------------------------------------------------------------


def reset_page(person) -> str:
    return reverse("admin:backoffice_user_reset_second_factor", args=[person.pk])


def test_an_administrator_takes_a_lost_phone_away_with_history(client, administrator, person, phone):
    client.force_login(administrator)
    devices.new_backup_codes(person)
    client.post(reset_page(person))
    assert devices.phone_of(person) is None
    assert devices.backup_codes_left(person) == 0
    version = person.history.first()
    assert (version.history_user, version.history_change_reason) == (administrator, "second factor taken away")


def test_nobody_else_does_and_no_administrator_for_a_superuser(client, administrator, person, phone):
    client.force_login(User.objects.create_user("idle", is_staff=True))
    assert client.post(reset_page(person)).status_code == 403
    client.force_login(administrator)
    assert client.get(reset_page(person)).status_code == 405
    person.is_superuser = True
    person.save()
    assert client.post(reset_page(person)).status_code == 403
    assert devices.phone_of(person) == phone


def test_no_page_of_the_admin_shows_a_secret(client, django_user_model, phone):
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert client.get("/admin/otp_totp/totpdevice/").status_code == 404
    assert client.get("/admin/otp_static/staticdevice/").status_code == 404
    page = client.get(reverse("admin:backoffice_user_change", args=[phone.user_id])).text
    assert phone.bin_key.hex() not in page
    assert devices.secret_of(phone) not in page


def test_a_group_is_edited_in_the_code_alone(client, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("root"))
    assert client.get(f"/admin/auth/group/{Group.objects.first().pk}/change/").status_code == 404


# -- At the same moment -----------------------------------------------------------------------------------------------

EIGHT_AT_ONCE = """
import time
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from django_otp.oath import TOTP
from backoffice.models import Phone, User
from backoffice.access.second_factor import devices

person = User.objects.create_user("person")
phone = Phone.objects.create(user=person, name="phone", confirmed=True)
totp = TOTP(phone.bin_key)
totp.time = time.time()
codes = [f"{totp.token():06d}", devices.new_backup_codes(person)[0]]

def attempt(code):
    try:
        return devices.verify(person, code) is not None
    finally:
        connection.close()

with ThreadPoolExecutor(8) as pool:
    print([sum(pool.map(attempt, [code] * 8)) for code in codes])
"""


@pytest.mark.slow
def test_one_code_sent_eight_times_at_once_lets_in_once(installation):
    assert installation.python(EIGHT_AT_ONCE).endswith("[1, 1]\n")


EIGHT_WINDOWS = """
from concurrent.futures import ThreadPoolExecutor
from django.db import connection
from backoffice.models import User
from backoffice.access.second_factor import devices

person = User.objects.create_user("person")

def open_page(_number):
    try:
        return devices.secret_of(devices.phone_to_set_up(person))
    finally:
        connection.close()

with ThreadPoolExecutor(8) as pool:
    print(len(set(pool.map(open_page, range(8)))))
"""


@pytest.mark.slow
def test_eight_windows_at_once_show_one_secret(installation):
    assert installation.python(EIGHT_WINDOWS).split()[-1] == "1"
