"""Filters by day mean what they say, by the clinic's clock."""

import datetime

import pytest
from django.utils import timezone
from model_bakery import baker

from backoffice.models import Mail
from clinic import booking
from clinic.models import Patient
from clinic.tests.clinics import session_today

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate
DAY = datetime.timedelta(days=1)


@pytest.fixture
def three_days(client, administrator):
    """One person booked yesterday, one today, one tomorrow."""
    client.force_login(administrator)
    for name, day in (("Yesterday Wu", TODAY() - DAY), ("Today Lin", TODAY()), ("Tomorrow Chen", TODAY() + DAY)):
        patient = baker.make(Patient, full_name=name, national_id="", email="")
        booking.book(session_today(date=day), patient, by=None)


def names(client, **asked) -> list[str]:
    rows = client.get("/admin/clinic/appointment/", asked).context_data["cl"].result_list
    return sorted(row.patient.full_name.split()[0] for row in rows)


def test_today_is_today_alone(client, three_days):
    assert names(client, day="today") == ["Today"]


def test_both_ends_are_included_and_either_may_be_open(client, three_days):
    assert names(client, first=TODAY() - DAY, last=TODAY()) == ["Today", "Yesterday"]
    assert names(client, first=TODAY()) == ["Today", "Tomorrow"]
    assert names(client, last=TODAY()) == ["Today", "Yesterday"]


def test_the_form_keeps_what_else_was_asked_for(client, three_days):
    page = client.get("/admin/clinic/appointment/", {"status__exact": "booked", "first": TODAY()}).text
    form = page[page.index('class="day-range"') :].partition("</form>")[0]
    assert 'name="status__exact" value="booked"' in form
    assert f'value="{TODAY()}"' in form


def test_what_is_no_day_is_refused_kindly(client, three_days):
    answer = client.get("/admin/clinic/appointment/", {"first": "soon"}, follow=True)
    assert answer.redirect_chain == [("/admin/clinic/appointment/?e=1", 302)]


def test_a_moment_belongs_to_the_day_on_the_clinics_clock(client, administrator, settings):
    settings.TIME_ZONE = "Asia/Taipei"
    client.force_login(administrator)
    late = datetime.datetime(2026, 3, 1, 15, 59, 59, tzinfo=datetime.UTC)  # one second to midnight in Taipei
    for words, moment in (("last of the day", late), ("first of the next", late + datetime.timedelta(seconds=1))):
        Mail.objects.filter(pk=baker.make(Mail, subject=words).pk).update(written_at=moment)
    page = client.get("/admin/backoffice/mail/", {"first": "2026-03-01", "last": "2026-03-01"}).text
    assert "last of the day" in page
    assert "first of the next" not in page
