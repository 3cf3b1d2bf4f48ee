"""Whatever happens, in whatever order, committed or rolled back: the records are what a rebuild would write."""

import datetime
from contextlib import suppress

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from model_bakery import baker

from clinic import booking
from clinic.intake import differences
from clinic.models import (
    Appointment,
    ClinicSession,
    IntakeRecord,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    Patient,
    Symptom,
)

pytestmark = pytest.mark.django_db(transaction=True)

EVERYTHING = [
    IntakeRecord,
    LikertAnswer,
    NumericAnswer,
    Appointment.symptoms.through,
    Appointment,
    LikertQuestion,
    NumericQuestion,
    Patient,
    Symptom,
    ClinicSession,
]
FIRST_DAY = datetime.date(2030, 5, 6)
which = st.integers(0, 1000)
number = st.integers(0, 20)


class Clinic(RuleBasedStateMachine):
    """Two of everything, and at most two transactions inside one another. Rows are chosen anew for every step, because
    a rollback takes them away."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.sessions = [
            baker.make(
                ClinicSession,
                date=FIRST_DAY,
                period=period,
                opens_at=datetime.time(9),
                closes_at=datetime.time(12),
                capacity=3,
                set_by_hand=True,
            )
            for period in ("morning", "evening")
        ]
        self.patients = baker.make(Patient, national_id="", date_of_birth=datetime.date(1990, 5, 7), _quantity=2)
        baker.make(Symptom, position=1, _quantity=2)
        self.score = baker.make(LikertQuestion)
        self.amount = baker.make(NumericQuestion, minimum=None, maximum=None)

    def pick(self, rows, at: int):
        rows = list(rows)
        return rows[at % len(rows)] if rows else None

    def appointment(self, at: int) -> Appointment | None:
        return self.pick(Appointment.objects.order_by("pk"), at)

    # -- What people do -----------------------------------------------------------------------------------------------

    @rule(session=which, patient=which, ticked=st.booleans(), score=st.integers(1, 7), amount=number)
    def book(self, session, patient, ticked, score, amount):
        with suppress(booking.BookingError):
            booking.book(
                self.pick(self.sessions, session),
                self.pick(self.patients, patient),
                by=None,
                symptoms=Symptom.objects.all() if ticked else [],  # one may have been deleted
                likert={self.score: score},
                numeric={self.amount: amount},
            )

    @rule(at=which, session=which)
    def move(self, at, session):
        if appointment := self.appointment(at):
            with suppress(booking.BookingError):
                booking.move(appointment, self.pick(self.sessions, session), by=None)

    @rule(at=which)
    def cancel(self, at):
        if appointment := self.appointment(at):
            with suppress(booking.BookingError):
                booking.cancel(appointment, by=None)

    @rule(at=which, back=st.booleans())
    def hide_or_restore(self, at, back):
        if appointment := self.appointment(at):
            rows = Appointment.objects.filter(pk=appointment.pk)
            with suppress(IntegrityError):
                rows.restore(by=None) if back else rows.hide(by=None)

    @rule(at=which, value=st.integers(1, 7), answers=st.sampled_from([LikertAnswer, NumericAnswer]))
    def correct_an_answer(self, at, value, answers):
        if answer := self.pick(answers.objects.order_by("pk"), at):
            setattr(answer, "score" if answers is LikertAnswer else "value", value)
            answer.save()

    @rule(back=st.booleans(), answers=st.sampled_from([LikertAnswer, NumericAnswer]))
    def hide_or_restore_answers(self, back, answers):
        rows = answers.objects.all()
        rows.restore(by=None) if back else rows.hide(by=None)

    @rule(at=which, answers=st.sampled_from([LikertAnswer, NumericAnswer]))
    def delete_an_answer(self, at, answers):
        if answer := self.pick(answers.objects.order_by("pk"), at):
            answers.objects.filter(pk=answer.pk).delete()

    @rule(at=which, how=st.sampled_from(["set", "add", "remove", "clear"]), symptom=which)
    def tick_symptoms(self, at, how, symptom):
        appointment, symptom = self.appointment(at), self.pick(Symptom.objects.order_by("pk"), symptom)
        if appointment and symptom:
            wanted = {"set": [[symptom]], "clear": []}.get(how, [symptom])
            getattr(appointment.symptoms, how)(*wanted)

    @rule(at=which, how=st.sampled_from(["add", "remove", "clear"]), symptom=which)
    def tick_appointments(self, at, how, symptom):
        appointment, symptom = self.appointment(at), self.pick(Symptom.objects.order_by("pk"), symptom)
        if appointment and symptom:
            getattr(symptom.appointments, how)(*([] if how == "clear" else [appointment]))

    @rule(at=which, position=number, delete=st.booleans())
    def change_a_symptom(self, at, position, delete):
        if symptom := self.pick(Symptom.objects.order_by("pk"), at):
            if delete:
                symptom.delete()
            else:
                symptom.position, symptom.name = position, f"Symptom {symptom.pk} {position}"
                symptom.save()

    @rule(at=which, year=st.integers(1900, 2100))
    def correct_a_date_of_birth(self, at, year):
        patient = Patient.objects.get(pk=self.pick(self.patients, at).pk)
        patient.date_of_birth = datetime.date(year, 2, 28)
        patient.save()

    @rule(at=which, patient=which)
    def give_the_visit_to_the_other_patient(self, at, patient):
        if appointment := self.appointment(at):
            appointment.patient = self.pick(self.patients, patient)
            with suppress(IntegrityError), transaction.atomic():
                appointment.save()

    @rule(at=which, days=number)
    def put_a_session_on_another_day(self, at, days):
        session = ClinicSession.objects.get(pk=self.pick(self.sessions, at).pk)
        session.date = FIRST_DAY + datetime.timedelta(days=days)
        session.save()

    # -- Transactions -------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.open) < 2)
    @rule()
    def begin(self):
        self.open.append(transaction.atomic())
        self.open[-1].__enter__()

    @precondition(lambda self: self.open)
    @rule(keep=st.booleans())
    def end(self, keep):
        transaction.set_rollback(not keep)
        self.open.pop().__exit__(None, None, None)

    @invariant()
    def records_are_as_a_rebuild_would_write_them(self):
        if not self.open:
            assert list(differences.differences()) == []

    def teardown(self):
        while self.open:
            self.end(keep=False)
        for model in EVERYTHING:
            model._base_manager.all()._raw_delete("default")


def test_records_stay_in_step(transactional_db):
    run_state_machine_as_test(
        Clinic,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
