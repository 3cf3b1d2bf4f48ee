"""Reading leaves a trail: one event for each thing somebody looked at, none for what they were refused."""

import csv
import datetime
import io
from itertools import count

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from PIL import Image

from backoffice.models import AccessEvent, Mail, User
from clinic.admin.merge_page import merge_url
from clinic.models import Appointment, ClinicSession, IntakeRecord, Patient
from imaging.models import XRayImage
from inference.models import ModelResult, Prediction

pytestmark = pytest.mark.django_db

Action = AccessEvent.Action
TRAIL = "/admin/backoffice/accessevent/"


@pytest.fixture
def patient():
    return baker.make(Patient, full_name="Lin Mei-ling", national_id="", date_of_birth="1984-05-02")


@pytest.fixture
def xray(patient):
    return baker.make(XRayImage, patient=patient, quality_issues=[], width=10, height=10)


def page(record, name: str = "change", *arguments) -> str:
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_{name}", args=[record.pk, *arguments])


def trail() -> list[tuple]:
    return [(event.action, event.target) for event in AccessEvent.objects.order_by("pk")]


def inserts(queries) -> int:
    return sum(query["sql"].startswith('INSERT INTO "backoffice_accessevent"') for query in queries)


def test_each_page_of_a_record_is_one_insert(client, administrator, patient, xray):
    client.force_login(administrator)
    version = patient.history.get().pk
    prediction = baker.make(Prediction, xray=xray)
    for url in [
        page(patient),
        page(patient) + "?_popup=1",
        page(patient, "history"),
        page(patient, "simple_history", version),
        page(xray),
        page(prediction),
    ]:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        assert (url, inserts(queries)) == (url, 1)
    assert trail() == [
        (Action.VIEW, patient),
        (Action.VIEW, patient),
        (Action.HISTORY, patient),
        (Action.HISTORY, patient),
        (Action.VIEW, xray),
        (Action.VIEW, prediction),
    ]


def test_people_and_mails_are_records_too(client, administrator, clinician):
    client.force_login(administrator)
    mail = baker.make(Mail, body="Your booking: https://…")
    for record in (clinician, mail):
        assert client.get(page(record)).status_code == 200
    assert trail() == [(Action.VIEW, clinician), (Action.VIEW, mail)]


def test_checking_an_identity_is_looking_at_the_visit_and_the_patient(client, front_desk, patient):
    client.force_login(front_desk)
    visit = baker.make(Appointment, patient=patient, identity_conflict=True, claimed={"full_name": "Lin Mei"})
    with CaptureQueriesContext(connection) as queries:
        assert "Lin Mei-ling" in client.get(page(visit, "identity")).text
    assert inserts(queries) == 1
    assert trail() == [(Action.VIEW, visit), (Action.VIEW, patient)]


@pytest.mark.parametrize("key", ["{}", "_2B{}"])  # Django reads both as one key
def test_a_row_of_the_intake_table_leads_to_its_visit_which_is_noted(client, clinician, patient, key):
    client.force_login(clinician)
    record = baker.make(IntakeRecord, appointment__patient=patient, patient=patient, answers={})
    client.get(f"/admin/clinic/intakerecord/{key.format(record.pk)}/change/", follow=True)
    assert trail() == [(Action.VIEW, record.appointment)]


def test_the_intake_table_holds_what_people_answered_and_each_look_at_it_is_noted(client, clinician, administrator):
    client.force_login(clinician)
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/admin/clinic/intakerecord/").status_code == 200
    assert inserts(queries) == 1
    client.get("/admin/clinic/intakerecord/", {"first": "no day"})
    [event] = AccessEvent.objects.all()
    assert (event.action, event.content_type.model_class(), event.object_id) == (Action.VIEW, IntakeRecord, None)
    client.force_login(administrator)
    assert listed(client, kind=event.content_type_id) == [event]


def test_two_records_beside_each_other_are_one_insert_too(client, front_desk, patient):
    client.force_login(front_desk)
    other = baker.make(Patient)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(merge_url(patient.pk, other.pk)).status_code == 200
    assert inserts(queries) == 1
    assert trail() == [(Action.VIEW, patient), (Action.VIEW, other)]


