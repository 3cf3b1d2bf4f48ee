"""An address that was pasted from a web page or a chat, with signs between its letters that nobody sees."""

import pytest

from backoffice.models import User
from clinic.models import Patient
from clinic.resources import PatientResource
from clinic.tests.booking_pages import walk
from clinic.tests.exchanged import take_in

pytestmark = pytest.mark.django_db

PASTED = "\u200blin\u200d@example\u2060.org\ufeff"
ADDRESS = "lin@example.org"
ADD = "/admin/clinic/patient/add/"
PERSON = {"full_name": "Lin", "date_of_birth": "1984-05-02", "sex": "female", "_continue": "1"}


def test_a_patient_books_with_it(client, slot, person, answers):
    walk(client, slot, person | {"email": PASTED}, answers)
    assert Patient.objects.get().email == ADDRESS


def test_the_desk_writes_it_down(client, front_desk):
    client.force_login(front_desk)
    visits = {f"appointments-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
    assert client.post(ADD, PERSON | visits | {"email": PASTED}).status_code == 302
    assert Patient.objects.get().email == ADDRESS


def test_a_colleague_has_it(client, administrator, front_desk):
    client.force_login(administrator)
    page = f"/admin/backoffice/user/{front_desk.pk}/change/"
    data = {"username": front_desk.username, "is_active": "on", "is_staff": "on", "email": PASTED}
    assert client.post(page, data).status_code == 302
    assert User.objects.get(pk=front_desk.pk).email == ADDRESS


def test_a_file_brings_it():
    columns = ["full_name", "date_of_birth", "sex", "email"]
    assert take_in(PatientResource, columns, ["Lin", "1984-05-02", "female", PASTED]).new == 1
    assert Patient.objects.get().email == ADDRESS


def test_what_is_no_address_is_refused_still(client, slot, person, answers):
    page = walk(client, slot, person | {"email": "lin@"}, answers)
    assert "Enter a valid email address" in page.text
    assert not Patient.objects.exists()
