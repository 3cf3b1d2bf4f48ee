"""The patient's page: who proves who they are opens the report; everybody else learns nothing, however often."""

import datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from model_bakery import baker

from backoffice.models import AccessEvent
from clinic.models import Patient
from clinic.patients import merging
from imaging import settling
from inference.models import Report
from inference.reports import publishing
from inference.tests.reporting import BORN, a_visit, kept_pdf, published, signed_answer

pytestmark = pytest.mark.django_db
NOBODYS = "A" * 32


@pytest.fixture
def report(doctor, answer):
    return published(doctor, answer)


@pytest.fixture
def visitor():
    return Client()


@pytest.fixture
def reference(answer):
    return answer.xray.appointment.reference


def proven(visitor, key, reference, born=BORN, **more):
    sent = {"reference": reference, "date_of_birth": born.isoformat()}
    return visitor.post(reverse("report", args=[key]), sent, **more)


def is_refused(answer) -> bool:
    return answer["Content-Type"].startswith("text/html") and "This does not match." in answer.text


def is_the_pdf(answer, report) -> bool:
    return answer.status_code == 200 and b"".join(answer.streaming_content) == kept_pdf(report)


def test_who_proves_who_they_are_opens_it_inline_and_nothing_keeps_it(visitor, report, reference):
    answer = proven(visitor, report.key, reference)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == f'inline; filename="report-{report.pk}-1.pdf"'
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert is_the_pdf(answer, report)
    event = AccessEvent.objects.get(action="download")
    assert (event.user, event.target) == (None, report)


def test_the_whole_link_of_the_booking_will_do(visitor, report, reference):
    assert is_the_pdf(proven(visitor, report.key, f"http://testserver/bookings/{reference}/"), report)


def test_the_trail_tells_administrators_that_it_was_a_patient(client, visitor, report, reference, administrator):
    proven(visitor, report.key, reference)
    client.force_login(administrator)
    assert "a patient" in client.get("/admin/backoffice/accessevent/").text
    assert "downloaded" in client.get("/admin/backoffice/accessevent/").text
    assert client.get("/admin/backoffice/accessevent/csv/").status_code == 200


def wrong_ways(report, reference, doctor, clinician) -> dict[str, tuple]:
    other = published(doctor, signed_answer(clinician, full_name="Wu Ya-ting"))
    withdrawn = published(doctor, signed_answer(clinician, full_name="Chen Wei"))
    publishing.withdraw(withdrawn, by=clinician, reason="mixed up")
    draft = baker.make(Report, prediction=other.prediction, version=7, body="x")
    return {
        "another's reference": (report.key, other.prediction.xray.appointment.reference, BORN),
        "no reference": (report.key, NOBODYS, BORN),
        "another day": (report.key, reference, BORN.replace(day=1)),
        "another key": (NOBODYS, reference, BORN),
        "a draft's key": (draft.key, other.prediction.xray.appointment.reference, BORN),
        "withdrawn": (withdrawn.key, reference, BORN),
    }


def test_all_that_is_wrong_is_answered_alike_and_by_as_many_questions(visitor, report, reference, doctor, clinician):
    told = {}
    for name, (key, given, born) in wrong_ways(report, reference, doctor, clinician).items():
        with CaptureQueriesContext(connection) as asked:
            answer = proven(visitor, key, given, born, REMOTE_ADDR=f"203.0.113.{len(told)}")
        page = answer.text.replace(given, "").replace(born.isoformat(), "").replace(key, "")
        sql = [query["sql"].split("WHERE")[0] for query in asked]
        tables = [one for one in sql if "inference_" in one or "clinic_" in one]
        told[name] = (answer.status_code, len(page), tables, sorted(answer.headers))
    assert len({status for status, *_rest in told.values()}) == 1, told
    assert len({str(one) for one in told.values()}) == 1, told
    assert not AccessEvent.objects.filter(user=None).exists()


def test_the_page_itself_is_the_same_for_every_key(visitor, report):
    pages = [visitor.get(reverse("report", args=[key])) for key in (report.key, NOBODYS)]
    assert pages[0].status_code == pages[1].status_code == 200
    assert pages[0]["Referrer-Policy"] == "same-origin"
    assert "Lin" not in pages[0].text


def test_a_withdrawn_one_says_so_to_who_proves_who_they_are_alone(visitor, report, reference, clinician):
    publishing.withdraw(report, by=clinician, reason="mixed up")
    told = proven(visitor, report.key, reference)
    assert ("We have withdrawn" in told.text, "mixed up" in told.text) == (True, False)
    assert "withdrawn" not in proven(visitor, report.key, NOBODYS).text


def test_an_older_key_opens_the_newest_version(doctor, visitor, report, reference, clinician):
    draft = publishing.amend(report, by=clinician, what="The side was wrong")
    second = publishing.publish(draft, by=clinician)
    assert is_the_pdf(proven(visitor, report.key, reference), second)


def test_a_hidden_film_takes_its_report_along(visitor, report, reference, administrator):
    type(report.prediction.xray).objects.all().hide(by=administrator, reason="another's")
    assert is_refused(proven(visitor, report.key, reference))
    assert visitor.get(reverse("report_check", args=[report.key])).status_code == 404


