"""What somebody tries who has read how such sites are attacked: at every address, and with every text."""

import html
import re
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import hashers
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from model_bakery import baker

from backoffice.tests.naughty import NAUGHTY
from backoffice.tests.policy import faults_of, inline
from clinic import booking
from clinic.models import Patient
from inference.tests import access_matrix as matrix

pytestmark = pytest.mark.django_db

PASSWORD = "right-right-right"
ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "https:evil.example",
    "http:///evil.example",
    "javascript:alert(1)",
    " https://evil.example",
    "\thttps://evil.example",
    "https://testserver@evil.example/",
]


@pytest.fixture
def person(front_desk):
    front_desk.set_password(PASSWORD)
    front_desk.save()
    return front_desk


def sign_in(client, password=PASSWORD, name="frontdesk", **data):
    return client.post("/admin/login/", {"username": name, "password": password, **data})


# -- Forms and addresses ----------------------------------------------------------------------------------------------


def public_addresses(rows) -> list[str]:
    own = f"/bookings/{rows['clinic.appointment'].reference}/"
    report = reverse("report", args=[rows["inference.report"].key or "nobody"])
    return ["/book/", "/book/details/", "/book/survey/", f"{own}move/", f"{own}cancel/", report, "/i18n/setlang/"]


def test_no_address_takes_a_form_without_the_token_of_this_site(rows):
    client = Client(enforce_csrf_checks=True)
    addresses = [*public_addresses(rows), *(matrix.filled_in(path, rows) for path in matrix.addresses())]
    answers = {address: client.post(address) for address in addresses}
    assert {address: answer.status_code for address, answer in answers.items() if answer.status_code != 403} == {}
    assert {address: faults for address, answer in answers.items() if (faults := faults_of(answer))} == {}
    assert len(answers) > 250


def is_ours(response) -> bool:
    target = response.get("Location") or response.get("HX-Redirect") or "/"
    parts = urlsplit(target.strip().replace("\\", "/"))
    return parts.scheme in ("", "http") and parts.netloc in ("", "testserver") and not target.startswith(("//", "/\\"))


def test_nothing_that_leads_on_leads_elsewhere(client, person):
    for wanted in ELSEWHERE:
        answers = [
            client.post("/i18n/setlang/", {"language": "en", "next": wanted}),
            client.post("/i18n/setlang/", {"language": "en"}, headers={"referer": wanted.strip()}),
            sign_in(client, next=wanted),
            client.get("/admin/login/", {"next": wanted}),
            client.get("/admin/second-factor/ask/", {"next": wanted}),
            client.post("/admin/second-factor/ask/", {"next": wanted}),
            client.post("/admin/logout/", {"next": wanted}),
        ]
        assert [answer.get("Location") for answer in answers if not is_ours(answer)] == []


def test_an_address_that_begins_as_another_site_leads_nowhere(client):
    for address in ("//evil.example/admin", "//evil.example/book/..", "/%5Cevil.example/admin", "/%2F%2Fevil.example"):
        assert is_ours(client.get(address))


# -- Who it is --------------------------------------------------------------------------------------------------------


def test_a_session_that_somebody_else_may_know_is_worth_nothing_after_each_step_up(client, person):
    def key() -> str:
        return client.session.session_key

    client.get("/book/")
    client.post("/i18n/setlang/", {"language": "en"})
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = session.session_key
    keys = [session.session_key]
    sign_in(client)
    keys.append(key())
    changed = {"old_password": PASSWORD, "new_password1": "another-password-9", "new_password2": "another-password-9"}
    assert client.post("/admin/password_change/", changed).status_code == 302
    keys.append(key())
    assert [len(one) for one in set(keys)] == [32] * 3  # of 36 signs: 165 bits
    for old in keys[:-1]:
        stranger = Client()
        stranger.cookies["sessionid"] = old
        assert matrix.leads_to_sign_in(stranger.get("/admin/"))
    client.post("/admin/logout/")
    client.cookies["sessionid"] = keys[-1]
    assert matrix.leads_to_sign_in(client.get("/admin/"))


