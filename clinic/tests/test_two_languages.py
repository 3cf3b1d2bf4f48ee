"""What the clinic types itself: one text is enough, and where there is a second, each reader is shown theirs."""

import datetime

import pytest
from django.urls import reverse
from django.utils import translation
from model_bakery import baker

from backoffice.records.two_languages import in_language
from backoffice.tests.forms_on_pages import form_with
from backoffice.tests.languages import CHINESE as HAN
from backoffice.tests.languages import said
from clinic import booking
from clinic.models import (
    Closure,
    IntakeRecord,
    LikertAnswer,
    LikertQuestion,
    NumericAnswer,
    NumericQuestion,
    Patient,
    Symptom,
)
from clinic.tests.clinics import session_today, visit

pytestmark = pytest.mark.django_db

CHINESE = {"Accept-Language": "zh-TW,zh;q=0.9"}
SET_LANGUAGE = reverse("set_language")
ADD_SYMPTOM = reverse("admin:clinic_symptom_add")
PAIRS = [("Cough", "咳嗽"), ("咳嗽", "Cough")]


@pytest.fixture
def survey(db):
    """A question of each kind, typed in English first, and in Chinese first."""
    scale = baker.make(
        LikertQuestion,
        text="How well do you sleep?",
        text_other="您睡得好嗎？",
        min_label="badly",
        min_label_other="不好",
        max_label="well",
        max_label_other="很好",
    )
    number = baker.make(
        NumericQuestion,
        text="您一天抽幾支菸？",
        text_other="How many cigarettes a day?",
        unit="支",
        unit_other="pieces",
        minimum=None,
        maximum=None,
    )
    return scale, number


@pytest.mark.parametrize(
    ("first", "other", "english", "chinese"),
    [
        ("Cough", "咳嗽", "Cough", "咳嗽"),
        ("咳嗽", "Cough", "Cough", "咳嗽"),
        ("Cough", "", "Cough", "Cough"),
        ("咳嗽", "", "咳嗽", "咳嗽"),
        ("", "支", "支", "支"),
        (
            "您吃過板藍根嗎？",
            "Did you take 板藍根 (Radix isatidis)?",
            "Did you take 板藍根 (Radix isatidis)?",
            "您吃過板藍根嗎？",
        ),
        ("Did you have a PCR?", "您做過 COVID-19 PCR 檢查嗎？", "Did you have a PCR?", "您做過 COVID-19 PCR 檢查嗎？"),
    ],
)
def test_which_of_two_texts_is_chinese_is_told_by_their_signs(first, other, english, chinese):
    assert [in_language(first, other, language) for language in ("en", "zh-hant")] == [english, chinese]


@pytest.mark.parametrize(("name", "other"), PAIRS)
def test_the_booking_page_names_symptoms_in_the_visitors_language(client, slot, name, other):
    baker.make(Symptom, name=name, name_other=other)
    client.post("/book/", {"session": slot})
    in_english, in_chinese = client.get("/book/details/").text, client.get("/book/details/", headers=CHINESE).text
    assert ("Cough" in in_english, "咳嗽" in in_english) == (True, False)
    assert ("Cough" in in_chinese, "咳嗽" in in_chinese) == (False, True)


def test_the_survey_asks_in_the_visitors_language_and_the_answers_keep_that_wording(book_online, survey, client):
    scale, number = survey
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-TW"
    asked = book_online({}).text
    assert all(word in asked for word in ("您睡得好嗎？", "不好", "很好", "您一天抽幾支菸？", "支</span>"))
    assert "sleep" not in asked
    assert "cigarettes" not in asked
    book_online({f"habit_{scale.pk}": "6", f"chabit_{number.pk}": "4"})
    assert (LikertAnswer.objects.get().asked_as, NumericAnswer.objects.get().asked_as) == (
        "您睡得好嗎？",
        "您一天抽幾支菸？",
    )


def test_answers_given_in_english_keep_the_english_wording_whoever_reads_them(book_online, survey, admin_client):
    scale, number = survey
    book_online({f"habit_{scale.pk}": "6", f"chabit_{number.pk}": "4"})
    answer = NumericAnswer.objects.get()
    page = admin_client.get(
        reverse("admin:clinic_appointment_change", args=[answer.appointment_id]), headers=CHINESE
    ).text
    assert (answer.asked_as, "How many cigarettes a day?" in page) == ("How many cigarettes a day?", True)
    assert answer.history.get().asked_as == "How many cigarettes a day?"


def test_staff_ask_in_their_own_language(session, survey, client, front_desk):
    _scale, number = survey
    asked = visit(session)
    page = reverse("admin:clinic_appointment_answers", args=[asked.pk])
    client.force_login(front_desk)
    assert "您一天抽幾支菸？ (支)" in client.get(page, headers=CHINESE).text
    assert "How many cigarettes a day? (pieces)" in client.get(page).text
    client.post(page, {f"chabit_{number.pk}": "3"}, headers=CHINESE)
    assert asked.numeric_answers.get(question=number).asked_as == "您一天抽幾支菸？"


