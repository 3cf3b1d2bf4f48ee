"""Who guesses passwords is locked out, with the name they guess at."""

import re

import pytest
from axes.models import AccessAttempt
from django.urls import reverse
from django.utils import timezone

from backoffice.access import failed_sign_ins
from backoffice.models import FailedSignIn, SignIn, User

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
PASSWORD = "words that nobody guesses"
SOMEWHERE, ELSEWHERE = "198.51.100.7", "198.51.100.8"


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.AXES_FAILURE_LIMIT = 3


@pytest.fixture
def person(front_desk):
    front_desk.set_password(PASSWORD)
    front_desk.save()
    return front_desk


@pytest.fixture
def sign_in(client):
    def attempt(username: str, password: str, address: str = SOMEWHERE, **headers):
        data = {"username": username, "password": password}
        return client.post(LOGIN, data, REMOTE_ADDR=address, headers=headers)

    return attempt


def guess(sign_in, username: str, times: int = 3, address: str = SOMEWHERE):
    return [sign_in(username, f"guess {number}", address) for number in range(times)]


def words(response) -> str:
    """The page without what differs each time."""
    return re.sub(r"[A-Za-z0-9]{64}", "", response.text)


def test_after_some_wrong_passwords_the_right_one_no_longer_helps(sign_in, person):
    assert [response.status_code for response in guess(sign_in, person.username)] == [200, 200, 429]
    refused = sign_in(person.username, PASSWORD)
    assert refused.status_code == 429
    assert "It can be tried again in 15 minutes" in refused.text
    assert "An administrator" in refused.text


def test_the_same_name_from_elsewhere_and_others_from_here_are_let_in(sign_in, person, administrator):
    administrator.set_password(PASSWORD)
    administrator.save()
    guess(sign_in, person.username)
    assert sign_in(person.username, PASSWORD, ELSEWHERE).status_code == 302
    assert sign_in(administrator.username, PASSWORD).status_code == 302


def test_another_browser_or_spelling_of_the_name_is_no_way_around(sign_in, person):
    guess(sign_in, person.username)
    assert sign_in(person.username, PASSWORD, **{"User-Agent": "another"}).status_code == 429
    full_width = "".join(chr(ord(letter) + 0xFEE0) for letter in person.username)
    assert sign_in(full_width, PASSWORD).status_code == 429


def test_another_address_of_the_same_household_is_no_way_around(sign_in, person):
    guess(sign_in, person.username, address="2001:db8:0:1::1")
    assert sign_in(person.username, PASSWORD, "2001:db8:0:1::2").status_code == 429
    assert sign_in(person.username, PASSWORD, "2001:db8:0:2::1").status_code == 302


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(sign_in, person, settings):
    settings.BEHIND_PROXY = True
    for number in range(3):
        sign_in(person.username, f"guess {number}", **{"X-Forwarded-For": f"10.0.0.{number}, {SOMEWHERE}"})
    assert sign_in(person.username, PASSWORD, **{"X-Forwarded-For": f"10.9.9.9, {SOMEWHERE}"}).status_code == 429
    assert sign_in(person.username, PASSWORD, **{"X-Forwarded-For": ELSEWHERE}).status_code == 302


def test_addresses_that_a_proxy_spells_beyond_reading_count_as_one(sign_in, person, settings):
    settings.BEHIND_PROXY = True
    for number, said in enumerate(("unknown", "", "10.0.0.1, _hidden")):
        sign_in(person.username, f"guess {number}", **{"X-Forwarded-For": said})
    assert sign_in(person.username, PASSWORD, **{"X-Forwarded-For": "somebody"}).status_code == 429
    assert sign_in(person.username, PASSWORD, **{"X-Forwarded-For": f"{SOMEWHERE}:51000"}).status_code == 302


def test_a_name_that_nobody_has_is_answered_like_one_that_somebody_has(sign_in, person):
    known, unknown = guess(sign_in, person.username), guess(sign_in, "whoever")
    assert [response.status_code for response in known] == [response.status_code for response in unknown]
    assert words(known[0]) == words(unknown[0]).replace("whoever", person.username)
    assert words(known[-1]) == words(unknown[-1])
    assert words(sign_in(person.username, PASSWORD)) == words(sign_in("whoever", PASSWORD))


def test_the_right_password_of_who_does_not_work_here_counts_as_wrong(sign_in, django_user_model):
    django_user_model.objects.create_user("patient", password=PASSWORD)
    assert [sign_in("patient", PASSWORD).status_code for _time in range(3)] == [200, 200, 429]


def test_time_unlocks(sign_in, person, settings):
    guess(sign_in, person.username)
    settings.AXES_COOLOFF_TIME = timezone.timedelta(0)
    assert sign_in(person.username, PASSWORD).status_code == 302


def test_trying_on_makes_it_no_longer(sign_in, person):
    guess(sign_in, person.username)
    first = AccessAttempt.objects.get().attempt_time
    guess(sign_in, person.username)
    assert AccessAttempt.objects.get().attempt_time == first


def test_one_right_password_forgives_the_wrong_ones(sign_in, client, person):
    guess(sign_in, person.username, 2)
    sign_in(person.username, PASSWORD)
    client.post("/admin/logout/")
    assert [response.status_code for response in guess(sign_in, person.username, 2)] == [200, 200]