def test_a_password_is_long_uncommon_and_taken_as_it_is(client, person):
    sign_in(client)

    def change_to(password: str) -> bool:
        form = {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
        return client.post("/admin/password_change/", form).status_code == 302

    page = client.get("/admin/password_change/").text
    assert page.count('type="password"') == 3
    assert "maxlength" not in page[page.index('name="new_password1"') :].partition(">")[0]
    assert [
        password for password in ("seven-7", "password123", "frontdesk1", "qwertyuiop") if change_to(password)
    ] == []
    odd = f"  Ünïcode 病人 {'x' * 80} 🦊  "
    assert change_to(odd)
    assert [sign_in(Client(), password).status_code for password in (odd.strip(), odd.upper(), odd[:72], odd)] == [
        *[200] * 3,
        302,
    ]


def test_signing_in_answers_and_computes_the_same_for_whoever_it_is_not(person, django_user_model, monkeypatch):
    django_user_model.objects.create_user("patient", password=PASSWORD)
    django_user_model.objects.create_user("gone", password=PASSWORD, is_staff=True, is_active=False)
    computed = []
    encode = hashers.MD5PasswordHasher.encode
    monkeypatch.setattr(
        hashers.MD5PasswordHasher, "encode", lambda *args: (computed.append(1), encode(*args))[1], raising=True
    )
    told = {}
    for name, password in (("frontdesk", "wrong"), ("nobody", "wrong"), ("gone", PASSWORD), ("patient", PASSWORD)):
        computed.clear()
        answer = sign_in(Client(), password, name)
        said = answer.text.replace(name, "…")
        told[name] = (answer.status_code, without_token(said), len(computed))
    assert len(set(told.values())) == 1


def without_token(page: str) -> str:
    return re.sub(r'(csrfmiddlewaretoken" value="|X-CSRFToken": ")\w+', "", page)


def test_a_key_opens_what_it_is_the_key_of_and_nothing_beside_it(client, rows, django_capture_on_commit_callbacks):
    own = rows["clinic.appointment"]
    with django_capture_on_commit_callbacks(execute=True):
        other = booking.book(own.session, baker.make(Patient), by=None, overbook=True)
    mine, theirs = (client.get(f"/bookings/{one.reference}/") for one in (own, other))
    assert other.reference not in mine.text
    assert own.reference not in theirs.text
    for page in ("", "move/", "cancel/", "calendar.ics"):
        for key in (str(own.pk), own.reference[:-1], own.reference.swapcase(), f"{own.reference}%00", "..%2fadmin"):
            assert client.get(f"/bookings/{key}/{page}").status_code in (400, 404)
    client.post(f"/bookings/{own.reference}/cancel/", {"reference": other.reference, "pk": other.pk})
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.status, other.status) == ("cancelled", "booked")


# -- Texts ------------------------------------------------------------------------------------------------------------


def test_a_text_is_text_on_every_page_that_shows_it(client, administrator):
    for text in NAUGHTY:
        Patient.objects.create(full_name=text, date_of_birth="1984-05-02")
    one = Patient.objects.create(full_name=NAUGHTY[0], date_of_birth="1984-05-02", notes="\n".join(NAUGHTY))
    client.force_login(administrator)
    own = f"/admin/clinic/patient/{one.pk}"
    pages = ["/admin/clinic/patient/", f"{own}/change/", f"{own}/history/"]
    answers = [client.get(page) for page in pages] + [client.get(pages[0], {"q": NAUGHTY[1]})]
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [fault for answer in answers for fault in inline(answer.text)] == []
    shown = html.unescape(answers[0].text)
    assert [text for text in NAUGHTY if text.split()[0] not in shown] == []


def test_the_name_of_a_file_is_a_name_and_nothing_else(client, clinician, rows, tmp_path, settings):
    client.force_login(clinician)
    patient = rows["clinic.patient"].pk
    for text in NAUGHTY:
        file = ContentFile(b"no picture", name=f"{text}.png")
        answer = client.post("/admin/imaging/xrayimage/take/", {"patient": patient, "files": file})
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json"), text
        assert [one["outcome"] for one in answer.json()["files"]] == ["refused"], text
        assert answer["X-Content-Type-Options"] == "nosniff"
    kept = [path.name for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    assert all(name.replace(".", "").isalnum() for name in kept)
