"""The survey, asked by staff: with a booking, after a walk-in, or later."""

import pytest
from django.urls import reverse
from model_bakery import baker

from backoffice.models import AccessEvent
from clinic import booking
from clinic.models import Appointment, IntakeRecord, LikertAnswer, LikertQuestion, NumericQuestion, Patient
from clinic.tests.clinics import session_today

ADD = reverse("admin:clinic_appointment_add")

pytestmark = pytest.mark.django_db


@pytest.fixture
def sleep():
    return baker.make(LikertQuestion, text="How well do you sleep?", is_required=True, position=1)


@pytest.fixture
def smokes():
    return baker.make(NumericQuestion, text="How much do you smoke?", unit="a day", minimum=0, maximum=60, position=2)


@pytest.fixture
def desk(client, front_desk, sleep, smokes):
    client.force_login(front_desk)
    return client


@pytest.fixture
def session():
    return session_today()


@pytest.fixture
def appointment(session):
    return booking.book(session, baker.make(Patient, full_name="Wu Shu-Fen", national_id=""), by=None)


def answers_page(appointment: Appointment) -> str:
    return reverse("admin:clinic_appointment_answers", args=[appointment.pk])


def desk_page(session) -> str:
    return reverse("admin:clinic_clinicsession_desk", args=[session.pk])


def given(appointment: Appointment) -> list[tuple]:
    likert = appointment.likert_answers.values_list("asked_as", "score")
    return [*likert, *appointment.numeric_answers.values_list("asked_as", "value")]


def new_booking(session, **more) -> dict:
    patient = baker.make(Patient, national_id="")
    return {"patient": patient.pk, "offer": session.slug, "symptoms": [], "notes": "", **more}


# -- With a booking ---------------------------------------------------------------------------------------------------


def test_a_booking_by_staff_carries_the_answers(
    desk, front_desk, session, sleep, smokes, django_capture_on_commit_callbacks
):
    page = desk.get(ADD).text
    assert "How well do you sleep?" in page
    assert "How much do you smoke? (a day)" in page
    assert '<details class="card">' in page
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(ADD, new_booking(session, **{f"habit_{sleep.pk}": "5", f"chabit_{smokes.pk}": "２,５"}))
    appointment = Appointment.objects.get()
    assert given(appointment) == [("How well do you sleep?", 5), ("How much do you smoke?", 2.5)]
    assert appointment.likert_answers.get().history.get().history_user == front_desk
    assert IntakeRecord.objects.get().answers == {f"likert_{sleep.pk}": 5, f"numeric_{smokes.pk}": 2.5}


def test_staff_have_to_answer_nothing(desk, session):
    desk.post(ADD, new_booking(session))
    assert given(Appointment.objects.get()) == []


@pytest.mark.parametrize(("field", "typed"), [("habit", "8"), ("chabit", "61"), ("chabit", "many")])
def test_what_staff_type_is_checked_as_it_is_for_patients(desk, session, sleep, smokes, field, typed):
    question = {"habit": sleep, "chabit": smokes}[field]
    refused = desk.post(ADD, new_booking(session, **{f"{field}_{question.pk}": typed}))
    assert refused.status_code == 200
    assert refused.context["adminform"].form.errors.keys() == {f"{field}_{question.pk}"}
    assert '<details class="card">' not in refused.text  # what is wrong is not folded away
    assert not Appointment.objects.exists()


# -- Afterwards -------------------------------------------------------------------------------------------------------


def test_a_walk_in_is_one_press_and_the_survey_is_offered_after_it(desk, session):
    patient = baker.make(Patient, full_name="Wu Shu-Fen", national_id="")
    said = desk.post(f"{desk_page(session)}walk-in/", {"patient": patient.pk}, follow=True)
    assert "Wu Shu-Fen has number 1 and is here." in said.text
    assert f"{answers_page(Appointment.objects.get())}?from=desk" in said.text


