"""Tables as files: complete, dated, harmless, and no query per row."""

import openpyxl
import pytest
from django.utils import timezone
from model_bakery import baker

from backoffice.exchange import exporting
from backoffice.exchange.exporting import TooLargeError, stream_csv, write_xlsx
from clinic.models import Appointment, Patient
from clinic.resources import AppointmentResource, PatientResource
from clinic.tests.clinics import session_today, visit
from clinic.tests.exchanged import as_csv

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient():
    return baker.make(Patient, full_name="王小明", date_of_birth="1990-01-31", sex="male", national_id="", phone="+886")


def test_a_csv_opens_in_excel_and_is_named_for_the_moment(patient):
    response = stream_csv(PatientResource(), Patient.objects.all(), "patients")
    assert response.streaming
    assert f'filename="patients-{timezone.localtime():%Y-%m-%d-}' in response["Content-Disposition"]
    lines = b"".join(response).decode().splitlines()
    assert lines == [
        "\ufefffull_name,date_of_birth,sex,national_id,phone,email,notes",
        "王小明,1990-01-31,male,,'+886,,",
    ]


def test_a_workbook_holds_texts_and_never_a_formula(patient):
    Patient.objects.update(notes="=HYPERLINK(1)")
    with write_xlsx(PatientResource(), Patient.objects.all()) as file:
        cells = list(openpyxl.load_workbook(file).active)[1]
    assert [cell.value for cell in cells] == ["王小明", "1990-01-31", "male", None, "'+886", None, "'=HYPERLINK(1)"]
    assert "f" not in {cell.data_type for cell in cells}


def test_what_does_not_fit_a_workbook_is_refused_in_a_sentence(patient, monkeypatch):
    Patient.objects.update(notes="x" * 32_768)
    with pytest.raises(TooLargeError, match="Choose CSV"):
        write_xlsx(PatientResource(), Patient.objects.all())
    Patient.objects.update(notes="")
    monkeypatch.setattr(exporting, "MOST_ROWS", 0)
    with pytest.raises(TooLargeError, match="Choose CSV"):
        write_xlsx(PatientResource(), Patient.objects.all())


def test_appointments_with_their_answers_take_as_many_queries_for_few_as_for_many(django_assert_max_num_queries):
    session = session_today()
    for _ in range(6):
        visit(session)
    resource = AppointmentResource()
    for rows in (Appointment.objects.all()[:1], Appointment.objects.all()):
        with django_assert_max_num_queries(4):  # the rows, their symptoms, and both kinds of answer
            assert b"".join(stream_csv(resource, rows, "visits"))


def test_only_the_rows_that_are_given_are_in_it(patient, administrator):
    Patient.objects.all().hide(by=administrator, reason="twice")
    assert as_csv(PatientResource, Patient.objects.visible()).count(b"\r\n") == 1
    assert as_csv(PatientResource, Patient.objects.hidden()).count(b"\r\n") == 2
