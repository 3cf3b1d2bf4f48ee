"""The intake table in the admin, and the CSV of it."""

import csv
import datetime
import io

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.http import urlencode
from model_bakery import baker

from backoffice.models import AccessEvent
from clinic import booking
from clinic.intake import table
from clinic.models import Appointment, ClinicSession, IntakeRecord, LikertQuestion, NumericQuestion, Patient, Symptom

LIST = reverse("admin:clinic_intakerecord_changelist")
CSV = reverse("admin:clinic_intakerecord_csv")
NAME, NATIONAL_ID, NUMBER, DAY, PERIOD, AGE, SYMPTOMS, SLEEP, SMOKES = range(9)  # the columns, as the list counts them

pytestmark = pytest.mark.django_db


@pytest.fixture
def sleep():
    return baker.make(LikertQuestion, text="How well do you sleep?", position=1)


@pytest.fixture
def smokes():
    return baker.make(NumericQuestion, text="How much do you smoke?", unit="cigarettes", minimum=None, maximum=None)


@pytest.fixture
def cough():
    return baker.make(Symptom, name="Cough", position=1)


@pytest.fixture
def visit(django_capture_on_commit_callbacks, sleep, smokes):
    """Books somebody with answers; a missing answer is None."""

    def book(name: str, day: int = 1, period: str = "morning", score=None, amount=None, symptoms=(), born=1990):
        session, _made = ClinicSession.objects.get_or_create(
            date=datetime.date(2030, 5, day),
            period=period,
            defaults={"opens_at": datetime.time(9), "closes_at": datetime.time(12), "capacity": 50},
        )
        patient = baker.make(Patient, full_name=name, national_id="", date_of_birth=datetime.date(born, 1, 1))
        with django_capture_on_commit_callbacks(execute=True):
            return booking.book(
                session,
                patient,
                by=None,
                symptoms=symptoms,
                likert={} if score is None else {sleep: score},
                numeric={} if amount is None else {smokes: amount},
            )

    return book


@pytest.fixture
def three(visit, cough):
    visit("Ann", day=1, score=3, amount="2.5", symptoms=[cough], born=1990)
    visit("Bob", day=2, period="evening", born=1950)
    visit("Cid", day=2, score=7, amount=10, born=2000)


@pytest.fixture
def office(client, administrator):
    client.force_login(administrator)
    return client


def names(client, **query) -> str:
    """Who the list shows, in its order; the CSV must show the same."""
    listed = [record.patient.full_name for record in client.get(LIST, query).context["cl"].result_list]
    assert [row["patient"] for row in rows(client, **query)] == listed
    return " ".join(listed)


def rows(client, **query) -> list[dict[str, str]]:
    answer = client.get(CSV, query)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))


# -- Columns ----------------------------------------------------------------------------------------------------------


def test_every_active_question_is_a_column_in_the_survey_s_order(office, three, sleep, smokes):
    baker.make(LikertQuestion, text="No longer asked", is_active=False)
    baker.make(LikertQuestion, text="Asked first of all, in so many words that no header has room for them", position=0)
    page = office.get(LIST).content.decode()
    titles = [str(cell.short_description) for cell in office.get(LIST).context["cl"].list_display]
    assert titles[7:] == [
        '<abbr title="Asked first of all, in so many words that no header has room for them">'
        "Asked first of all, in so many …</abbr>",
        "How well do you sleep?",
        '<abbr title="How much do you smoke? (cigarettes)">How much do you smoke? (cigaret…</abbr>',
    ]
    assert titles[7] in page
    assert "No longer asked" not in page


def test_a_row_shows_the_visit_and_its_answers_and_leads_to_the_appointment(office, three):
    page = office.get(LIST, {"q": "Ann"}).content.decode()
    for cell in [">1 May 2030<", ">morning<", ">40<", ">Cough<", ">3<", ">2.5<"]:
        assert cell in page
    record = IntakeRecord.objects.get(patient__full_name="Ann")
    answer = office.get(reverse("admin:clinic_intakerecord_change", args=[record.pk]))
    assert answer.url == reverse("admin:clinic_appointment_change", args=[record.appointment_id])


# -- Order ------------------------------------------------------------------------------------------------------------