def unlock_page(person: User) -> str:
    return reverse("admin:backoffice_user_unlock", args=[person.pk])


def test_an_administrator_unlocks_from_the_persons_page(sign_in, client, person, administrator):
    guess(sign_in, person.username)
    client.force_login(administrator)
    page = client.get(reverse("admin:backoffice_user_change", args=[person.pk])).text
    assert "locked after wrong passwords" in page
    assert f'formaction="{unlock_page(person)}"' in page
    client.post(unlock_page(person))
    assert person.history.first().history_change_reason == "sign-in unlocked"
    client.logout()
    assert sign_in(person.username, PASSWORD).status_code == 302


def test_guesses_from_several_browsers_are_shown_as_what_they_are(sign_in, client, person, administrator):
    for number in range(3):
        sign_in(person.username, "a guess", **{"User-Agent": f"browser {number}"})
    assert sign_in(person.username, PASSWORD).status_code == 429
    client.force_login(administrator)
    assert unlock_page(person) in client.get(reverse("admin:backoffice_user_change", args=[person.pk])).text


def test_guesses_from_several_addresses_lock_nobody_out(sign_in, client, person, administrator):
    for number in range(3):
        sign_in(person.username, "a guess", f"198.51.100.{number}")
    client.force_login(administrator)
    assert unlock_page(person) not in client.get(reverse("admin:backoffice_user_change", args=[person.pk])).text


def test_the_front_desk_unlocks_nobody(sign_in, client, person, clinician):
    guess(sign_in, person.username)
    client.force_login(clinician)
    assert client.post(unlock_page(person)).status_code == 403
    client.logout()
    assert sign_in(person.username, PASSWORD).status_code == 429


def test_the_public_pages_stay_open(sign_in, client, person, settings):
    guess(sign_in, person.username)
    assert client.get("/book/", REMOTE_ADDR=SOMEWHERE).status_code == 200


def test_administrators_read_who_signed_in_and_who_failed_and_nobody_changes_it(sign_in, client, person, administrator):
    guess(sign_in, person.username, 1)
    sign_in(person.username, PASSWORD)
    for model in (SignIn, FailedSignIn):
        row, name = model.objects.get(), model._meta.model_name
        client.force_login(administrator)
        page = client.get(reverse(f"admin:backoffice_{name}_changelist"))
        assert SOMEWHERE in page.text
        change = reverse(f"admin:backoffice_{name}_change", args=[row.pk])
        assert client.get(change).status_code == 200
        assert client.post(change, {"username": "somebody"}).status_code == 403
        client.force_login(person)
        assert client.get(reverse(f"admin:backoffice_{name}_changelist")).status_code == 403


# -- A flood of failures ----------------------------------------------------------------------------------------------


def test_names_that_nobody_has_fill_no_table_and_who_works_here_is_still_listed(sign_in, person, monkeypatch):
    monkeypatch.setattr(failed_sign_ins, "OF_AN_ADDRESS", 4)
    for number in range(8):
        sign_in(f"nobody-{number}", "a guess")
    assert FailedSignIn.objects.count() == 4
    sign_in(person.username, "a guess")
    assert FailedSignIn.objects.filter(username=person.username).count() == 1


def test_nor_do_they_from_ever_other_addresses(sign_in, person, monkeypatch):
    monkeypatch.setattr(failed_sign_ins, "OF_ALL", 4)
    for number in range(8):
        sign_in(f"nobody-{number}", "a guess", f"198.51.100.{number}")
    assert FailedSignIn.objects.count() == 4
    sign_in(person.username, "a guess")
    assert FailedSignIn.objects.filter(username=person.username).count() == 1


def test_one_person_who_is_tried_from_everywhere_is_listed_up_to_a_number_an_hour(sign_in, person, monkeypatch):
    monkeypatch.setattr(failed_sign_ins, "OF_A_PERSON", 4)
    for number in range(8):
        sign_in(person.username, "a guess", f"198.51.100.{number}")
    assert FailedSignIn.objects.count() == 4
    FailedSignIn.objects.update(attempt_time=timezone.now() - timezone.timedelta(hours=2))
    sign_in(person.username, "a guess", "198.51.100.9")
    assert FailedSignIn.objects.count() == 5


def test_a_flood_pushes_out_nobody_who_came_before_it(sign_in, person):
    """django-axes would keep a thousand of a name and take out the oldest."""
    first = FailedSignIn.objects.create(username=person.username, ip_address=ELSEWHERE)
    FailedSignIn.objects.bulk_create([FailedSignIn(username=person.username) for _row in range(1000)])
    FailedSignIn.objects.update(attempt_time=timezone.now() - timezone.timedelta(hours=2))
    sign_in(person.username, "a guess")
    assert FailedSignIn.objects.filter(pk=first.pk).exists()
    assert FailedSignIn.objects.filter(ip_address=SOMEWHERE).exists()


def test_what_was_typed_as_a_password_is_kept_nowhere(sign_in, person):
    sign_in(person.username, "nearly the right words")
    assert "nearly the right words" not in str(AccessAttempt.objects.values()) + str(FailedSignIn.objects.values())


def test_a_sign_in_is_no_change_of_the_person(sign_in, person):
    before = person.history.count()
    sign_in(person.username, PASSWORD)
    person.refresh_from_db()
    assert person.last_login
    assert person.history.count() == before
