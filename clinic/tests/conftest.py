import datetime

import pytest
from django.utils import timezone
from model_bakery import baker
from simple_history.utils import bulk_create_with_history

from clinic import booking
from clinic.booking import calling
from clinic.models import LikertQuestion, NumericQuestion, OpeningHours, Period, Symptom, Weekday


@pytest.fixture
def tomorrow() -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=1)


@pytest.fixture
def admin_client(client, administrator):
    """Signed in as an administrator, who is no superuser: pytest-django's own would be."""
    client.force_login(administrator)
    return client


@pytest.fixture
def hours(db) -> list[OpeningHours]:
    """Three places every morning and every afternoon."""
    times = {Period.MORNING: (9, 12), Period.AFTERNOON: (14, 17)}
    rows = [
        OpeningHours(
            weekday=weekday,
            period=period,
            opens_at=datetime.time(opens),
            closes_at=datetime.time(closes),
            capacity=3,
        )
        for weekday in Weekday.values
        for period, (opens, closes) in times.items()
    ]
    return bulk_create_with_history(rows, OpeningHours)


@pytest.fixture
def session(hours, tomorrow):
    return booking.session_for(tomorrow, Period.MORNING)


@pytest.fixture
def afternoon(hours, tomorrow):
    return booking.session_for(tomorrow, Period.AFTERNOON)


@pytest.fixture
def book_online(client, hours, tomorrow):
    """Walk the public pages to the end with a person's details; returns the last page."""

    def walk(answers: dict | None = None, **details):
        person = {
            "full_name": "Lin Mei-ling",
            "date_of_birth": "1984-05-02",
            "sex": "female",
            "national_id": "A123456789",
            "phone": "0912345678",
        }
        client.post("/book/", {"session": f"{tomorrow}/morning"})
        client.post("/book/details/", person | details)
        return client.post("/book/survey/", answers, follow=True)

    return walk


# -- What a patient types on the public pages --------------------------------------------------------------------------


@pytest.fixture
def questions(db):
    return baker.make(LikertQuestion, is_required=True), baker.make(
        NumericQuestion, minimum=0, maximum=60, unit="a day"
    )


@pytest.fixture
def slot(hours, tomorrow):
    return f"{tomorrow}/morning"


@pytest.fixture
def person(db):
    return {
        "full_name": "Lin  Mei-ling",
        "date_of_birth": "1984-05-02",
        "sex": "female",
        "national_id": "a123 456 789",
        "phone": "０９１２ 345 678",
        "email": "",
        "symptoms": [baker.make(Symptom, name="Cough").pk],
    }


@pytest.fixture
def answers(questions):
    scale, number = questions
    return {f"habit_{scale.pk}": "6", f"chabit_{number.pk}": "4.5"}


@pytest.fixture
def on_the_day(session, monkeypatch):
    """As if it were the session's day: visits of another one are neither checked in nor called."""
    monkeypatch.setattr(calling, "today", lambda: session.date)
