"""One rule for phone numbers, at every door, and a search that finds them however they are typed."""

import pytest
from django.core.exceptions import ValidationError
from model_bakery import baker

from clinic.models import Patient
from clinic.phones import normalise_phone, phone_key

LIST = "/admin/clinic/patient/"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0912 345 678", "0912 345 678"),
        ("０９１２　３４５　６７８", "0912 345 678"),
        ("+886 912-345-678", "+886 912-345-678"),
        ("(02) 2345-6789 #12", "(02) 2345-6789 #12"),
        ("02-23456789 分機 3", "02-23456789 分機 3"),
        ("+44 20 7946 0958", "+44 20 7946 0958"),
        ('="0912345678"', "0912345678"),
        ("0912\u200b345678", "0912345678"),
        ("0912‐345–678", "0912-345-678"),
        ("0912345678.0", "0912345678"),
        ("00886 912 345 678", "+886 912 345 678"),
        ("886912345678", "+886912345678"),
        ("886-2-2345-6789 #12", "+886-2-2345-6789 #12"),
        ("(886) 912 345 678", "(+886) 912 345 678"),
        ("(00 886) 912 345 678", "(+886) 912 345 678"),
        ("001 415 555 0100", "+1 415 555 0100"),
        ("8861 2345", "8861 2345"),
        ("'0912345678", "0912345678"),
        ("0912345678.", "0912345678"),
        ("٠٩١٢٣٤٥٦٧٨", "0912345678"),
        ("02ー2345─6789", "02-2345-6789"),
        ("02-2345-6789 內線12", "02-2345-6789 內線12"),
        ("02-2345-6789 分機：12", "02-2345-6789 分機:12"),
        ("+1-415-555-0100;ext=12", "+1-415-555-0100;ext=12"),
        ("", ""),
    ],
)
def test_a_number_is_kept_as_it_can_be_read(typed, kept):
    assert normalise_phone(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "8.86912E+11",
        "#NAME?",
        "####",
        "12345",
        "no phone",
        "0912 345 678 / 0922 333 444",
        "0912345678、0922333444",
        "0912345678 (媽媽)",
        "0912345678²",
        "+",
        "1" * 16,
    ],
)
def test_what_is_no_number_is_refused(typed):
    with pytest.raises(ValidationError):
        normalise_phone(typed)


@pytest.mark.parametrize("typed", ["0912-345-67", "0912 345 6789"])
def test_a_mobile_number_with_a_digit_too_few_or_too_many_is_a_slip(typed):
    with pytest.raises(ValidationError, match="has 10 digits"):
        normalise_phone(typed)


@pytest.mark.parametrize("typed", ["002 886 912 345 678", "009886912345678", "0061 412 345 678", "006 1 415 555 0100"])
def test_what_may_dial_two_countries_is_asked_about(typed):
    with pytest.raises(ValidationError, match="not clear which country"):
        normalise_phone(typed)


@pytest.mark.parametrize("typed", ["912345678", "912 345 678", "912-345-678", "912345678.0", "912345678.00"])
def test_a_zero_that_a_spreadsheet_took_is_asked_for(typed):
    with pytest.raises(ValidationError, match="Write 0912345678"):
        normalise_phone(typed)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kept",
    ["0977 345 678", "0977-345-678", "+886977345678", "+886 (0)977 345 678", "00886977345678", "(886) 977 345 678"],
)
@pytest.mark.parametrize(
    "asked",
    [
        "0977 345 678",
        "0977345678",
        "0977-345-678",
        "+886977345678",
        "０９７７３４５６７８",
        "345678",
        "0977–345‐678",
        "00886 977 345 678",
        "00886977345678",
        "886977345678",
        "886 0977 345 678",
    ],
)
def test_a_search_finds_it_however_either_is_written(client, front_desk, kept, asked):
    baker.make(Patient, full_name="Lin", phone=normalise_phone(kept), national_id="")
    client.force_login(front_desk)
    assert client.get(LIST, {"q": asked}).context["cl"].result_count == 1


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["02-2345-6789 分機 3", "0223456789分機3", "02 2345 6789"])
def test_a_search_finds_it_with_and_without_its_extension(client, front_desk, asked):
    baker.make(Patient, full_name="Lin", phone="(02) 2345-6789 分機 3", national_id="")
    client.force_login(front_desk)
    assert client.get(LIST, {"q": asked}).context["cl"].result_count == 1


@pytest.mark.django_db
@pytest.mark.parametrize("asked", ["001 415 555 0100", "+1 (415) 555-0100", "0014155550100", "5550100"])
def test_a_number_abroad_is_found_however_it_is_dialled(client, front_desk, asked):
    baker.make(Patient, full_name="Smith", phone="+1 415 555 0100", national_id="")
    client.force_login(front_desk)
    assert client.get(LIST, {"q": asked}).context["cl"].result_count == 1


@pytest.mark.django_db
def test_zeros_within_a_number_are_no_way_abroad(client, front_desk):
    baker.make(Patient, full_name="Lin", phone="0912 001 234", national_id="")
    client.force_login(front_desk)
    assert client.get(LIST, {"q": "001234"}).context["cl"].result_count == 1


@pytest.mark.django_db
@pytest.mark.parametrize("phone", ["+886 (0)912-345.678", "(+886) 912 345 678", "0912/345", "02 2345 #3"])
def test_the_database_makes_the_same_key_of_it_as_we_do(phone):
    assert baker.make(Patient, phone=phone, national_id="").phone_key == phone_key(phone)
