"""Mails to patients: when, in which language, and with nothing medical in them."""

import datetime
import re

import pytest
from django.core import mail as django_mail
from django.urls import reverse
from django.utils import timezone, translation
from django_q.models import Schedule
from model_bakery import baker

from backoffice.jobs import mail
from backoffice.models import Mail
from clinic import booking, mails
from clinic.models import Appointment, Patient, Symptom
from clinic.reminders import remind

pytestmark = pytest.mark.django_db

MAIL = "lin@example.org"
CHINESE = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture
def patient(db):
    return baker.make(Patient, full_name="Lin Mei-ling", national_id="A123456789", phone="0912345678", email=MAIL)


def sent() -> list:
    """What went out since the last look, once every change has stood for its time."""
    django_mail.outbox.clear()
    Mail.objects.update(lease_until=None)
    mail.send_due()
    letters = list(django_mail.outbox)
    django_mail.outbox.clear()
    return letters


def link(appointment, site: str) -> str:
    return site + reverse("clinic:booking", args=[appointment.reference])


def test_a_public_booking_is_confirmed_with_a_link_to_the_site_whatever_host_was_asked(book_online, settings):
    settings.SITE_URL = "https://clinic.example"
    book_online(email=MAIL)
    visit = Appointment.objects.get()
    [confirmation] = sent()
    assert confirmation.to == [MAIL]
    assert "Your number: 1" in confirmation.body
    assert link(visit, "https://clinic.example") in confirmation.body
    assert "9:00" in confirmation.body


def test_nothing_medical_and_nothing_of_the_person_is_in_any_mail(session, afternoon, patient):
    symptom, question = baker.make(Symptom, name="Cough"), baker.make("clinic.LikertQuestion", text="Smoking")
    visit = booking.book(session, patient, by=None, symptoms=[symptom], likert={question: 6}, notes="fever")
    letters = sent()
    booking.move(visit, afternoon, by=None)
    letters += sent()
    booking.cancel(visit, by=None)
    mails.write("reminder", visit)
    letters += sent()
    assert len(letters) == 4
    for letter in letters:
        said = (letter.subject + letter.body).casefold()
        for secret in ("cough", "smoking", "fever", "lin mei-ling", "a123456789", "0912345678"):
            assert secret not in said


def test_staff_who_move_or_cancel_write_to_the_patient_too(session, afternoon, patient, front_desk, settings):
    settings.SITE_URL = "https://clinic.example"
    visit = booking.book(session, patient, by=front_desk)
    booking.move(visit, afternoon, by=front_desk)
    confirmation, move = sent()
    booking.cancel(visit, by=front_desk)
    [cancellation] = sent()
    for letter in (confirmation, move):
        assert link(visit, "https://clinic.example") in letter.body
    assert "another time" in move.body
    assert "afternoon" in move.body
    assert "is cancelled" in cancellation.body


def test_a_patient_who_moves_and_cancels_on_the_private_page_gets_mails_with_links(
    client, session, afternoon, patient, settings
):
    visit = booking.book(session, patient, by=None)
    sent()
    client.post(reverse("clinic:move", args=[visit.reference]), {"session": afternoon.slug})
    [move] = sent()
    assert link(visit, settings.SITE_URL) in move.body
    client.post(reverse("clinic:cancel", args=[visit.reference]))
    [cancellation] = sent()
    assert f"{settings.SITE_URL}/book/" in cancellation.body


def test_a_burst_of_moves_is_one_mail_of_where_it_ended(session, afternoon, patient):
    visit = booking.book(session, patient, by=None)
    sent()
    for _again in range(3):
        for to in (afternoon, session):
            booking.move(visit, to, by=None)
    mail.send_due()
    assert not django_mail.outbox  # not before the last of them has stood for a while
    [letter] = sent()
    assert "morning" in letter.body
    assert f"Your number: {visit.queue_number}" in letter.body


def test_a_move_that_is_cancelled_before_it_was_told_is_told_as_cancelled_at_once(session, afternoon, patient):
    visit = booking.book(session, patient, by=None)
    sent()
    booking.move(visit, afternoon, by=None)
    booking.cancel(visit, by=None)
    mail.send_due()
    assert ["Cancelled" in letter.subject for letter in django_mail.outbox] == [True]
    assert not sent()


def test_who_gave_no_address_gets_no_mail_and_no_error(session, afternoon):
    visit = booking.book(session, baker.make(Patient, email=""), by=None)
    booking.move(visit, afternoon, by=None)
    booking.cancel(visit, by=None)
    assert not Mail.objects.exists()


def test_the_address_given_with_the_booking_comes_before_the_one_on_file(session, patient):
    booking.book(session, patient, by=None, claimed={"email": "new@example.org"})
    assert sent()[0].to == ["new@example.org"]


