"""Both kinds of question on one page of the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError
from django.urls import reverse
from model_bakery import baker

from backoffice.tests.forms_on_pages import form_with
from clinic import booking
from clinic.models import LikertQuestion, NumericQuestion, Patient
from clinic.public import forms
from clinic.tests.clinics import session_today

pytestmark = pytest.mark.django_db

PAGE = "/admin/clinic/survey/"


@pytest.fixture
def sleep():
    return baker.make(LikertQuestion, text="How do you sleep?", min_label="badly", max_label="well", position=1)


@pytest.fixture
def smokes():
    return baker.make(
        NumericQuestion, text="How much do you smoke?", unit="cigarettes", minimum=0, maximum=100, position=1
    )


@pytest.fixture
def office(client, administrator):
    client.force_login(administrator)
    return client


def filled_in(client, **changes: str) -> dict[str, str]:
    """What the page would post, with these fields changed; `__` stands for the `-` in their names."""
    posted = {}
    for formset in client.get(PAGE).context["forms"]:
        for form in (formset.management_form, *formset):
            for field in form:
                value = field.value()
                if value is not None and value is not False:
                    posted[field.html_name] = "on" if value is True else str(value)
    return posted | {name.replace("__", "-"): value for name, value in changes.items()}


def test_it_shows_both_kinds_with_their_prefixes_in_the_survey_s_order(office, sleep, smokes):
    baker.make(LikertQuestion, text="Asked before", position=0)
    baker.make(LikertQuestion, text="Put away", hidden_at="2026-01-01T00:00Z")
    shown = office.get(PAGE).context["forms"]
    assert [form.instance.text for form in shown.likert] == ["Asked before", "How do you sleep?", ""]
    assert [form.instance.text for form in shown.numeric] == ["How much do you smoke?", ""]
    assert 'name="likert-0-text"' in office.get(PAGE).content.decode()


def test_it_changes_and_adds_both_kinds_at_once_with_history(office, administrator, sleep, smokes):
    answer = office.post(
        PAGE,
        filled_in(
            office,
            likert__0__text="How well do you sleep?",
            numeric__1__text="How tall are you?",
            numeric__1__unit="cm",
        ),
        follow=True,
    )
    assert "2 questions are saved." in answer.content.decode()
    sleep.refresh_from_db()
    added = NumericQuestion.objects.latest("pk")
    assert sleep.text == "How well do you sleep?"
    assert (added.text, added.unit, added.position, added.is_active) == ("How tall are you?", "cm", 2, True)
    assert [row.history_user for row in sleep.history.all()] == [administrator, None]
    assert [row.history_user for row in added.history.all()] == [administrator]
    assert smokes.history.count() == 1  # nothing changed there


def test_an_error_in_one_kind_saves_neither_and_keeps_everything_typed(office, sleep, smokes):
    answer = office.post(
        PAGE, filled_in(office, likert__0__text="Changed", numeric__0__minimum="200", numeric__1__text="New")
    )
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Nothing is saved yet" in page
    assert answer.context["forms"].numeric.errors[0] == {
        "maximum": ["The smallest answer must not be above the largest."]
    }
    for typed in ('value="Changed"', 'value="200"', 'value="New"'):
        assert typed in page
    sleep.refresh_from_db()
    assert sleep.text == "How do you sleep?"
    assert NumericQuestion.objects.count() == 1


def test_errors_of_both_kinds_are_shown_at_once(office, sleep, smokes):
    answer = office.post(PAGE, filled_in(office, likert__0__text="", numeric__0__text=""))
    shown = answer.context["forms"]
    assert "text" in shown.likert.errors[0]
    assert "text" in shown.numeric.errors[0]


def test_a_database_that_fails_at_the_second_kind_keeps_nothing_of_the_first(office, sleep, smokes, monkeypatch):
    def fail(self, **kwargs):
        raise DatabaseError

    posted = filled_in(office, likert__0__text="Changed", numeric__0__text="Changed")
    monkeypatch.setattr(NumericQuestion, "save", fail)
    with pytest.raises(DatabaseError):
        office.post(PAGE, posted)
    sleep.refresh_from_db()
    assert sleep.text == "How do you sleep?"


def test_questions_are_put_in_order_by_their_numbers(office, sleep):
    second = baker.make(LikertQuestion, text="Second", position=2)
    office.post(PAGE, filled_in(office, likert__0__position="2", likert__1__position="1"))
    assert list(LikertQuestion.objects.asked()) == [second, sleep]


def test_an_order_that_is_not_saved_yet_is_shown_as_it_was_typed(office, sleep):
    baker.make(LikertQuestion, text="", position=2)  # an old question without words holds the others back
    answer = office.post(PAGE, filled_in(office, likert__0__position="9"))
    assert [form.instance.pk for form in answer.context["forms"].likert][1] == sleep.pk


def test_a_new_row_in_which_only_boxes_and_place_changed_is_left_alone(office, sleep, smokes):
    posted = filled_in(office, likert__1__position="5")
    del posted["likert-1-is_required"]
    assert "Nothing was changed." in office.post(PAGE, posted, follow=True).content.decode()
    assert LikertQuestion.objects.count() == 1


def test_a_row_that_was_added_in_the_browser_is_saved(office, sleep, smokes):
    new = {
        "likert-2-text": "Added",
        "likert-2-min_label": "no",
        "likert-2-max_label": "yes",
        "likert-2-is_active": "on",
    }
    office.post(PAGE, filled_in(office, likert__TOTAL_FORMS="3") | new)
    assert LikertQuestion.objects.get(text="Added").position == 2


def answered(question, session):
    patient = baker.make(Patient, national_id="")
    return booking.book(session, patient, by=None, likert={question: 4}).likert_answers.get()


def test_a_new_wording_changes_no_past_answer(office, sleep):
    session = session_today()
    before = answered(sleep, session)
    office.post(PAGE, filled_in(office, likert__0__text="How was your night?"))
    before.refresh_from_db()
    assert (before.asked_as, before.score) == ("How do you sleep?", 4)
    before.score = 5
    before.save()
    assert before.asked_as == "How do you sleep?"
    sleep.refresh_from_db()
    assert answered(sleep, session).asked_as == "How was your night?"


def test_a_question_that_is_not_asked_any_more_keeps_answers_and_history_and_can_come_back(office, sleep):
    answer = answered(sleep, session_today())
    posted = filled_in(office)
    del posted["likert-0-is_active"]
    office.post(PAGE, posted)
    assert f"habit_{sleep.pk}" not in forms.SurveyForm().fields
    answer.refresh_from_db()
    assert answer.score == 4
    assert [row.is_active for row in sleep.history.all()] == [False, True]
    office.post(PAGE, filled_in(office, likert__0__is_active="on"))
    assert f"habit_{sleep.pk}" in forms.SurveyForm().fields


def test_nothing_is_deleted_whatever_is_posted(office, sleep):
    office.post(PAGE, filled_in(office, likert__0__DELETE="on", likert__0__text="Kept"))
    assert LikertQuestion.objects.get().text == "Kept"


def test_a_question_that_was_hidden_meanwhile_is_not_overwritten(office, sleep, administrator):
    posted = filled_in(office, likert__0__text="Overwritten")
    LikertQuestion.objects.all().hide(by=administrator)
    told = office.post(PAGE, posted)
    assert "administrators has hidden “How do you sleep?” since you looked. Nothing was saved." in told.text
    assert "Overwritten" in told.text
    assert "Nothing was changed." in office.post(PAGE, form_with(told, "likert-0-text"), follow=True).text
    assert LikertQuestion.objects.get().text == "How do you sleep?"


def test_where_two_changed_one_question_the_later_is_asked_and_decides(office, sleep, smokes, front_desk):
    mine = filled_in(office, likert__0__text="How well do you sleep?", numeric__0__unit="packs")
    change(sleep, by=front_desk, text="How was your night?", max_label="very well")
    told = office.post(PAGE, mine)
    assert "frontdesk changed this to “How was your night?” meanwhile" in told.text
    sleep.refresh_from_db()
    smokes.refresh_from_db()
    assert (sleep.text, smokes.unit) == ("How was your night?", "cigarettes")
    office.post(PAGE, form_with(told, "likert-0-text"))
    sleep.refresh_from_db()
    smokes.refresh_from_db()
    assert (sleep.text, sleep.max_label, smokes.unit) == ("How well do you sleep?", "very well", "packs")


def test_what_only_the_other_changed_in_the_survey_stays_and_so_does_what_they_added(office, sleep, smokes, front_desk):
    mine = filled_in(office, numeric__0__unit="packs")
    change(sleep, by=front_desk, max_label="very well")
    baker.make(LikertQuestion, text="And your appetite?", position=2)
    told = office.post(PAGE, mine, follow=True)
    sleep.refresh_from_db()
    assert (sleep.max_label, NumericQuestion.objects.get().unit) == ("very well", "packs")
    assert "Frontdesk changed this meanwhile, and it stays so: " in told.text
    assert "This came meanwhile, and stays: And your appetite?." in told.text
    assert [row.history_user for row in sleep.history.all()] == [front_desk, None]  # nobody wrote it a second time


def change(question, *, by, **values) -> None:
    other = type(question).objects.get(pk=question.pk)
    for name, value in values.items():
        setattr(other, name, value)
    other._history_user = by
    other.save()


def test_a_post_without_its_counters_is_refused_politely(office, sleep):
    answer = office.post(PAGE, {"likert-0-text": "x"})
    assert answer.status_code == 200
    assert "Nothing is saved yet" in answer.content.decode()


def test_only_those_who_may_change_both_kinds_see_it_or_its_links(client, office, front_desk, clinician, sleep, smokes):
    question_lists = [reverse(f"admin:clinic_{kind}question_changelist") for kind in ("likert", "numeric")]
    for page in question_lists:
        assert office.get(page).content.decode().count(f'href="{PAGE}"') == 2  # above the list, and in the menu
    for person in (front_desk, clinician):
        client.force_login(person)
        assert client.get(PAGE).status_code == client.post(PAGE, {}).status_code == 403
        assert PAGE not in client.get(question_lists[0]).content.decode()
    client.logout()
    assert client.get(PAGE).url.startswith("/admin/login/")


def test_who_may_not_add_gets_no_empty_rows(client, django_user_model, sleep, smokes):
    person = django_user_model.objects.create_user("editor", is_staff=True)
    person.user_permissions.set(
        Permission.objects.filter(codename__in=["change_likertquestion", "change_numericquestion"])
    )
    client.force_login(person)
    posted = filled_in(client, likert__TOTAL_FORMS="2", likert__0__text="Changed")
    assert len(client.get(PAGE).context["forms"].likert.forms) == 1
    client.post(PAGE, posted | {"likert-1-text": "Smuggled", "likert-1-min_label": "a", "likert-1-max_label": "b"})
    assert LikertQuestion.objects.get().text == "Changed"


@pytest.mark.parametrize("page", ["/admin/clinic/survey/", "/admin/clinic/symptom/"])
def test_a_form_that_claims_very_many_rows_is_drawn_with_few(client, admin_user, page):
    client.force_login(admin_user)
    claims = {
        f"{prefix}-{name}": "99999"
        for prefix in ("likert", "numeric", "form")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    answer = client.post(page, claims | {"_save": "1"})
    assert answer.status_code in (200, 400)
    assert answer.content.count(b"-position") < 1500