def test_one_request_is_noted_once_however_often_it_is_told(rf, clinician, patient):
    request = rf.get("/")
    request.user, request.id = clinician, "one-request"
    AccessEvent.objects.record(request, Action.HISTORY, patient)
    AccessEvent.objects.record(request, Action.VIEW, patient)
    assert trail() == [(Action.HISTORY, patient)]


def test_a_form_that_comes_back_with_errors_shows_the_record_too(client, administrator, patient):
    client.force_login(administrator)
    assert client.post(page(patient), {"full_name": ""}).status_code == 200
    assert trail() == [(Action.VIEW, patient)]


def test_opening_the_desk_is_looking_at_its_session_and_refreshing_is_not(client, front_desk):
    client.force_login(front_desk)
    session = baker.make(ClinicSession, is_open=True, capacity=3)
    client.get(page(session, "desk"))
    client.get(page(session, "desk"), headers={"HX-Request": "true"})
    assert trail() == [(Action.VIEW, session)]


def test_an_answer_that_arrives_is_looked_at_and_waiting_for_it_is_not(client, clinician, xray):
    client.force_login(clinician)
    prediction = baker.make(Prediction, xray=xray, status=Prediction.Status.PENDING)
    assert client.get(page(xray, "answer")).status_code == 200
    assert trail() == []
    Prediction.objects.filter(pk=prediction.pk).update(status=Prediction.Status.COMPLETED, diagnosis="Normal")
    assert client.get(page(xray, "answer")).status_code == 200
    assert trail() == [(Action.VIEW, xray)]


def test_an_answer_is_for_those_who_may_see_the_film_too(client, django_user_model, xray):
    reader = django_user_model.objects.create_user("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_prediction"))
    client.force_login(reader)
    assert client.get(page(xray, "answer")).status_code == 403
    assert trail() == []


def test_a_heat_map_is_a_picture_of_the_answer(client, clinician, xray):
    client.force_login(clinician)
    heat = io.BytesIO()
    Image.new("L", (7, 7)).save(heat, "PNG")
    result = baker.make(ModelResult, prediction__xray=xray, heatmap=heat.getvalue(), probabilities=[])
    response = client.get(reverse("admin:inference_modelresult_heatmap", args=[result.pk]))
    assert response.status_code == 200
    assert trail() == [(Action.PICTURE, result.prediction)]


def test_what_is_refused_leaves_nothing(client, front_desk, patient, xray):
    client.force_login(front_desk)
    for url in (page(xray), page(xray, "history"), page(xray, "pixels"), page(xray, "original")):
        assert client.get(url).status_code == 403
    client.logout()
    client.get(page(patient))
    assert trail() == []


# -- Reading it -------------------------------------------------------------------------------------------------------


def note(person, record, action=Action.VIEW):
    kind = ContentType.objects.get_for_model(record)
    return baker.make(AccessEvent, user=person, action=action, content_type=kind, object_id=record.pk)


def listed(client, **parameters) -> list[AccessEvent]:
    response = client.get(TRAIL, parameters)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def test_a_patients_trail_holds_what_belongs_to_the_patient(client, administrator, clinician, patient, xray):
    visit = baker.make(Appointment, patient=patient)
    prediction = baker.make(Prediction, xray=xray)
    somebody_else = baker.make(Patient)
    own = [note(clinician, record) for record in (patient, visit, xray, prediction)]
    note(clinician, somebody_else)
    client.force_login(administrator)
    link = client.get(page(patient)).context["trail_url"]
    shown = client.get(link)
    assert set(shown.context["cl"].result_list) == {*own, AccessEvent.objects.get(user=administrator)}
    assert "Lin Mei-ling" in shown.text
    assert page(xray) in shown.text


