"""Taking, giving back and moving places."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_bakery import baker

from clinic import booking
from clinic.models import Appointment, ClinicSession, LikertQuestion, NumericQuestion, Patient, Symptom

pytestmark = pytest.mark.django_db
Status = Appointment.Status


def book(session, patient=None, **options):
    return booking.book(session, patient or baker.make(Patient), by=options.pop("by", None), **options)


def booked(session) -> int:
    session.refresh_from_db()
    return session.booked


def test_it_gives_numbers_in_turn_until_the_session_is_full(session):
    assert [book(session).queue_number for _place in range(3)] == [1, 2, 3]
    with pytest.raises(booking.SessionFull):
        book(session)
    assert booked(session) == Appointment.objects.count() == 3


def test_a_refused_booking_leaves_no_trace(session):
    patient = baker.make(Patient)
    book(session, patient)
    with pytest.raises(booking.AlreadyBooked):
        book(session, patient)
    assert booked(session) == session.last_number == 1


def test_a_closed_session_takes_no_booking(session):
    ClinicSession.objects.update(is_open=False)
    with pytest.raises(booking.SessionClosed):
        book(session)


def test_staff_may_overbook_on_purpose_and_it_is_recorded(session, front_desk):
    for _place in range(3):
        book(session)
    fourth = book(session, by=front_desk, overbook=True)
    session.refresh_from_db()
    assert (fourth.queue_number, session.booked, session.overbooked) == (4, 4, 1)
    recorded = session.history.latest()
    assert (recorded.history_user, recorded.overbooked) == (front_desk, 1)
    with pytest.raises(booking.SessionFull):
        book(session)


def test_it_keeps_answers_with_the_question_as_it_was_asked(session):
    scale = baker.make(LikertQuestion, text="How well do you sleep?")
    number = baker.make(NumericQuestion, text="How many cigarettes a day?")
    cough = baker.make(Symptom, name="Cough")
    visit = book(session, symptoms=[cough], likert={scale: 6}, numeric={number: Decimal("4.5")})
    LikertQuestion.objects.update(text="Do you sleep?")
    assert list(visit.symptoms.all()) == [cough]
    assert visit.likert_answers.values_list("score", "asked_as").get() == (6, "How well do you sleep?")
    assert visit.numeric_answers.values_list("value", "asked_as").get() == (4.5, "How many cigarettes a day?")
    assert visit.likert_answers.get().history.count() == 1


def test_its_history_begins_with_one_version_of_all_that_was_given(session, front_desk):
    cough = baker.make(Symptom, name="Cough")
    first = book(session, by=front_desk, symptoms=[cough], notes="By phone").history.get()
    assert (first.history_type, first.history_user, first.history_change_reason) == ("+", front_desk, "Booked")
    assert (first.queue_number, first.notes, [row.symptom for row in first.symptoms.all()]) == (1, "By phone", [cough])


def test_cancelling_gives_the_place_back_and_keeps_the_number_used(session, front_desk):
    visit = book(session)
    booking.cancel(visit, by=front_desk, reason="telephoned")
    assert booked(session) == 0
    assert book(session).queue_number == 2
    recorded = visit.history.latest()
    assert (recorded.history_user, recorded.history_change_reason, recorded.status) == (
        front_desk,
        "telephoned",
        Status.CANCELLED,
    )


def test_a_second_cancel_is_refused_and_gives_nothing_back(session):
    visit, _other = book(session), book(session)
    same = Appointment.objects.get(pk=visit.pk)
    booking.cancel(visit, by=None)
    with pytest.raises(booking.WrongStatus, match="cancelled"):
        booking.cancel(same, by=None)
    assert booked(session) == 1


@pytest.mark.usefixtures("on_the_day")
def test_the_patient_cannot_cancel_once_here_but_the_desk_can(session, front_desk):
    visit = book(session)
    booking.check_in(visit, by=front_desk)
    with pytest.raises(booking.WrongStatus):
        booking.cancel(visit, by=None)
    booking.cancel(visit, by=front_desk)
    assert booked(session) == 0


def test_moving_takes_a_new_number_and_frees_the_old_place(session, afternoon):
    book(afternoon)
    visit = book(session)
    booking.move(visit, afternoon, by=None)
    assert (visit.session, visit.queue_number) == (afternoon, 2)
    assert (booked(session), booked(afternoon)) == (0, 2)
    assert visit.history.latest().queue_number == 2


def test_moving_to_a_full_session_leaves_everything_as_it_was(session, afternoon):
    for _place in range(3):
        book(afternoon)
    visit = book(session)
    with pytest.raises(booking.SessionFull):
        booking.move(visit, afternoon, by=None)
    visit.refresh_from_db()
    assert (visit.session, visit.queue_number, visit.status) == (session, 1, Status.BOOKED)
    assert (booked(session), booked(afternoon)) == (1, 3)


def test_moving_to_where_it_is_counts_nothing(session):
    visit = book(session)
    with pytest.raises(booking.BookingError, match="already"):
        booking.move(visit, session, by=None)
    assert booked(session) == 1


@pytest.mark.usefixtures("on_the_day")
def test_a_change_of_status_keeps_the_symptoms_in_history(session, front_desk):
    cough = baker.make(Symptom, name="Cough")
    visit = book(session, symptoms=[cough])
    booking.check_in(visit, by=front_desk)
    assert [row.symptom for row in visit.history.latest().symptoms.all()] == [cough]


def test_hiding_gives_places_back_and_restoring_takes_them_beyond_capacity(session, front_desk):
    visits = [book(session) for _place in range(3)]
    booking.cancel(visits[0], by=front_desk)
    assert Appointment.objects.all().hide(by=front_desk, reason="entered twice") == 3
    assert booked(session) == 0
    for _place in range(3):
        book(session)
    assert Appointment.objects.all().restore(by=front_desk) == 3
    assert booked(session) == 5
    assert session.overbooked == 2
    visits[1].refresh_from_db()
    assert not visits[1].is_hidden
    assert visits[1].history.latest().history_user == front_desk


def test_restoring_beside_a_new_booking_of_the_same_patient_is_refused_whole(session, front_desk):
    visit = book(session)
    Appointment.objects.all().hide(by=front_desk)
    book(session, visit.patient)
    with pytest.raises(IntegrityError), transaction.atomic():
        Appointment.objects.all().restore(by=front_desk)
    assert booked(session) == 1


def test_a_reason_longer_than_its_column_is_cut(session, front_desk):
    visit = book(session)
    booking.cancel(visit, by=front_desk, reason="because " * 40)
    assert len(visit.history.latest().history_change_reason) == 100


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["book", "cancel", "move", "hide", "restore", "overbook"]), st.integers(0, 5))
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_whatever_happens_the_count_is_the_count_of_active_bookings(session, afternoon, front_desk, actions):
    with transaction.atomic():
        sessions = [session, afternoon]
        patients = baker.make(Patient, 6)
        for action, which in actions:
            place = sessions[which % 2]
            mine = Appointment.objects.filter(patient=patients[which])
            try:
                with transaction.atomic():
                    if action in ("book", "overbook"):
                        booking.book(place, patients[which], by=front_desk, overbook=action == "overbook")
                    elif action in ("hide", "restore"):
                        getattr(mine, action)(by=front_desk)
                    elif visit := mine.visible().first():
                        if action == "cancel":
                            booking.cancel(visit, by=front_desk)
                        else:
                            booking.move(visit, place, by=front_desk)
            except (booking.BookingError, IntegrityError):
                pass
            for place in ClinicSession.objects.all():
                assert place.booked == place.appointments.active().count()
                assert place.booked <= place.capacity + place.overbooked
                numbers = list(place.appointments.values_list("queue_number", flat=True))
                assert len(set(numbers)) == len(numbers)
                assert max(numbers, default=0) <= place.last_number
        transaction.set_rollback(True)
