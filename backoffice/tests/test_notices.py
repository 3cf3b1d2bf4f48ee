"""Notices: once each, in the bell, read or not, and by mail where somebody wants that, outside of quiet hours."""

import datetime

import pytest
from django.core.management import call_command
from django.utils import timezone
from model_bakery import baker

from backoffice.access.session_expiry import is_work
from backoffice.models import Mail, Notice, NoticeWishes
from backoffice.notices import mails, telling
from backoffice.notices.kinds import Kind, kinds

pytestmark = pytest.mark.django_db

WORDS = "Something secret about a patient"
NOON, NIGHT = datetime.time(12), datetime.time(23)


@pytest.fixture(autouse=True)
def _a_kind(monkeypatch):
    """Of these tests alone; it stands while its details do not say that it is over."""
    kind = Kind(
        "test",
        tell=lambda notice: WORDS,
        link=lambda notice: "/admin/password_change/",
        stands=lambda person, notices: [one.pk for one in notices if not one.details.get("is_over")],
    )
    monkeypatch.setitem(kinds.all(), "test", kind)


@pytest.fixture
def reader(client, clinician):
    clinician.email = "reader@clinic.example"
    clinician.save()
    client.force_login(clinician)
    return clinician


@pytest.fixture
def at(monkeypatch):
    """Sets the hour of the clinic's clock."""
    real = timezone.now

    def set_hour(hour: datetime.time) -> None:
        local = timezone.localtime(real()).replace(hour=hour.hour, minute=hour.minute)
        monkeypatch.setattr(timezone, "now", lambda: local)

    return set_hour


def say(person, key="a", **more):
    telling.tell([person.pk], "test", key, **more)
    return Notice.objects.get(to=person, key=key)


def wants(person, by_mail, **more):
    return NoticeWishes.objects.update_or_create(person=person, defaults={"by_mail": by_mail, **more})


def long_ago(notice, **ago):
    Notice.objects.filter(pk=notice.pk).update(at=timezone.now() - datetime.timedelta(**ago))


def test_a_thing_is_said_once_whoever_says_it_again(reader):
    say(reader)
    say(reader)
    assert Notice.objects.count() == 1


def test_the_bell_counts_what_is_unread_and_answers_nothing_where_that_is_shown(client, reader):
    assert "unread" not in client.get("/admin/live/bell/?seen=None").text
    say(reader)
    shown = client.get("/admin/live/bell/?seen=0")
    assert "Notices: 1 unread" in shown.text
    assert client.get("/admin/live/bell/?seen=1").status_code == 204
    say(reader, "b", urgent=True)
    assert "bad" in client.get("/admin/live/bell/?seen=1").text
    assert client.get("/admin/live/bell/?seen=2%21").status_code == 204


def test_more_than_the_bell_can_say_is_said_so(client, reader):
    for number in range(120):
        say(reader, str(number))
    assert "99+" in client.get("/admin/live/bell/").text


def test_opening_one_reads_it_and_leads_on(client, reader):
    notice = say(reader)
    page = client.get("/admin/notices/").text
    assert WORDS in page
    opened = client.post(f"/admin/notices/{notice.pk}/open/")
    assert opened["Location"] == "/admin/password_change/"
    assert client.get("/admin/live/bell/?seen=0").status_code == 204


def test_looking_reads_nothing(client, reader):
    notice = say(reader)
    client.get("/admin/notices/")
    client.get(f"/admin/notices/{notice.pk}/open/")
    notice.refresh_from_db()
    assert notice.read_at is None


def test_all_are_marked_read_at_once_and_nobody_elses(client, reader, administrator):
    say(reader)
    say(reader, "b")
    others = say(administrator)
    assert "2 notices are read" in client.post("/admin/notices/read/", follow=True).text
    others.refresh_from_db()
    assert others.read_at is None


def test_nobody_opens_or_reads_what_was_said_to_another(client, reader, administrator):
    others = say(administrator)
    assert WORDS not in client.get("/admin/notices/").text
    assert "over by now" in client.post(f"/admin/notices/{others.pk}/open/", follow=True).text
    others.refresh_from_db()
    assert others.read_at is None


def test_what_is_over_is_neither_counted_nor_shown_nor_mailed(client, reader):
    wants(reader, "everything", quiet_from=NOON, quiet_until=NOON)
    long_ago(say(reader, is_over=True), minutes=10)
    assert client.get("/admin/live/bell/?seen=0").status_code == 204
    assert WORDS not in client.get("/admin/notices/").text
    mails.send()
    assert not Mail.objects.exists()