def test_nobody_is_written_to_about_a_session_that_is_over(session, patient, front_desk):
    visit = booking.book(session, patient, by=None)
    sent()
    session.date = timezone.localdate() - datetime.timedelta(days=1)
    session.save()
    visit.refresh_from_db()
    booking.cancel(visit, by=front_desk)
    assert not sent()


def test_a_booking_that_is_refused_leaves_no_mail(session, patient):
    booking.book(session, patient, by=None)
    with pytest.raises(booking.AlreadyBooked):
        booking.book(session, patient, by=None)
    assert Mail.objects.count() == 1


@pytest.fixture
def two_bookings(client, book_online, tomorrow):
    """One made in a Chinese browser, then one in an English browser; their confirmations are sent already."""
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-TW"
    book_online(email=MAIL)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    book_online(email=MAIL, full_name="John Smith", national_id="B123456780")
    sent()
    return Appointment.objects.order_by("pk")


def staff_move(client, visit, afternoon):
    client.post(reverse("admin:clinic_appointment_move", args=[visit.pk]), {"session": afternoon.slug})


def staff_cancel(client, visit, _afternoon):
    chosen = {"action": "cancel", "_selected_action": visit.pk, "confirm": "1", "reason": "the doctor is ill"}
    client.post(reverse("admin:clinic_appointment_changelist"), chosen)


@pytest.mark.parametrize("spoken", ["en", "zh-hant"])
@pytest.mark.parametrize(
    ("change", "told"),
    [(staff_move, ("已改期", "Moved")), (staff_cancel, ("已取消", "Cancelled"))],
    ids=["moved", "cancelled"],
)
def test_mails_are_in_the_language_of_the_booking_whoever_causes_them(
    client, two_bookings, afternoon, front_desk, spoken, change, told
):
    front_desk.language = spoken
    front_desk.save()
    client.force_login(front_desk)
    for visit, word in zip(two_bookings, told, strict=True):
        change(client, visit, afternoon)
        [letter] = sent()
        assert word in letter.subject
        assert speaks_chinese(letter) == (visit.language == "zh-hant")


def test_reminders_are_in_the_language_of_the_booking(two_bookings):
    with translation.override("zh-hant"):
        remind()
    in_chinese, in_english = sorted(sent(), key=speaks_chinese, reverse=True)
    assert "看診提醒" in in_chinese.subject
    assert "Reminder" in in_english.subject
    assert not speaks_chinese(in_english)


def speaks_chinese(letter) -> bool:
    """Whole: a letter that speaks both is neither."""
    found = {bool(CHINESE.search(text)) for text in (letter.subject, letter.body)}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize("kind", mails.SUBJECTS)
def test_a_chinese_mail_says_nothing_in_english(session, patient, settings, kind):
    settings.CLINIC_NAME = "河岸診所"
    with translation.override("zh-hant"):
        visit = booking.book(session, patient, by=None)
    sent()
    mails.write(kind, visit)
    [letter] = sent()
    without_links = re.sub(r"http\S+", "", f"{letter.subject}\n{letter.body}")
    assert not re.search(r"[A-Za-z]", without_links)
    assert not re.search(r"[\u4e00-\u9fff] ?[,:;!?]", without_links)


def test_whoever_is_expected_tomorrow_is_reminded_once(session, patient, afternoon):
    visit = booking.book(session, patient, by=None)
    cancelled = booking.book(afternoon, patient, by=None)
    booking.cancel(cancelled, by=None)
    sent()
    assert (remind(), remind()) == (1, 0)
    [reminder] = sent()
    assert reminder.subject.startswith("Riverside Clinic · Reminder")
    assert link(visit, "http://127.0.0.1:8000") in reminder.body


def test_a_booking_that_is_moved_after_its_reminder_gets_another(session, patient, afternoon):
    visit = booking.book(session, patient, by=None)
    remind()
    booking.move(visit, afternoon, by=None)
    assert remind() == 1


def test_the_day_after_tomorrow_is_not_reminded_of_yet(hours, patient, tomorrow):
    session = booking.session_for(tomorrow + datetime.timedelta(days=1), "morning")
    booking.book(session, patient, by=None)
    assert remind() == 0


def test_reminders_go_out_every_day_at_five_in_the_afternoon():
    schedule = Schedule.objects.get(name="clinic.reminders.remind")
    assert (schedule.schedule_type, schedule.cluster) == (Schedule.DAILY, "default")
    assert timezone.localtime(schedule.next_run).hour == 17


def test_no_mail_has_blanks_to_fill_or_markup(session, patient):
    patient.full_name = "<b>"
    visit = booking.book(session, patient, by=None)
    for kind in mails.SUBJECTS:
        mails.write(kind, visit)
    for letter in sent():
        assert not re.search(r"[{}<&]|None|\n{4}", letter.body)