def test_who_has_no_booking_gives_the_number_of_their_card(doctor, visitor, clinician):
    answer = signed_answer(clinician, national_id="A123456789")
    film = answer.xray
    visit, film.appointment = film.appointment, None
    film.save()
    visit.delete()
    report = published(doctor, answer)
    assert is_the_pdf(proven(visitor, report.key, " a123456789 "), report)
    assert is_refused(proven(visitor, report.key, "A123456788"))
    assert is_refused(proven(visitor, report.key, "A123456789", BORN.replace(day=1)))


def test_the_number_of_the_card_is_not_enough_for_who_has_booked(doctor, visitor, clinician):
    report = published(doctor, signed_answer(clinician, national_id="A123456789"))
    assert is_refused(proven(visitor, report.key, "A123456789"))


def test_nothing_given_opens_nothing_where_nothing_is_on_file(doctor, visitor, clinician):
    answer = signed_answer(clinician)
    film = answer.xray
    visit, film.appointment = film.appointment, None
    film.save()
    visit.delete()
    report = published(doctor, answer)
    for nothing in ("", " ", "-", "　"):
        assert proven(visitor, report.key, nothing)["Content-Type"].startswith("text/html")


def test_a_booking_that_came_later_or_is_doubted_opens_nothing(visitor, report):
    patient = report.patient
    later = a_visit(patient)
    assert is_refused(proven(visitor, report.key, later.reference))
    doubted = report.prediction.xray.appointment
    doubted.identity_conflict = True
    doubted.save()
    assert is_refused(proven(visitor, report.key, doubted.reference))


def test_merged_into_another_record_the_reference_still_opens_it_with_the_day_of_the_one_that_stays(
    visitor, report, reference, clinician
):
    keep = baker.make(Patient, full_name="Lin Mei Ling", date_of_birth=datetime.date(1981, 5, 17), national_id="")
    done = merging.merge(keep, report.patient, choices=[], by=clinician, reason="twice")
    assert is_the_pdf(proven(visitor, report.key, reference, keep.date_of_birth), report)
    assert is_refused(proven(visitor, report.key, reference, BORN))
    merging.undo(done, by=clinician)
    assert is_the_pdf(proven(visitor, report.key, reference, BORN), report)


def test_a_film_that_turns_out_to_be_anothers_leaves_both_with_nothing(doctor, visitor, clinician, make_xray, client):
    film = make_xray()
    patient = film.patient
    patient.date_of_birth, patient.national_id = BORN, ""
    patient.save()
    film.appointment = a_visit(patient)
    film.save()
    reference = film.appointment.reference
    report = published(doctor, signed_answer(clinician, xray=film))
    other = baker.make(Patient, full_name="Wu Ya-ting", date_of_birth=BORN, national_id="")
    others = a_visit(other)
    settling.move(film, other, by=clinician, reason="mixed up")
    report.refresh_from_db()
    assert (report.withdrawn_because, report.patient) == ("Withdrawn: mixed up", patient)
    assert "We have withdrawn" in proven(visitor, report.key, reference).text
    assert is_refused(proven(visitor, report.key, others.reference))


def test_guessing_is_limited_by_key_reference_and_address_whatever_the_answer(visitor, report, reference, settings):
    settings.REPORT_TRIES_LIMIT = 3
    tries = [proven(visitor, report.key, NOBODYS[:-1] + str(n)).status_code for n in range(4)]
    assert tries == [200, 200, 200, 429]
    assert proven(visitor, report.key, reference).status_code == 429  # also who is right
    elsewhere = {"REMOTE_ADDR": "203.0.113.9"}
    assert proven(visitor, report.key, reference, **elsewhere).status_code == 429
    by_reference = [proven(visitor, f"{NOBODYS}{n}", reference, **elsewhere).status_code for n in range(3)]
    assert by_reference == [200, 200, 200]
    by_address = [proven(visitor, f"{NOBODYS}{n}", f"{NOBODYS}{n}", REMOTE_ADDR="203.0.113.10") for n in range(10)]
    assert [one.status_code for one in by_address] == [200] * 9 + [429]


@pytest.mark.parametrize("reference", ["\x00", "x" * 1000, "' OR 1=1 --", "𠮷", "../../etc/passwd", "é"])
def test_whatever_is_written_there_is_no_error_of_ours(visitor, report, reference):
    assert proven(visitor, report.key, reference).status_code in (200, 400)
    assert proven(visitor, reference.replace("/", "").replace("\x00", "0"), reference).status_code in (200, 400, 404)


def test_the_check_page_knows_what_was_published_and_names_nobody(doctor, visitor, clinician, report):
    check = reverse("report_check", args=[report.key])
    plain = visitor.get(check)
    assert "newest version" in plain.text
    assert not any(word in plain.text for word in ("Lin", "Opacity", "opacity", "X-ray"))
    for sha256 in (report.sha256, report.text_sha256, report.sha256.upper()):
        assert "This is what we published, and the newest version." in visitor.get(check, {"sha256": sha256}).text
    assert "fingerprint is another" in visitor.get(check, {"sha256": "0" * 64}).text
    publishing.publish(publishing.amend(report, by=clinician, what="The side"), by=clinician)
    assert "amended by version 2" in visitor.get(check, {"sha256": report.sha256}).text
    publishing.withdraw(report, by=clinician, reason="x")
    assert "not valid any more" in visitor.get(check, {"sha256": report.sha256}).text
    assert visitor.get(reverse("report_check", args=[NOBODYS])).status_code == 404