def test_the_newest_day_comes_first(office, three):
    assert names(office) == "Cid Bob Ann"


@pytest.mark.parametrize(
    ("column", "rising", "falling"),
    [
        (NAME, "Ann Bob Cid", "Cid Bob Ann"),
        (NUMBER, "Ann Bob Cid", "Cid Bob Ann"),
        (DAY, "Ann Bob Cid", "Cid Bob Ann"),
        (PERIOD, "Ann Cid Bob", "Bob Cid Ann"),
        (AGE, "Cid Ann Bob", "Bob Ann Cid"),
        (SYMPTOMS, "Ann Cid Bob", "Ann Cid Bob"),
        (SLEEP, "Ann Cid Bob", "Cid Ann Bob"),
        (SMOKES, "Ann Cid Bob", "Cid Ann Bob"),
    ],
)
def test_it_sorts_by_any_column_and_puts_missing_answers_last_both_ways(office, three, column, rising, falling):
    assert names(office, o=column) == rising
    assert names(office, o=-column if column else "-0") == falling


def test_numbers_sort_as_numbers(office, visit):
    for amount in ("10", "9.5", "100"):
        visit(amount, amount=amount)
    assert names(office, o=SMOKES) == "9.5 10 100"


def test_periods_sort_as_the_day_goes(office, visit):
    for period in ("evening", "afternoon", "morning"):
        visit(period, period=period)
    assert names(office, o=PERIOD) == "morning afternoon evening"


def test_a_hidden_answer_is_a_missing_one(office, three, django_capture_on_commit_callbacks):
    cid = Appointment.objects.get(patient__full_name="Cid")
    with django_capture_on_commit_callbacks(execute=True):
        cid.likert_answers.all().hide(by=None)
    assert names(office, o=SLEEP) == names(office, o=-SLEEP) == "Ann Cid Bob"


def test_pages_go_on_from_the_answered_to_the_missing_without_a_gap(office, visit, monkeypatch):
    for number in range(7):
        visit(f"P{number}", score=number + 1 if number % 2 else None)
    monkeypatch.setattr("clinic.admin.intake_records.IntakeRecordAdmin.list_per_page", 2)
    pages = [
        [r.patient.full_name for r in office.get(LIST, {"o": SLEEP, "p": p}).context["cl"].result_list]
        for p in (1, 2, 3, 4)
    ]
    assert pages == [["P1", "P3"], ["P5", "P6"], ["P4", "P2"], ["P0"]]


@pytest.mark.parametrize("order", ["99", "-99", "--1", "x", "7.6", ""])
def test_an_order_that_makes_no_sense_does_no_harm(office, three, order):
    assert len(names(office, o=order).split()) == 3


# -- Filters ----------------------------------------------------------------------------------------------------------


def test_filters_by_period_days_symptom_and_name(office, three, cough):
    assert names(office, period__exact="evening") == "Bob"
    assert names(office, first="2030-05-02") == "Cid Bob"
    assert names(office, last="2030-05-01") == "Ann"
    assert names(office, first="2030-05-02", last="2030-05-02", o=AGE) == "Cid Bob"
    assert names(office, first="", last="") == "Cid Bob Ann"
    assert names(office, q="b") == "Bob"


def test_the_symptom_filter_goes_by_what_was_ticked_not_by_the_text(office, visit, cough):
    visit("Ann", symptoms=[cough])
    visit("Bob", symptoms=[baker.make(Symptom, name="Coughing at night")])
    assert names(office, symptom=cough.pk) == "Ann"


@pytest.mark.parametrize("query", [{"first": "31/31/2030"}, {"symptom": "x"}, {"symptom": "9" * 30}])
def test_a_filter_that_makes_no_sense_leads_back_to_the_whole_list(office, three, query):
    assert office.get(LIST, query).url.endswith("?e=1")
    assert office.get(CSV, query).url == f"{LIST}?e=1"
    assert office.get(LIST, {"e": "1"}).status_code == 200


def test_the_day_form_keeps_the_other_filters_and_the_order(office, three, cough):
    page = office.get(LIST, {"symptom": cough.pk, "o": AGE, "first": "2030-05-01", "q": "A"}).content.decode()
    form = page.split('class="day-range"')[1].split("</form>")[0]
    assert f'name="symptom" value="{cough.pk}"' in form
    assert f'name="o" value="{AGE}"' in form
    assert 'name="q" value="A"' in form
    assert form.count('name="first"') == 1