def test_answers_given_at_the_desk_lead_back_to_it(
    desk, front_desk, session, appointment, sleep, smokes, django_capture_on_commit_callbacks
):
    booking.check_in(appointment, by=None)
    assert answers_page(appointment) in desk.get(desk_page(session)).text
    with django_capture_on_commit_callbacks(execute=True):
        back = desk.post(f"{answers_page(appointment)}?from=desk", {f"habit_{sleep.pk}": "3"}, follow=True)
    assert back.request["PATH_INFO"] == desk_page(session)
    assert "1 answer is kept." in back.text
    assert given(appointment) == [("How well do you sleep?", 3)]
    assert IntakeRecord.objects.get().answers == {f"likert_{sleep.pk}": 3}
    desk.post(answers_page(appointment), {f"chabit_{smokes.pk}": "4"})
    assert answers_page(appointment) not in desk.get(desk_page(session)).text


def test_only_what_is_open_is_asked_and_the_page_of_the_booking_leads_there(desk, appointment, sleep):
    change = reverse("admin:clinic_appointment_change", args=[appointment.pk])
    assert answers_page(appointment) in desk.get(change).text
    desk.post(answers_page(appointment), {f"habit_{sleep.pk}": "3"})
    page = desk.get(answers_page(appointment)).text
    assert "How well do you sleep?" not in page
    assert "How much do you smoke?" in page
    NumericQuestion.objects.update(is_active=False)
    assert answers_page(appointment) not in desk.get(change).text
    assert "Every question of the survey is answered" in desk.get(answers_page(appointment)).text


def test_an_answer_keeps_the_wording_in_which_it_was_asked(desk, appointment, sleep):
    desk.post(answers_page(appointment), {f"habit_{sleep.pk}": "3"})
    sleep.text = "How did you sleep?"
    sleep.save()
    assert given(appointment) == [("How well do you sleep?", 3)]


def test_of_two_who_ask_at_once_the_second_is_told_and_nothing_is_lost(desk, appointment, sleep, smokes, administrator):
    sent = {f"habit_{sleep.pk}": "3", f"chabit_{smokes.pk}": "4"}
    form = desk.get(answers_page(appointment)).context["form"]
    assert set(sent) == set(form.fields)
    booking.answer(appointment, likert={sleep: 6}, numeric={}, by=administrator)
    with pytest.raises(booking.AlreadyAnswered, match="How well do you sleep"):
        booking.answer(appointment, likert={sleep: 3}, numeric={smokes: 4}, by=administrator)
    assert given(appointment) == [("How well do you sleep?", 6)]


def test_an_older_page_keeps_what_is_still_open_typed(desk, appointment, sleep, smokes, administrator, monkeypatch):
    def first_somebody_else(appointment, **given):
        monkeypatch.undo()
        booking.answer(appointment, likert={sleep: 6}, numeric={}, by=administrator)
        return booking.answer(appointment, **given)

    monkeypatch.setattr(booking, "answer", first_somebody_else)
    told = desk.post(answers_page(appointment), {f"habit_{sleep.pk}": "3", f"chabit_{smokes.pk}": "4"})
    assert "Answered meanwhile by somebody else: “How well do you sleep?”" in told.text
    assert list(told.context["form"].fields) == [f"chabit_{smokes.pk}"]
    assert 'value="4"' in told.text
    assert given(appointment) == [("How well do you sleep?", 6)]


# -- Who may ----------------------------------------------------------------------------------------------------------


def test_clinicians_read_answers_and_ask_nothing(client, clinician, appointment, sleep):
    client.force_login(clinician)
    assert client.get(answers_page(appointment)).status_code == 403
    assert client.post(answers_page(appointment), {f"habit_{sleep.pk}": "3"}).status_code == 403
    assert (
        answers_page(appointment)
        not in client.get(reverse("admin:clinic_appointment_change", args=[appointment.pk])).text
    )
    assert not LikertAnswer.objects.exists()


def test_a_hidden_booking_is_asked_nothing(desk, appointment, sleep, front_desk):
    Appointment.objects.filter(pk=appointment.pk).hide(by=front_desk)
    assert desk.post(answers_page(appointment), {f"habit_{sleep.pk}": "3"}).status_code == 409
    with pytest.raises(booking.BookingError, match="hidden"):
        booking.answer(appointment, likert={sleep: 3}, numeric={}, by=front_desk)
    assert given(appointment) == []


def test_looking_at_the_questions_is_in_the_bookings_trail(desk, front_desk, appointment):
    desk.get(answers_page(appointment))
    event = AccessEvent.objects.get()
    assert (event.user, event.target) == (front_desk, appointment)
