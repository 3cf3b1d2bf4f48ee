"""Many processes that change what intake records show, at the same moment; run as rush.py is."""

import datetime
import json
import multiprocessing
import random

from model_bakery import baker

from clinic import booking
from clinic.intake import differences, sync
from clinic.models import Appointment, LikertQuestion, Patient, Period, Symptom
from clinic.tests.rush import PATIENCE, WAIT, at_once, book_one, offer_places, tomorrow


def change_what_records_show(visits: int, processes: int, changes: int) -> None:
    """Print what differs from a rebuild after processes have changed patients, answers and symptoms of the same few
    visits, while others rebuilt all of them."""
    offer_places(visits)
    session = booking.session_to_book(tomorrow(), Period.MORNING)
    question, cough = baker.make(LikertQuestion), baker.make(Symptom)
    for patient in baker.make(Patient, visits, national_id=""):
        booking.book(session, patient, by=None, likert={question: 4})

    def change(number: int) -> int:
        dice = random.Random(number)
        for _change in range(changes):
            appointment = dice.choice(Appointment.objects.all())
            if number % 4 == 0:
                sync.rebuild(Appointment.objects.values_list("pk", flat=True))
            elif number % 4 == 1:
                appointment.patient.date_of_birth = datetime.date(dice.randint(1920, 2020), 1, 1)
                appointment.patient.save()
            elif number % 4 == 2:
                answer = appointment.likert_answers.get()
                answer.score = dice.randint(1, 7)
                answer.save()
            else:
                appointment.symptoms.set(dice.choice([[], [cough]]))
        return changes

    answers = at_once(processes, change)
    print(json.dumps({"answers": answers, "differences": list(differences.differences())}))


def rename_a_symptom_while_somebody_books() -> None:
    """Print what differs from a rebuild after a symptom was named anew between a booking's record and its commit."""
    offer_places(1)
    cough = baker.make(Symptom)
    fork = multiprocessing.get_context("fork")
    is_written, is_renamed = fork.Event(), fork.Event()
    write = sync._write

    def write_and_stand_still(ids: list[int]) -> int:
        written = write(ids)
        is_written.set()
        is_renamed.wait(WAIT)
        return written

    def book_or_rename(number: int) -> str:
        if number == 0:
            sync._write = write_and_stand_still
            book_one(1, [cough])
            return "booked"
        is_written.wait(PATIENCE)
        cough.name = "Dry cough"
        cough.save()
        is_renamed.set()
        return "renamed"

    answers = at_once(2, book_or_rename)
    print(json.dumps({"answers": sorted(answers), "differences": list(differences.differences())}))


def ask_one_visit(processes: int) -> None:
    """Print what each of the processes that write down one visit's answers got, and what the record then holds."""
    offer_places(1)
    questions = baker.make(LikertQuestion, 2)
    patient = baker.make(Patient, national_id="")
    visit = booking.book(booking.session_to_book(tomorrow(), Period.MORNING), patient, by=None)

    def ask(number: int) -> None:
        booking.answer(visit, likert=dict.fromkeys(questions, number % 7 + 1), numeric={}, by=None)

    answers = at_once(processes, ask)
    kept = list(visit.likert_answers.values_list("score", flat=True))
    print(json.dumps({"answers": answers, "kept": kept, "differences": list(differences.differences())}))
