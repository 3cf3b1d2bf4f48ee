"""What the list shows, as a file."""

import csv
import io

import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from openpyxl import load_workbook

from backoffice.models import AccessEvent
from clinic.models import Patient
from clinic.tests.tables import IMPORT

pytestmark = pytest.mark.django_db

LIST = reverse("admin:clinic_patient_changelist")
EXPORT = reverse("admin:clinic_patient_export")
COLUMNS = ["full_name", "national_id", "phone"]


@pytest.fixture
def patients(administrator):
    made = [
        baker.make(Patient, full_name=name, sex=sex, national_id="", phone=phone)
        for name, sex, phone in [("陳怡君", "female", "+886912"), ("Lin", "female", "0911"), ("Wang", "male", "0922")]
    ]
    hidden = baker.make(Patient, full_name="Hidden", sex="female", national_id="")
    Patient.objects.filter(pk=hidden.pk).hide(by=administrator)
    return made


def download(client, query="", file_format="csv", columns=COLUMNS):
    response = client.post(f"{EXPORT}{query}", {"file_format": file_format, "columns": columns})
    assert response.status_code == 200, response
    return response, b"".join(response.streaming_content)


def names(content: bytes) -> list[str]:
    return [row["full_name"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]


def test_the_lists_filters_and_search_hold_and_are_said(admin_client, patients):
    page = admin_client.get(f"{EXPORT}?sex__exact=female&q=Lin")
    assert "1 patient<" in page.text
    assert {"search: Lin", "sex: female"} <= set(page.context["narrowed_by"])
    assert names(download(admin_client, "?sex__exact=female")[1]) == ["Lin", "陳怡君"]
    assert names(download(admin_client, "?sex__exact=female&q=Lin")[1]) == ["Lin"]


def test_hidden_rows_are_left_out_unless_the_list_shows_them(admin_client, patients):
    assert "Hidden records are left out" in admin_client.get(EXPORT).text
    assert "Hidden" not in names(download(admin_client)[1])
    assert names(download(admin_client, "?hidden=yes")[1]) == ["Hidden"]
    assert len(names(download(admin_client, "?hidden=all")[1])) == 4


def test_both_formats_hold_the_columns_that_were_chosen_and_their_name_says_when(admin_client, patients):
    response, content = download(admin_client)
    assert content.startswith("\ufefffull_name,national_id,phone\r\n".encode())
    assert "'+886912" in content.decode()
    assert f"patient-{timezone.localtime():%Y-%m-%d}" in response["Content-Disposition"]
    response, content = download(admin_client, file_format="xlsx", columns=["phone", "full_name"])
    rows = [[cell.value for cell in row] for row in load_workbook(io.BytesIO(content)).active.rows]
    assert rows[0] == ["full_name", "phone"]
    assert ["陳怡君", "'+886912"] in rows
    assert ".xlsx" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]


def test_rows_that_were_ticked_are_exported_alone(admin_client, patients):
    chosen = {"action": "export_selected", "_selected_action": [patients[0].pk, patients[2].pk]}
    page = admin_client.post(LIST, chosen, follow=True)
    assert "2 patients" in page.text
    assert "the rows that you chose" in page.text
    query = f"?{page.request['QUERY_STRING']}"
    assert sorted(names(download(admin_client, query)[1])) == ["Wang", "陳怡君"]


def test_ticking_all_across_pages_keeps_the_lists_filter(admin_client, patients):
    chosen = {"action": "export_selected", "_selected_action": [patients[0].pk], "select_across": "1"}
    page = admin_client.post(f"{LIST}?sex__exact=female", chosen, follow=True)
    assert "2 patients" in page.text


def test_each_export_is_noted_once_and_looking_at_the_page_is_not(admin_client, administrator, patients):
    admin_client.get(EXPORT)
    assert not AccessEvent.objects.filter(action=AccessEvent.Action.EXPORT).exists()
    download(admin_client)
    event = AccessEvent.objects.get(action=AccessEvent.Action.EXPORT)
    assert (event.user, event.content_type.model_class(), event.object_id) == (administrator, Patient, None)


def test_no_column_is_refused_in_a_sentence(admin_client, patients):
    page = admin_client.post(EXPORT, {"file_format": "csv"})
    assert "Choose at least one column" in page.text
    assert admin_client.post(EXPORT, {"file_format": "exe", "columns": COLUMNS}).status_code == 200
    assert not AccessEvent.objects.filter(action=AccessEvent.Action.EXPORT).exists()


def test_a_filter_that_there_is_not_leads_back_to_all(admin_client, patients):
    assert admin_client.get(f"{EXPORT}?nonsense=1").url == EXPORT


def test_the_list_offers_both_with_its_filters(admin_client, patients):
    page = admin_client.get(f"{LIST}?sex__exact=male").text
    assert f'href="{EXPORT}?sex__exact=male"' in page
    assert f'href="{IMPORT}"' in page