@pytest.mark.parametrize(("reason", "other"), [("holiday", "國定假日"), ("國定假日", "holiday")])
def test_a_closed_day_says_why_in_the_visitors_language(client, hours, tomorrow, reason, other):
    baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow, period="", reason=reason, reason_other=other)
    assert "Closed · holiday" in client.get("/book/").text
    assert "休診 · 國定假日" in client.get("/book/", headers=CHINESE).text


def test_one_text_is_enough(client, hours, tomorrow):
    baker.make(Closure, starts_on=tomorrow, ends_on=tomorrow, period="", reason="holiday")
    assert "holiday" in client.get("/book/").text
    assert "holiday" in client.get("/book/", headers=CHINESE).text


def test_todays_closed_periods_say_why_in_each_readers_language(admin_client, hours):
    today = datetime.date.today()
    baker.make(Closure, starts_on=today, ends_on=today, period="", reason="holiday", reason_other="國定假日")
    home = reverse("admin:index")
    in_chinese, in_english = admin_client.get(home, headers=CHINESE).text, admin_client.get(home).text
    assert ("國定假日" in in_chinese, "holiday" in in_chinese) == (True, False)
    assert ("國定假日" in in_english, "holiday" in in_english) == (False, True)


# -- In the admin -----------------------------------------------------------------------------------------------------


def test_both_texts_stand_in_one_form_and_the_history_tells_and_takes_back_each(admin_client):
    admin_client.post(ADD_SYMPTOM, {"name": "Cough", "name_other": "咳嗽", "position": "1", "is_active": "on"})
    cough = Symptom.objects.get()
    change = reverse("admin:clinic_symptom_change", args=[cough.pk])
    admin_client.post(change, {"name": "Cough", "name_other": "咳嗽症狀", "position": "1", "is_active": "on"})
    cough.refresh_from_db()
    assert (cough.name, cough.name_other) == ("Cough", "咳嗽症狀")
    told = admin_client.get(reverse("admin:clinic_symptom_history", args=[cough.pk])).text
    assert "Name in the other language" in told
    assert "咳嗽症狀" in told
    version = reverse("admin:clinic_symptom_simple_history", args=[cough.pk, cough.history.earliest().pk])
    admin_client.post(version, {"reason": "It was right before"})
    cough.refresh_from_db()
    assert cough.name_other == "咳嗽"


def test_two_texts_in_one_language_are_refused(admin_client):
    page = admin_client.post(ADD_SYMPTOM, {"name": "Cough", "name_other": "Coughing", "position": "1"})
    assert "one must be Chinese" in page.text
    assert not Symptom.objects.exists()


def test_the_same_text_twice_does_no_harm(admin_client):
    admin_client.post(ADD_SYMPTOM, {"name": "COVID-19", "name_other": "COVID-19", "position": "1"})
    assert str(Symptom.objects.get()) == "COVID-19"


def test_the_survey_page_takes_both_texts_and_says_which_cannot_stand(admin_client, survey):
    page = reverse("clinic_admin:survey")
    forms = admin_client.get(page).context["forms"]
    typed = {}
    for formset in forms:
        for bound in (formset.management_form, *formset.initial_forms):
            typed |= {field.html_name: field.value() for field in bound if field.value() not in (None, False)}
    typed |= {"likert-0-text_other": "您睡得如何？", "numeric-0-unit_other": "個"}
    assert "one must be Chinese" in admin_client.post(page, typed).text
    admin_client.post(page, typed | {"numeric-0-unit_other": "each"})
    assert LikertQuestion.objects.get().text_other == "您睡得如何？"
    assert NumericQuestion.objects.get().unit_other == "each"


@pytest.mark.parametrize(
    ("address", "english", "chinese"),
    [("likertquestion", "How well", "您睡得好嗎？"), ("numericquestion", "How many", "您一天抽幾支菸？")],
)
def test_lists_show_the_readers_text_and_are_searched_by_both(admin_client, survey, address, english, chinese):
    page = reverse(f"admin:clinic_{address}_changelist")
    shown = admin_client.get(page, {"q": chinese[:3]}).text
    assert (english in shown, f">{chinese}<" in shown) == (True, False)
    assert f">{chinese}<" in admin_client.get(page, {"q": english[:5]}, headers=CHINESE).text


# -- In the intake table ----------------------------------------------------------------------------------------------


@pytest.fixture
def ticked(session, survey, django_capture_on_commit_callbacks):
    scale, _number = survey
    cough, fever = (
        baker.make(Symptom, name="Cough", name_other="咳嗽"),
        baker.make(Symptom, name="發燒", name_other="Fever"),
    )
    with django_capture_on_commit_callbacks(execute=True):
        return booking.book(
            session,
            baker.make("clinic.Patient", date_of_birth="1990-01-01"),
            by=None,
            symptoms=[cough, fever],
            likert={scale: 5},
        )