def test_a_kind_that_there_is_no_more_says_nothing(client, reader):
    baker.make(Notice, to=reader, kind="of an older version", key="x")
    assert client.get("/admin/notices/").status_code == 200
    assert client.get("/admin/live/bell/?seen=0").status_code == 204


def test_nothing_is_mailed_to_who_has_not_asked_for_it(reader):
    say(reader, urgent=True)
    assert mails.send() == 0


def test_what_comes_close_together_is_one_mail_that_says_how_many_and_nothing_else(reader, at):
    at(NOON)
    wants(reader, "everything")
    for key in "abc":
        long_ago(say(reader, key), minutes=6)
    say(reader, "just now")
    assert mails.send() == 1
    [mail] = Mail.objects.all()
    assert "4 new notices" in mail.subject
    assert WORDS not in mail.body + mail.subject
    assert mails.send() == 0


def test_what_is_read_before_its_mail_goes_out_is_in_none(reader, at):
    at(NOON)
    wants(reader, "everything")
    long_ago(say(reader), minutes=6)
    telling.mark_read(reader)
    assert mails.send() == 0


def test_in_quiet_hours_only_what_is_urgent_is_mailed_and_the_rest_when_they_are_over(reader, at):
    at(NIGHT)
    wants(reader, "everything")
    long_ago(say(reader), minutes=6)
    assert mails.send() == 0
    say(reader, "now", urgent=True)
    assert mails.send() == 1
    assert "should be read now" in Mail.objects.get().subject
    NoticeWishes.objects.update(quiet_from=NOON, quiet_until=datetime.time(13))
    assert mails.send() == 1


def test_who_wants_only_what_is_urgent_gets_only_that(reader, at):
    at(NOON)
    wants(reader, "urgent")
    long_ago(say(reader), minutes=6)
    assert mails.send() == 0
    say(reader, "now", urgent=True)
    assert mails.send() == 1


@pytest.mark.parametrize(
    ("begins", "ends", "hour", "is_quiet"),
    [
        (20, 7, 23, True),
        (20, 7, 6, True),
        (20, 7, 7, False),
        (20, 7, 12, False),
        (12, 13, 12, True),
        (12, 12, 12, False),
    ],
)
def test_quiet_hours_go_over_midnight_and_may_be_none(begins, ends, hour, is_quiet):
    wishes = NoticeWishes(quiet_from=datetime.time(begins), quiet_until=datetime.time(ends))
    assert wishes.is_quiet_at(datetime.time(hour)) == is_quiet


def test_somebody_who_has_left_is_written_to_no_more(reader):
    wants(reader, "urgent")
    say(reader, urgent=True)
    reader.is_active = False
    reader.save()
    assert mails.send() == 0


def test_each_sets_how_they_are_told(client, reader):
    page = "/admin/notices/wishes/"
    assert client.get(page).status_code == 200
    client.post(page, {"by_mail": "urgent", "quiet_from": "21:30", "quiet_until": "06:00"})
    wishes = NoticeWishes.objects.get(person=reader)
    assert (wishes.by_mail, wishes.quiet_from) == ("urgent", datetime.time(21, 30))
    refused = client.post(page, {"by_mail": "loudly", "quiet_from": "x", "quiet_until": "06:00"})
    assert refused.status_code == 200
    assert refused.context["form"].errors.keys() == {"by_mail", "quiet_from"}


def test_who_has_no_address_is_told_so(client, administrator):
    client.force_login(administrator)
    assert "Nobody has entered your e-mail address" in client.get("/admin/notices/wishes/").text


def test_the_bell_keeps_nobody_signed_in_and_takes_nobody_away_from_what_they_type(client, reader):
    asked = {"HX-Request": "true", "HX-Trigger": "bell"}
    assert not is_work(client.get("/admin/live/bell/", headers=asked).wsgi_request)
    client.logout()
    answer = client.get("/admin/live/bell/", headers=asked)
    assert answer.status_code == 204
    assert "HX-Redirect" not in answer


def test_read_ones_go_after_a_month(reader):
    notice = say(reader)
    Notice.objects.update(read_at=timezone.now() - datetime.timedelta(days=31))
    call_command("purge")
    assert not Notice.objects.filter(pk=notice.pk).exists()