def test_a_patients_trail_holds_the_films_of_visits_and_those_of_none(client, administrator, clinician, patient, xray):
    of_a_visit = baker.make(
        XRayImage,
        patient=patient,
        appointment=baker.make(Appointment, patient=patient),
        quality_issues=[],
        width=10,
        height=10,
    )
    own = {note(clinician, record) for record in (xray, of_a_visit)}
    client.force_login(administrator)
    link = client.get(page(patient)).context["trail_url"]
    assert own <= set(client.get(link).context["cl"].result_list)


def test_a_persons_trail_is_not_that_of_all_they_ever_did(client, administrator, clinician, xray):
    baker.make(Prediction, xray=xray, requested_by=clinician)
    note(clinician, Prediction.objects.get())
    client.force_login(administrator)
    link = client.get(page(clinician)).context["trail_url"]
    assert list(client.get(link).context["cl"].result_list) == [AccessEvent.objects.get(user=administrator)]


def test_only_who_may_read_the_trail_gets_the_link(client, clinician, patient):
    client.force_login(clinician)
    assert "Who looked at this" not in client.get(page(patient)).text
    assert client.get(TRAIL).status_code == 403


@pytest.mark.parametrize("of", ["x", "1", "1-", "-1", "999999-1", "1-99999999999999999999", "'--"])
def test_a_link_that_somebody_made_up_is_told_so(client, administrator, of):
    client.force_login(administrator)
    assert client.get(TRAIL, {"of": of})["Location"].endswith("?e=1")


def test_it_is_filtered_by_person_action_and_kind(client, administrator, clinician, patient, xray):
    viewed, pictured = note(clinician, patient), note(administrator, xray, Action.PICTURE)
    client.force_login(administrator)
    assert listed(client, user__id__exact=clinician.pk) == [viewed]
    assert listed(client, action__exact="picture") == [pictured]
    assert listed(client, q=f" {viewed.request_id} ") == [viewed]
    assert listed(client, q=viewed.request_id[:-1]) == []
    assert listed(client, kind=ContentType.objects.get_for_model(Patient).pk) == [viewed]


def test_more_events_take_no_more_queries(client, administrator, xray):
    client.force_login(administrator)

    days = (timezone.localdate() + datetime.timedelta(days=number) for number in count())

    def visit_of(patient) -> Appointment:
        return baker.make(Appointment, patient=patient, session__date=next(days))

    def queries() -> int:
        for _number in range(5):
            film = baker.make(XRayImage, patient=baker.make(Patient), quality_issues=[])
            for record in (film, film.patient, baker.make(Prediction, xray=film), visit_of(film.patient)):
                note(baker.make(User), record)
        ContentType.objects.clear_cache()
        with CaptureQueriesContext(connection) as captured:
            assert client.get(TRAIL).status_code == 200
        return len(captured)

    first = queries()
    assert queries() == first


def test_it_is_read_only_for_everybody(client, django_user_model, patient):
    client.force_login(django_user_model.objects.create_superuser("root"))
    event = note(User.objects.get(), patient)
    assert client.post(f"{TRAIL}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{TRAIL}{event.pk}/change/", {"action": "export"}).status_code == 403
    client.post(TRAIL, {"action": "delete_selected", "_selected_action": event.pk, "post": "yes"})
    assert AccessEvent.objects.filter(pk=event.pk, action=Action.VIEW).exists()


def test_an_administrator_takes_it_out_as_a_file_which_is_an_event_itself(client, administrator, clinician, patient):
    clinician.username = "=cmd"
    clinician.save()
    note(clinician, patient)
    note(administrator, patient, Action.PICTURE)
    client.force_login(administrator)
    response = client.get(f"{TRAIL}csv/", {"action__exact": "view"})
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["username"], row["action"], row["record"]) == ("'=cmd", "view", str(patient.pk))
    assert row["kind"] == "clinic.patient"
    event = AccessEvent.objects.first()
    assert (event.action, event.content_type.model, event.object_id) == (Action.EXPORT, "accessevent", None)


def test_nobody_else_takes_it_out(client, clinician, front_desk):
    for person in (clinician, front_desk):
        client.force_login(person)
        assert client.get(f"{TRAIL}csv/").status_code == 403
    assert trail() == []
