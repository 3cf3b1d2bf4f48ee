"""Numbers in the admin, as people type them."""

from decimal import Decimal

import pytest
from django.urls import reverse
from model_bakery import baker

from clinic.models import NumericAnswer, NumericQuestion, OpeningHours
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

ADD = "/admin/clinic/numericquestion/add/"
QUESTION = {"text": "Temperature?", "unit": "°C", "minimum": "34", "position": "1", "is_active": "on"}


@pytest.mark.parametrize(
    ("typed", "kept"), [("41.5", "41.5"), ("41,5", "41.5"), ("４１．５", "41.5"), ("41\u200b", "41"), ("", None)]
)
def test_a_bound_of_a_question_is_read_with_a_point_or_a_comma(admin_client, typed, kept):
    assert admin_client.post(ADD, QUESTION | {"maximum": typed}).status_code == 302
    assert NumericQuestion.objects.get().maximum == (kept and Decimal(kept))


def test_a_number_that_can_be_read_in_two_ways_is_asked_about_and_stays_in_its_field(admin_client):
    page = admin_client.post(ADD, QUESTION | {"maximum": "1,500"}).text
    assert "Write 1500 or 1.500." in page
    assert 'value="1,500"' in page
    assert not NumericQuestion.objects.exists()


def test_an_answer_is_set_right_by_the_same_rule(admin_client):
    appointment = visit(session_today())
    answer = NumericAnswer.objects.get()
    page = reverse("admin:clinic_appointment_change", args=[appointment.pk])
    form = admin_client.get(page).context["adminform"].form
    inlines = admin_client.get(page).context["inline_admin_formsets"]
    data = {form.add_prefix(name): form[name].value() or "" for name in form.fields}
    for inline in inlines:
        for one in [inline.formset.management_form, *inline.formset.forms]:
            data |= {one.add_prefix(name): one[name].value() or "" for name in one.fields}
    field = next(name for name in data if name.endswith("-value"))
    assert admin_client.post(page, data | {field: "2,5"}).status_code == 302
    answer.refresh_from_db()
    assert answer.value == Decimal("2.5")


def test_a_whole_number_is_read_without_what_nobody_sees(admin_client):
    hours = baker.make(OpeningHours, weekday=0, period="morning", opens_at="09:00", closes_at="12:00", capacity=3)
    page = reverse("admin:clinic_openinghours_change", args=[hours.pk])
    form = admin_client.get(page).context["adminform"].form
    data = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    assert admin_client.post(page, data | {"capacity": "１０\u200b"}).status_code == 302
    hours.refresh_from_db()
    assert hours.capacity == 10
    assert "Write a whole number, in digits, such as 12." in admin_client.post(page, data | {"capacity": "2,5"}).text
