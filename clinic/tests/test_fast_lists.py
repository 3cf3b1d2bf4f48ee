"""Lists and choices that cost the same however much there is, and say honestly what they show."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.admin.base import changelists, inlines
from clinic.models import Appointment, ClinicSession, Patient
from clinic.tests.clinics import session_today

PATIENTS = reverse("admin:clinic_patient_changelist")
VISITS = reverse("admin:clinic_appointment_changelist")
CHOICES = reverse("admin:autocomplete")
OF_PATIENTS = {"app_label": "clinic", "model_name": "appointment", "field_name": "patient"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, front_desk):
    client.force_login(front_desk)
    return client


@pytest.fixture
def people():
    return [baker.make(Patient, full_name=f"Patient {number:03}", national_id="") for number in range(120)]


def names(client, **query) -> list[str]:
    return [str(row) for row in client.get(PATIENTS, query).context["cl"].result_list]


def test_pages_follow_each_other_and_end(desk, people):
    shown = [name for page in (1, 2, 3) for name in names(desk, p=page)]
    assert shown == [patient.full_name for patient in people]


@pytest.mark.parametrize(("asked", "given"), [("4", 3), ("900", 3), ("0", 1), ("-2", 1), ("x", 1)])
def test_a_page_that_there_is_not_leads_to_one_that_there_is(desk, people, asked, given):
    assert desk.get(PATIENTS, {"p": asked}).context["cl"].page_num == given


def test_it_counts_no_further_than_it_lists_and_says_so(desk, people, monkeypatch):
    monkeypatch.setattr(changelists, "LISTED", 100)
    answer = desk.get(PATIENTS)
    assert answer.context["cl"].result_count == 100
    assert "More than 100 match" in answer.text
    assert "that match, more than 100" in answer.text
    assert desk.get(PATIENTS, {"p": 9}).context["cl"].page_num == 2


def test_an_action_on_all_that_match_takes_those_beyond_the_list_too(desk, monkeypatch):
    monkeypatch.setattr(changelists, "LISTED", 2)
    session = session_today()
    for number in range(1, 6):
        baker.make(Appointment, patient=baker.make(Patient, national_id=""), session=session, queue_number=number)
    chosen = {"action": "check_in", "select_across": 1, "_selected_action": [Appointment.objects.first().pk]}
    desk.post(VISITS, chosen)
    assert Appointment.objects.filter(status=Appointment.Status.CHECKED_IN).count() == 5


def test_equal_rows_keep_their_order_from_page_to_page(desk):
    baker.make(Patient, date_of_birth=datetime.date(1990, 1, 1), national_id="", _quantity=60)
    column = str(list(desk.get(PATIENTS).context["cl"].list_display).index("date_of_birth"))
    for order in (column, f"-{column}"):
        pages = [desk.get(PATIENTS, {"o": order, "p": page}).context["cl"].result_list for page in (1, 2)]
        listed = [row.pk for page in pages for row in page]
        assert len(set(listed)) == 60


def test_a_column_that_is_not_for_sorting_sorts_by_no_address_either(desk):
    for name, phone in [("Ann", "3"), ("Bob", "1"), ("Cid", "2")]:
        baker.make(Patient, full_name=name, phone=phone, national_id="")
    column = list(desk.get(PATIENTS).context["cl"].list_display).index("phone")
    assert names(desk, o=column) == names(desk, o=f"-{column}")


def test_no_list_counts_or_sorts_the_whole_table(desk, people):
    with CaptureQueriesContext(connection) as asked:
        desk.get(VISITS)
        desk.get(PATIENTS)
    of_the_lists = [query["sql"] for query in asked if "clinic_" in query["sql"]]
    assert of_the_lists
    assert not [sql for sql in of_the_lists if ("COUNT(" in sql and "LIMIT" not in sql) or "DISTINCT" in sql]
    assert "TEMP B-TREE" not in Patient.objects.visible().order_by("full_name", "pk").values("pk")[:50].explain()


def test_the_days_lie_between_the_first_and_the_last(desk):
    for day in ("2029-12-30", "2030-02-02"):
        baker.make(ClinicSession, date=day, period="morning", opens_at="09:00", closes_at="12:00", booked=0)
    assert titles(desk) == ["2029", "2030"]
    assert titles(desk, session__date__year=2030) == ["January 2030", "February 2030"]
    assert titles(desk, session__date__year=2030, session__date__month=2) == ["February 1", "February 2"]


def titles(client, **query) -> list[str]:
    content = client.get(VISITS, query).text
    days = content[content.index('class="col-12 date-hierarchy"') :]
    links = days[: days.index("</nav>")].split("<a ")[1:]
    return [title for link in links if not (title := link.split(">")[1].split("<")[0]).startswith("‹")]


# -- Choices ----------------------------------------------------------------------------------------------------------


def choices(client, term: str = "", page: int = 1) -> dict:
    return client.get(CHOICES, {**OF_PATIENTS, "term": term, "page": page}).json()


def test_choices_tell_namesakes_apart_and_show_no_national_id(desk):
    for year in (1950, 1990):
        baker.make(Patient, full_name="Mei Chang", date_of_birth=datetime.date(year, 5, 1), national_id=f"A{year}12345")
    texts = [choice["text"] for choice in choices(desk, "mei")["results"]]
    assert len(set(texts)) == 2
    assert all("Mei Chang" in text and ("1950" in text or "1990" in text) for text in texts)
    assert "12345" not in str(texts)


def test_choices_go_on_page_by_page_without_a_count(desk, people):
    with CaptureQueriesContext(connection) as asked:
        pages = [choices(desk, page=page) for page in range(1, 7)]
    assert [len(page["results"]) for page in pages] == [20] * 6
    assert [page["pagination"]["more"] for page in pages] == [True] * 5 + [False]
    assert not [query for query in asked if "COUNT(" in query["sql"]]


def test_hidden_patients_are_not_offered(desk, people, front_desk):
    Patient.objects.exclude(pk=people[0].pk).hide(by=front_desk, reason="twice")
    assert [choice["id"] for choice in choices(desk)["results"]] == [str(people[0].pk)]


def test_choices_are_for_those_who_may_see_the_records(client, people, django_user_model):
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    assert client.get(CHOICES, {**OF_PATIENTS, "term": ""}).status_code == 403


# -- A record with much on it -----------------------------------------------------------------------------------------


def test_a_patient_of_many_visits_shows_the_last_ones_and_leads_to_all(desk, monkeypatch):
    monkeypatch.setattr(inlines, "SHOWN", 2)
    patient = baker.make(Patient, national_id="")
    for number in range(4):
        day = timezone.localdate() + datetime.timedelta(days=number)
        session = session_today(date=day)
        baker.make(Appointment, patient=patient, session=session, queue_number=1)
    page = reverse("admin:clinic_patient_change", args=[patient.pk])
    answer = desk.get(page)
    visits = next(
        formset for formset in answer.context["inline_admin_formsets"] if formset.formset.model is Appointment
    )
    assert len(visits.formset.initial_forms) == 2
    everything = f"{VISITS}?patient__exact={patient.pk}"
    assert everything in answer.text
    assert desk.get(everything).context["cl"].result_count == 4


def test_one_list_tells_its_days_periods_and_statuses_to_each_reader_in_their_language(desk):
    visit = baker.make(Appointment, session=session_today(period="morning"), status="called")
    day = visit.session.date
    told = {
        "en": [f"{day.day} {day:%b} {day.year} morning", ">called<"],
        "zh-hant": [f"{day.year}年{day.month}月{day.day}日 上午", ">已叫號<"],
    }
    for language in ["en", "zh-hant", "en"]:
        page = desk.get(VISITS, headers={"accept-language": language}).content.decode()
        for reader, words in told.items():
            assert [said in page for said in words] == [reader == language] * 2
