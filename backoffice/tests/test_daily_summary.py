"""The day's summary: what each app counts, kept once, and mailed once to the administrators in their language."""

import datetime
import zoneinfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone, translation
from model_bakery import baker

from backoffice.jobs import daily, summary
from backoffice.jobs.summary import Day, Figure, span_told, waits
from backoffice.models import DailySummary, Mail, Notice

pytestmark = pytest.mark.django_db


def yesterday() -> datetime.date:
    return timezone.localdate() - datetime.timedelta(days=1)


@pytest.fixture
def readers(administrator, clinician):
    """One administrator reads English, the clinician has an address too."""
    for person in (administrator, clinician):
        person.email = f"{person.username}@clinic.example"
        person.save()
    return administrator


def test_an_empty_day_has_a_summary_of_nothing(readers):
    call_command("daily_summary")
    [made] = DailySummary.objects.all()
    figures = {(str(s.title), str(f.name)): f for s in summary.as_kept(made.sections) for f in s.figures}
    assert made.day == yesterday()
    assert figures["Bookings and visits", "visits"].value == 0
    assert figures["Waits", "until the answer"].value == "–"
    assert figures["Backups", "newest backup"].value == "none yet"


def test_each_administrator_is_written_to_once_however_often_it_runs(readers):
    assert daily.summarise_yesterday()
    assert not daily.summarise_yesterday()
    assert [mail.to for mail in Mail.objects.all()] == [readers.email]
    assert DailySummary.objects.count() == 1


def test_it_is_written_in_each_readers_language_and_kept_in_both(readers, administrator):
    administrator.language = "zh-hant"
    administrator.save()
    daily.summarise_yesterday()
    body = Mail.objects.get().body
    assert "掛號與就診" in body
    assert "Bookings" not in body
    with translation.override("en"):
        assert "Bookings and visits" in daily.text_of(DailySummary.objects.get())


def test_a_mail_names_no_patient(readers):
    baker.make("clinic.Patient", full_name="Lin Mei-ling")
    daily.summarise_yesterday()
    mail = Mail.objects.get()
    assert "Lin" not in mail.body + mail.subject
    assert "http" in mail.body


def test_a_day_that_is_not_over_is_shown_and_not_kept(capsys):
    today = str(timezone.localdate())
    call_command("daily_summary", "--day", today, "--dry-run")
    assert "Bookings and visits" in capsys.readouterr().out
    with pytest.raises(CommandError, match="not over"):
        call_command("daily_summary", "--day", today)
    with pytest.raises(CommandError, match="not a day"):
        call_command("daily_summary", "--day", "soon")
    assert not DailySummary.objects.exists()


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_on_which_the_clock_is_changed_is_whole(day, hours):
    with timezone.override(zoneinfo.ZoneInfo("Europe/Berlin")):
        one = Day(datetime.date.fromisoformat(day))
        start, end = (moment.astimezone(datetime.UTC) for moment in (one.start, one.end))
        assert end - start == datetime.timedelta(hours=hours)
        assert start.astimezone(zoneinfo.ZoneInfo("Europe/Berlin")).time() == datetime.time()


def test_days_are_those_of_the_clinics_clock():
    visit = baker.make("clinic.Patient")
    late = timezone.make_aware(datetime.datetime.combine(yesterday(), datetime.time(23, 59)))
    type(visit).objects.filter(pk=visit.pk).update(created_at=late)
    of_day = type(visit).objects.filter
    assert of_day(**Day(yesterday()).within("created_at")).exists()
    assert not of_day(**Day(timezone.localdate()).within("created_at")).exists()


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ({"seconds": 1}, "1 second"),
        ({"seconds": 59.4}, "59 seconds"),
        ({"minutes": 4, "seconds": 3}, "4 min 3 s"),
        ({"hours": 2, "minutes": 10}, "2 h 10 min"),
        ({"days": 3, "hours": 5}, "3 d 5 h"),
        ({"seconds": -3}, "0 seconds"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(span, told):
    assert span_told(datetime.timedelta(**span)) == told


def test_waits_are_told_by_their_middle_and_their_longest():
    minutes = [datetime.timedelta(minutes=n) for n in (1, 2, 60)]
    assert waits(minutes) == "median 2 min 0 s, longest 1 h 0 min"
    assert waits([]) == "–"


def test_only_administrators_read_it_and_each_number_leads_to_its_list(client, readers, clinician):
    daily.summarise_yesterday()
    page = f"/admin/backoffice/dailysummary/{DailySummary.objects.get().pk}/change/"
    client.force_login(clinician)
    for address in (page, "/admin/backoffice/dailysummary/", "/admin/backoffice/dailysummary/today/"):
        assert client.get(address).status_code == 403
    client.force_login(readers)
    shown = client.get(page)
    links = [figure.link for section in shown.context["sections"] for figure in section.figures if figure.link]
    assert len(links) > 15
    assert {link: client.get(link).status_code for link in set(links)} == dict.fromkeys(links, 200)
    assert client.get("/admin/backoffice/dailysummary/today/").status_code == 200


def test_no_link_leads_to_a_filter_that_its_list_does_not_know(client, readers):
    """Django answers an unknown parameter by leading to `?e=1`."""
    client.force_login(readers)
    for section in summary.of(timezone.localdate()):
        for figure in section.figures:
            assert not figure.link or client.get(figure.link).status_code == 200, figure


def test_what_has_had_its_time_is_purged(administrator):
    baker.make(DailySummary, day=timezone.localdate() - datetime.timedelta(days=800), sections=[])
    new = baker.make(DailySummary, day=yesterday(), sections=[])
    old = baker.make(Notice, to=administrator, key="old")
    Notice.objects.filter(pk=old.pk).update(at=timezone.now() - datetime.timedelta(days=91))
    kept = baker.make(Notice, to=administrator, key="new")
    call_command("purge")
    assert list(DailySummary.objects.all()) == [new]
    assert list(Notice.objects.all()) == [kept]


def test_a_figure_keeps_what_it_says():
    kept = summary.to_keep([summary.Section("Title", [Figure("name", 3, "/x/", is_bad=True)])])
    assert list(summary.as_kept(kept)) == [summary.Section("Title", [Figure("name", 3, "/x/", is_bad=True)])]
