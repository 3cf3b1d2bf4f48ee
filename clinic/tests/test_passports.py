"""A number that may be a passport's, or a card's with a digit lost: who gives it is asked, and nobody is kept out."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from model_bakery import baker

from clinic.models import Patient
from clinic.resources import PatientResource
from clinic.tests.booking_pages import DETAILS, SURVEY, walk
from clinic.tests.exchanged import as_csv, take_back, take_in

pytestmark = pytest.mark.django_db

ADD = reverse("admin:clinic_patient_add")
SHORT = ["M98765432", "AC0123456"]
PERSON = {"full_name": "Smith", "date_of_birth": "1984-05-02", "sex": "female"}
VISITS = {f"appointments-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
TICK = 'type="checkbox" name="is_passport"'
COLUMNS = ["full_name", "date_of_birth", "sex", "national_id"]


@pytest.mark.parametrize("number", SHORT)
def test_a_patient_is_asked_and_books_with_a_passport(client, slot, person, answers, number):
    page = walk(client, slot, person | {"national_id": number}, answers)
    assert "A digit seems to be missing" in page.text
    assert TICK in page.text
    assert number not in page.text
    assert not Patient.objects.exists()
    # The number is kept out of the page, not forgotten: to tick is enough.
    walk(client, slot, person | {"national_id": "", "is_passport": "on"}, answers)
    assert Patient.objects.get().national_id == number


def test_the_tick_is_there_again_on_the_way_back(client, slot, person):
    client.post("/book/", {"session": slot})
    assert client.post(DETAILS, person | {"national_id": "A12345678", "is_passport": "on"}).url == SURVEY
    assert TICK in client.get(DETAILS).text


@pytest.mark.parametrize(
    "number",
    [
        "A123456789",
        "AC01234567",
        "123456789",
        "TR1234567",
        "C01X00T47",
        "12AB34567",
        "M123A4567",
        "A123456AB",
        "K1234567A",
        "",
    ],
)
def test_nobody_else_is_asked(client, slot, person, answers, number):
    assert TICK not in client.get(DETAILS).text
    walk(client, slot, person | {"national_id": number}, answers)
    assert Patient.objects.get().national_id == number


@pytest.mark.parametrize("number", ["A1234567890", "A123456788", "A12345678O", "AI23456789", "ABCDEFGHI"])
def test_a_tick_takes_no_number_that_is_no_passports(client, slot, person, answers, number):
    walk(client, slot, person | {"national_id": number, "is_passport": "on"}, answers)
    assert not Patient.objects.exists()


def test_another_clinics_rule_asks_nothing(client, slot, person, answers, settings):
    settings.NATIONAL_ID_RULE = "django.core.validators.validate_slug"
    walk(client, slot, person | {"national_id": "A12345678"}, answers)
    assert Patient.objects.get().national_id == "A12345678"


@pytest.mark.parametrize("number", SHORT)
def test_the_desk_is_asked_and_says_so(client, front_desk, number):
    client.force_login(front_desk)
    assert TICK not in client.get(ADD).text
    page = client.post(ADD, PERSON | VISITS | {"national_id": number})
    assert "A digit seems to be missing" in page.text
    assert TICK in page.text
    assert client.post(ADD, PERSON | VISITS | {"national_id": number, "is_passport": "on"}).status_code == 302
    assert Patient.objects.get().national_id == number


def test_what_is_on_file_is_not_asked_about_again(client, front_desk):
    patient = baker.make(Patient, **PERSON, national_id="A12345678", phone="")
    client.force_login(front_desk)
    page = reverse("admin:clinic_patient_change", args=[patient.pk])
    assert client.post(page, PERSON | VISITS | {"full_name": "Smythe"}).status_code == 302
    patient.refresh_from_db()
    assert (patient.full_name, patient.national_id) == ("Smythe", "A12345678")


def test_who_only_reads_a_patient_is_asked_nothing(client, django_user_model):
    patient = baker.make(Patient, **PERSON, national_id="A12345678", phone="")
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_patient"))
    client.force_login(reader)
    assert "passport" not in client.get(reverse("admin:clinic_patient_change", args=[patient.pk])).text


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_file_of_new_patients_says_which_lines_to_look_at(dry_run):
    rows = [["Smith", "1984-05-02", "female", "A12345678"], ["Lin", "1984-05-02", "female", "A123456789"]]
    done = take_in(PatientResource, COLUMNS, *rows, dry_run=dry_run)
    assert (done.new, len(done.notes)) == (2, 1)
    assert done.notes[0].endswith("taken for a passport’s: line 2.")


def test_what_was_exported_comes_back_without_a_question():
    baker.make(Patient, **PERSON, national_id="A12345678", phone="")
    done = take_back(PatientResource, as_csv(PatientResource, Patient.objects.all()), "patients.csv")
    assert (done.unchanged, done.notes) == (1, [])


def test_a_refused_phone_is_told_what_a_phone_looks_like():
    done = take_in(PatientResource, [*COLUMNS, "phone", "email"], ["Lin", "1984-05-02", "female", "", "12", "lin@"])
    assert {error.column: error.remedy for error in done.errors} == {
        "phone": (
            "A phone number, such as 0912 345 678, 02-2345-6789 #12 or +44 20 7946 0958. Or leave the cell empty."
        ),
        "email": "An e-mail address, such as lin@example.org. Or leave the cell empty.",
    }
