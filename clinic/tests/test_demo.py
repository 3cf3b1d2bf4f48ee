import json
from datetime import time, timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from backoffice.models import User
from backoffice.records.two_languages import OTHER
from clinic import demo
from clinic.identity import taiwan_national_id
from clinic.models import (
    Appointment,
    ClinicSession,
    Closure,
    LikertQuestion,
    NumericQuestion,
    Patient,
    Symptom,
)
from clinic.tests.clinics import session_today

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded(capsys):
    from backoffice import demo as people

    class Out:
        write = staticmethod(print)

    people.load(Out)
    demo.load(Out)
    return lambda: (people.load(Out), demo.load(Out))


def counts() -> dict[str, int]:
    return {
        model._meta.label: model._default_manager.count()
        for label in ("backoffice", "clinic")
        for model in apps.get_app_config(label).get_models()
    }


def test_it_refuses_to_run_in_production(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DJANGO_DEBUG"):
        call_command("load_demo")
    assert not User.objects.exists()


def test_no_page_is_empty_and_a_second_run_changes_nothing(loaded, client):
    today = timezone.localdate()
    assert Patient.objects.count() == 30
    for patient in Patient.objects.all():
        taiwan_national_id(patient.national_id)

    statuses = set(Appointment.objects.values_list("status", flat=True))
    assert statuses == set(Appointment.Status.values)
    assert Closure.objects.between(today, today + timedelta(days=14)).exists()

    running = [session for session in ClinicSession.objects.filter(date=today) if session.is_running()]
    assert running, "whoever looks finds a session running, at any hour"
    assert running[0].current_number == 3
    assert running[0].appointments.waiting().count() == 3

    left = {session.places_left for session in ClinicSession.objects.filter(date__gt=today)}
    assert {0, 2} < left  # one full, one nearly

    assert client.login(username="frontdesk", password="demo-frontdesk")
    assert "Call next" in client.get(reverse("admin:index")).text

    before = counts()
    loaded()
    assert counts() == before


@pytest.mark.parametrize("clock", ["00:00", "03:10", "12:45", "17:50", "21:30", "23:45"])
def test_todays_session_runs_whenever_somebody_looks(clock, django_user_model):
    django_user_model.objects.create_user("frontdesk")
    clinic = demo.Demo(words={})
    hour, minute = map(int, clock.split(":"))
    clinic.now = timezone.localtime().replace(hour=hour, minute=minute)
    session = session_today(opens_at=time(18), closes_at=time(21))
    clinic.keep_open(session)
    session.refresh_from_db()
    assert session.is_running(clinic.now)


def test_what_the_demos_clinic_has_typed_is_there_in_both_languages(django_user_model):
    django_user_model.objects.create_user("frontdesk")
    clinic = demo.Demo(json.loads(demo.WORDS.read_text()))
    clinic.write_hours()
    clinic.write_survey()
    records = [*LikertQuestion.objects.all(), *NumericQuestion.objects.all(), *Symptom.objects.all()]
    records += Closure.objects.all()
    assert len(records) == 17
    for record in records:
        record.clean()  # one of two texts is Chinese, the other is not
        pairs = {f.name: f"{f.name}{OTHER}" for f in record._meta.fields if hasattr(record, f"{f.name}{OTHER}")}
        missing = [name for name, other in pairs.items() if getattr(record, name) and not getattr(record, other)]
        assert missing in ([], ["unit"]), f"{record}: {missing}"  # °C is °C
