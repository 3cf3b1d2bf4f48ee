"""An import, and somebody who touches the same rows at the same moment; run as rush.py is."""

import datetime
import json
import multiprocessing
from contextlib import suppress
from itertools import pairwise
from threading import BrokenBarrierError

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.exchange.natural_keys import ByNaturalKey
from backoffice.models import User
from clinic import booking
from clinic.booking import bookings
from clinic.models import ClinicSession, Patient, Period, new_reference
from clinic.models.schedule import ClinicSessionQuerySet
from clinic.patients import merging
from clinic.resources import AppointmentResource, PatientResource
from clinic.tests import rush
from clinic.tests.exchanged import take_in

WAIT = 1.0  # seconds: who is kept waiting by the other's locks does not come to the meeting
COLUMNS = ["reference", "patient_full_name", "patient_date_of_birth", "date", "period", "notes"]
OTHERS = ("another import", "another import of old visits", "a move", "a booking", "a cancellation")

FEBRUARY, MARCH = (ClinicSession(date=f"2020-0{month}-01", period=Period.MORNING) for month in (2, 3))  # not saved


def import_beside_each() -> None:
    """Print what an import and each of the others did, or an error's name: both had begun before either went on."""
    for days_ahead in (1, 2):
        rush.offer_places(99, days_ahead)
    print(json.dumps({other: import_beside(other) for other in OTHERS}))


def import_beside(other: str) -> list:
    early, late = (
        booking.session_to_book(timezone.localdate() + datetime.timedelta(days=ahead), Period.MORNING)
        for ahead in (1, 2)
    )
    lin, chen, wang, ho = (
        baker.make(Patient, full_name=f"{name} and {other}", date_of_birth="1980-01-01", national_id="", email="")
        for name in ("Lin", "Chen", "Wang", "Ho")
    )
    visit = booking.book(early, wang, by=None)

    def bring(*rows) -> int:
        return take_in(AppointmentResource, COLUMNS, *rows).good

    late_then_early = [row(lin, late), row(chen, early)]
    early_then_changed = [row(chen, early), row(wang, early, visit.reference, "came by train")]
    rows, they, they_meet_after = {
        "another import": (
            late_then_early,
            lambda: bring(row(ho, early), row(wang, late)) and "imported",
            (AppointmentResource, "save_instance"),
        ),
        "another import of old visits": (
            [row(lin, MARCH, new_reference()), row(chen, FEBRUARY, new_reference())],
            lambda: bring(row(ho, FEBRUARY, new_reference()), row(wang, MARCH, new_reference())) and "imported",
            (AppointmentResource, "save_instance"),
        ),
        "a move": (
            late_then_early,
            lambda: booking.move(visit, late, by=None) or "moved",
            (ClinicSessionQuerySet, "free"),
        ),
        "a booking": (
            late_then_early,
            lambda: booking.book(late, chen, by=None) and "booked",
            (merging, "lock_standing"),
        ),
        "a cancellation": (
            early_then_changed,
            lambda: booking.cancel(visit, by=None) or "cancelled",
            (bookings, "change_status"),
        ),
    }[other]
    meeting = multiprocessing.get_context("fork").Barrier(2)

    def work(number: int) -> object:
        if number:
            meet_after(*they_meet_after, meeting)
            return they()
        meet_after(AppointmentResource, "save_instance", meeting)
        return bring(*rows)

    return sorted(rush.at_once(2, work), key=str)


def row(patient: Patient, session, reference: str = "", notes: str = "") -> list:
    return [reference, patient.full_name, "1980-01-01", session.date, session.period, notes]


def meet_after(owner, name: str, meeting) -> None:
    """Let this process wait for the other one where it has done this for the first time."""
    does = getattr(owner, name)

    def and_meet(*args, **kwargs):
        setattr(owner, name, does)
        done = does(*args, **kwargs)
        with suppress(BrokenBarrierError):
            meeting.wait(WAIT)
        return done

    setattr(owner, name, and_meet)


# -- Patients ---------------------------------------------------------------------------------------------------------


def patients_beside_each() -> None:
    """Print what is wrong afterwards where others hide, merge or edit patients whom an import has just read, or bring
    some back whom it locks, in the order of their names."""
    User.objects.create_superuser("root")
    print(json.dumps({does.__name__: patients_beside(does) for does in (hide, merge, edit, restore)}))


def patients_beside(does) -> list[str]:
    people = [
        baker.make(Patient, full_name=f"{99 - number} {does.__name__}", date_of_birth="1980-01-01", sex="female")
        for number in range(40)
    ]
    keys = [person.pk for person in people]
    rows = [[person.full_name, "1980-01-01", "0922 222 222"] for person in people]
    if does is restore:
        Patient.objects.filter(pk__in=keys[::2]).hide(by=None)
    meeting = multiprocessing.get_context("fork").Barrier(2)

    def work(number: int) -> object:
        if number:
            with suppress(BrokenBarrierError):
                meeting.wait(WAIT)
            does(keys)
            return "done"
        meet_after(ByNaturalKey, "__init__", meeting)
        return take_in(PatientResource, ["full_name", "date_of_birth", "phone"], *rows).updated and "done"

    told = [answer for answer in rush.at_once(2, work) if answer != "done"]
    return told + [wrong for key in keys if (wrong := what_is_wrong_with(key))]


def hide(keys: list[int]) -> None:
    Patient.objects.filter(pk__in=keys).hide(by=None)


def merge(keys: list[int]) -> None:
    one, other = Patient.objects.filter(pk__in=keys[:2])
    merging.merge(one, other, choices=["full_name"], by=None, reason="twice")


def edit(keys: list[int]) -> None:
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get())
    page = reverse("admin:clinic_patient_change", args=keys[:1])
    client.get(page, secure=True)
    shown = Patient.objects.get(pk=keys[0])
    typed = {"full_name": shown.full_name, "date_of_birth": "1980-01-01", "sex": "female", "notes": "typed"}
    rows = {f"{of}-{kind}_FORMS": "0" for of in ("appointments", "xrays") for kind in ("TOTAL", "INITIAL")}
    assert client.post(page, typed | rows, secure=True).status_code == 302


def restore(keys: list[int]) -> None:
    Patient.objects.filter(pk__in=keys).order_by("full_name").restore(by=None)


def what_is_wrong_with(key: int) -> str:
    """Whether the record is not what its last version says, or was changed while it was hidden."""
    versions = list(Patient.history.filter(id=key).order_by("history_id"))
    names = [field.attname for field in Patient.history.model.tracked_fields]
    now = Patient.objects.values(*names).get(pk=key)
    if differing := [name for name in names if getattr(versions[-1], name) != now[name]]:
        return f"not as in the last version: {differing}"
    for before, after in pairwise(versions):
        if before.hidden_at and (before.phone, before.notes) != (after.phone, after.notes):
            return "changed while it was hidden"
    return ""