def test_the_intake_table_and_its_csv_are_in_the_readers_language(admin_client, ticked):
    page = reverse("admin:clinic_intakerecord_changelist")
    in_english, in_chinese = admin_client.get(page).text, admin_client.get(page, headers=CHINESE).text
    assert "How well do you sleep?" in in_english
    assert "Cough, Fever" in in_english
    assert "您睡得好嗎？" in in_chinese
    assert "咳嗽、發燒" in in_chinese
    lines = b"".join(admin_client.post(f"{page}csv/", headers=CHINESE).streaming_content).decode()
    assert "咳嗽、發燒" in lines
    assert "How well" not in lines


def test_another_name_in_either_language_is_in_the_table_at_once(ticked, django_capture_on_commit_callbacks):
    cough = Symptom.objects.get(name="Cough")
    cough.name_other = "乾咳"
    with django_capture_on_commit_callbacks(execute=True):
        cough.save()
    record = IntakeRecord.objects.get()
    assert (record.symptoms, record.symptoms_in_chinese) == ("Cough, Fever", "乾咳、發燒")


def test_a_record_is_called_by_its_text_in_the_language_of_who_reads(survey):
    with translation.override("zh-hant"):
        assert list(map(str, survey)) == ["您睡得好嗎？", "您一天抽幾支菸？"]
    with translation.override("en"):
        assert list(map(str, survey)) == ["How well do you sleep?", "How many cigarettes a day?"]


# -- A page that is open while its reader's language, or the wording, changes ------------------------------------------


@pytest.fixture
def open_page(client, slot, person, survey):
    """The survey's page as it stands in a tab in Chinese, and what it would send with both answers."""
    client.post(SET_LANGUAGE, {"language": "zh-hant"})
    client.post("/book/", {"session": slot})
    client.post("/book/details/", person)
    scale, number = survey
    page = form_with(client.get("/book/survey/"), "slot")
    return {name: values[0] for name, values in page.items()} | {f"habit_{scale.pk}": "4", f"chabit_{number.pk}": "2"}


def asked_as() -> set[str]:
    answers = (LikertAnswer, NumericAnswer)
    return {wording for model in answers for wording in model.objects.values_list("asked_as", flat=True)}


def test_an_answer_keeps_the_wording_of_its_page_when_another_tab_changes_the_language(client, open_page):
    client.post(SET_LANGUAGE, {"language": "en"})
    client.post("/book/survey/", open_page)
    assert asked_as() == {"您睡得好嗎？", "您一天抽幾支菸？"}


def test_an_answer_keeps_the_wording_of_its_page_when_the_clinic_words_it_anew(client, open_page, survey):
    scale, _number = survey
    scale.text_other = "您昨晚睡得好嗎？"
    scale.save()
    client.post("/book/survey/", open_page)
    assert asked_as() == {"您睡得好嗎？", "您一天抽幾支菸？"}


@pytest.mark.parametrize("sent", ["您付錢嗎？", '{"habit_1": "您付錢嗎？"}', ""])
def test_nobody_but_our_own_page_says_how_a_question_was_worded(client, open_page, sent):
    client.post("/book/survey/", open_page | {"asked_as": sent})
    assert asked_as() == {"您睡得好嗎？", "您一天抽幾支菸？"}  # as they are now


def test_what_was_wrong_is_told_in_the_language_that_was_chosen_since_and_what_was_typed_is_there(client, open_page):
    number, scale = sorted(name for name in open_page if "habit" in name)
    client.post("/book/survey/", open_page | {scale: "", number: "1,500"})
    assert "有兩種讀法" in client.get("/book/survey/").text
    client.post(SET_LANGUAGE, {"language": "en"})
    page = client.get("/book/survey/")
    assert "can be read in two ways" in page.text
    assert "Choose a number on the scale." in page.text
    assert said(page.text, HAN, set()) == set()
    again = {name: values[0] for name, values in form_with(page, "slot").items()}
    assert again[number] == "1,500"
    client.post("/book/survey/", again | {scale: "4", number: "1.5"})
    assert asked_as() == {"How well do you sleep?", "How many cigarettes a day?"}  # as they were asked at last


@pytest.mark.parametrize("is_new", [True, False])
def test_staff_who_change_their_language_meanwhile_keep_the_wording_too(client, front_desk, survey, slot, is_new):
    front_desk.language = "zh-hant"
    front_desk.save()
    client.force_login(front_desk)
    booked = None if is_new else booking.book(session_today(), baker.make(Patient, national_id=""), by=None)
    kind = "add" if booked is None else "answers"
    page = reverse(f"admin:clinic_appointment_{kind}", args=booked and [booked.pk])
    sent = {name: values[0] for name, values in form_with(client.get(page), "asked_as").items()}
    if is_new:
        sent |= {"patient": baker.make(Patient, national_id="").pk, "offer": slot}
    scale, number = survey
    client.post(SET_LANGUAGE, {"language": "en"})
    client.post(page, sent | {f"habit_{scale.pk}": "4", f"chabit_{number.pk}": "2"})
    assert asked_as() == {"您睡得好嗎？", "您一天抽幾支菸？"}