def test_a_hidden_appointment_leaves_list_count_and_export(
    office, three, administrator, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        Appointment.objects.filter(patient__full_name="Bob").hide(by=administrator)
    assert names(office) == "Cid Ann"
    assert office.get(LIST).context["cl"].result_count == 2


# -- Size -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [{}, {"o": SLEEP}, {"o": SYMPTOMS}])
def test_a_longer_list_and_a_longer_file_take_no_more_queries(office, visit, query):
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            answer = office.get(url, query)
            assert answer.getvalue() if answer.streaming else answer.content
        return len(captured)

    visit("First", score=3)
    visit("Missing")
    queries(LIST)  # content types are read once
    short = queries(LIST), queries(CSV)
    for number in range(10):
        visit(f"P{number}", score=number % 7 + 1 if number % 2 else None)
    assert (queries(LIST), queries(CSV)) == short


def test_it_counts_no_further_than_it_lists_and_says_so(office, visit, monkeypatch):
    monkeypatch.setattr(table, "LISTED", 3)
    for number in range(5):
        visit(f"P{number}")
    answer = office.get(LIST)
    assert answer.context["cl"].result_count == 3
    assert "More than 3 match" in answer.content.decode()
    assert len(rows(office)) == 5


# -- The file ---------------------------------------------------------------------------------------------------------


def test_the_file_opens_in_a_spreadsheet_with_chinese_intact(office, visit, sleep, smokes, cough):
    visit("陳怡君", day=3, score=5, amount="2.50", symptoms=[cough])
    answer = office.get(CSV)
    content = answer.getvalue()
    assert content.startswith(b"\xef\xbb\xbf")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in answer["Cache-Control"]
    assert rows(office) == [
        {
            "patient": "陳怡君",
            "national ID": "",
            "number": "1",
            "day": "2030-05-03",
            "period": "morning",
            "age": "40",
            "symptoms": "Cough",
            sleep.text: "5",
            "How much do you smoke? (cigarettes)": "2.5",
        }
    ]


def test_its_name_carries_date_and_time(office, three, monkeypatch):
    now = datetime.datetime(2026, 11, 21, 9, 5, tzinfo=datetime.UTC)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    assert office.get(CSV)["Content-Disposition"] == 'attachment; filename="intake-2026-11-21-1705.csv"'


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_nothing_in_it_is_run_as_a_formula(office, visit, sleep, start):
    visit(f"{start}HYPERLINK(1)", amount=-5)
    sleep.text = "=1+1"
    sleep.save()
    (row,) = rows(office)
    assert row["patient"].startswith(f"'{start}HYPERLINK")
    assert row["'=1+1"] == ""
    assert row["How much do you smoke? (cigarettes)"] == "-5"  # a number stays a number


def test_it_is_sent_piece_by_piece(office, visit, monkeypatch):
    monkeypatch.setattr("backoffice.exchange.exporting.LINES", 2)
    for number in range(5):
        visit(f"P{number}")
    pieces = list(office.get(CSV).streaming_content)
    assert [piece.count(b"\r\n") for piece in pieces] == [2, 2, 2]


def test_only_administrators_export_and_each_export_is_in_the_access_trail(
    client, administrator, front_desk, clinician, three
):
    for person in (front_desk, clinician):
        client.force_login(person)
        assert client.get(CSV).status_code == 403
        assert CSV not in client.get(LIST).content.decode()
    exports = AccessEvent.objects.filter(action=AccessEvent.Action.EXPORT)
    assert not exports.exists()
    client.force_login(administrator)
    assert f"{CSV}?o=4" in client.get(LIST, {"o": 4}).content.decode()
    client.get(CSV)
    event = exports.get()
    assert event.user == administrator
    assert event.content_type.model_class() is IntakeRecord


# -- The national ID ---------------------------------------------------------------------------------------------------

ID, OTHER_ID = "A234567893", "F131104093"


@pytest.fixture
def known(visit):
    """Ann and Bob have an ID on file, Cid has none. Ann was here twice."""
    patients = {name: visit(name).patient for name in ("Ann", "Bob", "Cid")}
    for name, national_id in (("Ann", ID), ("Bob", OTHER_ID)):
        Patient.objects.filter(pk=patients[name].pk).update(national_id=national_id)
    again = visit("Ann", day=2)
    Appointment.objects.filter(pk=again.pk).update(patient=patients["Ann"])
    IntakeRecord.objects.filter(appointment=again).update(patient=patients["Ann"])
    return patients


def whole(client, **query) -> dict[str, str]:
    answer = client.post(f"{CSV}?{urlencode(query)}", {"national_id": "whole"})
    assert answer.status_code == 200
    table = csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    return {row["patient"]: row["national ID"] for row in table}


def revealed() -> list[tuple]:
    events = AccessEvent.objects.filter(action=AccessEvent.Action.REVEAL)
    return sorted((str(event.user), event.target.full_name) for event in events)


def test_the_table_and_its_file_show_the_last_signs_of_the_id(client, administrator, clinician, known):
    for person in (administrator, clinician):
        client.force_login(person)
        page = client.get(LIST).text
        assert page.count(f"•••••••{ID[-3:]}") == 2
        assert ID not in page
    client.force_login(administrator)
    told = {row["patient"]: row["national ID"] for row in rows(client)}
    assert told == {"Ann": f"•••••••{ID[-3:]}", "Bob": f"•••••••{OTHER_ID[-3:]}", "Cid": ""}
    assert revealed() == []


def test_whole_ids_leave_on_purpose_and_are_noted_for_each_patient_once(office, administrator, known):
    assert whole(office) == {"Ann": ID, "Bob": OTHER_ID, "Cid": ""}
    assert revealed() == [(str(administrator), "Ann"), (str(administrator), "Bob")]
    assert AccessEvent.objects.filter(action=AccessEvent.Action.EXPORT).count() == 1


def test_only_those_in_the_file_are_noted(office, administrator, known):
    assert whole(office, q="Bob") == {"Bob": OTHER_ID}
    assert revealed() == [(str(administrator), "Bob")]


def test_a_link_reveals_nothing(office, known):
    assert ID not in office.get(CSV, {"national_id": "whole"}).getvalue().decode()
    assert revealed() == []


def test_who_may_not_reveal_gets_no_whole_ids_and_no_button(client, administrator, known):
    Permission.objects.get(codename="reveal_national_id").group_set.clear()
    client.force_login(administrator)
    assert "whole IDs" not in client.get(LIST).text
    assert client.post(CSV, {"national_id": "whole"}).status_code == 403
    assert not AccessEvent.objects.exclude(action=AccessEvent.Action.VIEW).exists()
    assert len(rows(client)) == 4


def test_a_hidden_patients_id_is_as_unread_as_the_name(client, administrator, known):
    Permission.objects.get(codename="name_hidden_patient").group_set.clear()
    Patient.objects.filter(full_name="Bob").hide(by=administrator)
    client.force_login(administrator)
    assert OTHER_ID[-3:] not in client.get(LIST).text
    assert whole(client) == {"Ann": ID, "hidden patient": "", "Cid": ""}
    assert revealed() == [(str(administrator), "Ann")]


@pytest.mark.parametrize("query", [{"o": NATIONAL_ID}, {"o": -NATIONAL_ID}])
def test_the_table_is_never_in_the_order_of_the_ids(office, known, query):
    assert names(office, **query) == names(office)


@pytest.mark.parametrize("path", ["patient__national_id", "patient__national_id__startswith", "national_id__gte"])
def test_no_filter_tells_an_id_sign_by_sign(office, known, path):
    for address in (LIST, CSV):
        assert office.get(address, {path: ID}).status_code in (302, 400)


# -- What others add to the page ---------------------------------------------------------------------------------------


def test_what_a_caller_gives_the_page_reaches_it(rf, administrator, three):
    request = rf.get(LIST)
    request.user, request.id = administrator, "test"
    administrator.is_verified = lambda: True
    page = admin.site.get_model_admin(IntakeRecord).changelist_view(request, {"title": "Of this week"})
    assert page.context_data["title"] == "Of this week"
