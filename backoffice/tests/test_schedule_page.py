"""Administrators see how what runs by the clock ran, what was missed, and have it run at once."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError
from django.utils.translation import override
from django_q.models import OrmQ, Schedule, Success
from django_q.tasks import async_task

from backoffice.jobs import scheduled_runs, schedules
from backoffice.models import ScheduledRun
from backoffice.web.admin_urls import admin_url

URL = "/admin/django_q/schedule/"
SEND_DUE, REMIND = "backoffice.jobs.mail.send_due", "clinic.reminders.remind"


@pytest.fixture
def rows(db):
    return {row.name: row for row in Schedule.objects.all()}


def test_every_schedule_says_what_it_does_and_none_has_run(rows, administrator, client):
    client.force_login(administrator)
    page = client.get(URL).text
    for schedule in schedules.declared.all().values():
        assert str(schedule.what) in page
        assert str(schedule.what) != schedule.function
    assert "every minute" in page
    assert "daily at 17:00" in page
    assert "weekly, Monday at 04:30" in page
    assert page.count(">never<") == len(rows)


def test_a_run_is_noted_with_its_end_and_its_error_and_the_next_that_does_well_clears_it(
    rows, administrator, client, monkeypatch
):
    client.force_login(administrator)
    async_task(SEND_DUE, sync=True)
    assert "did well" in client.get(URL).text

    def breaks():
        raise OSError("no such mail server")

    monkeypatch.setattr("backoffice.jobs.mail.send_due", breaks)
    with pytest.raises(OSError, match="no such mail server"):
        async_task(SEND_DUE, sync=True)
    scheduled_runs._ended({"func": SEND_DUE, "success": False, "result": "no such mail server : Traceback (most"})
    page = client.get(f"{URL}{rows[SEND_DUE].pk}/change/").text
    assert "failed" in page
    assert "no such mail server" in page
    assert "Traceback" not in page
    monkeypatch.undo()
    async_task(SEND_DUE, sync=True)
    assert ScheduledRun.objects.get().error == ""


def test_a_run_whose_worker_died_has_begun_and_neither_failed_nor_did_well(rows, administrator, client):
    scheduled_runs._began({"func": SEND_DUE})
    client.force_login(administrator)
    page = client.get(URL).text
    assert "under way" in page
    assert "did well" not in page
    ScheduledRun.objects.update(began_at=moment(1, 1))
    assert "did not end" in client.get(URL).text


def test_what_is_no_schedule_is_not_noted_and_a_database_that_is_away_stops_no_work(rows, monkeypatch):
    async_task("django.utils.timezone.now", sync=True)
    monkeypatch.setattr(ScheduledRun.objects, "filter", lambda **kwargs: (_ for _ in ()).throw(OperationalError))
    async_task(SEND_DUE, sync=True)
    assert not ScheduledRun.objects.exists()


def test_running_at_once_asks_the_schedules_own_cluster_and_leaves_its_next_run(
    rows, administrator, client, django_capture_on_commit_callbacks
):
    client.force_login(administrator)
    chosen = {"action": "run_now", "_selected_action": [rows[REMIND].pk]}
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post(URL, chosen, follow=True).text
    assert "begins as soon as a worker is free" in page
    [task] = OrmQ.objects.all()
    assert task.func() == REMIND
    assert Schedule.objects.get(name=REMIND).next_run == rows[REMIND].next_run


@pytest.mark.parametrize("role", ["front_desk", "clinician"])
def test_nobody_else_sees_them_or_runs_them(rows, client, request, role):
    client.force_login(request.getfixturevalue(role))
    assert client.get(URL).status_code == 403
    assert client.post(URL, {"action": "run_now", "_selected_action": [rows[REMIND].pk]}).status_code == 403
    assert not OrmQ.objects.exists()


# -- What was missed --------------------------------------------------------------------------------------------------

DAILY = schedules.Declared(REMIND, "Remind", "default", datetime.time(17))
TAIPEI = ZoneInfo("Asia/Taipei")


def moment(day, hour, minute=0, zone=TAIPEI):
    return datetime.datetime(2026, 11, day, hour, minute, tzinfo=zone)


@pytest.mark.parametrize(
    ("since", "until", "missed"),
    [
        (moment(3, 17), moment(4, 16), 0),
        (moment(3, 17), moment(4, 17, 5), 0),  # it may be late
        (moment(3, 17), moment(4, 17, 15), 1),
        (moment(3, 17, 2), moment(7, 12), 3),
        (moment(3, 9), moment(3, 18), 1),  # a person had it run in the morning
    ],
)
def test_a_daily_run_is_missed_where_its_hour_has_passed(since, until, missed):
    assert DAILY.missed(since, until) == missed


def test_the_hour_is_the_clinics_own_also_where_its_clock_changes(settings):
    settings.TIME_ZONE = "Europe/Berlin"
    berlin = ZoneInfo("Europe/Berlin")
    since = datetime.datetime(2026, 10, 24, 17, tzinfo=berlin)  # the clock goes back that night
    until = datetime.datetime(2026, 10, 25, 17, 5, tzinfo=berlin)
    assert DAILY.missed(since, until) == 0
    assert DAILY.missed(since, until + datetime.timedelta(minutes=10)) == 1


def test_what_runs_each_minute_is_missed_after_ten():
    schedule = schedules.declared.all()[SEND_DUE]
    assert schedule.missed(moment(3, 9), moment(3, 9, 9)) == 0
    assert schedule.missed(moment(3, 9), moment(3, 10)) == 50


def test_the_page_says_that_runs_are_missed(rows, administrator, client):
    long_ago = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    ScheduledRun.objects.create(function=SEND_DUE, began_at=long_ago, ended_at=long_ago)
    client.force_login(administrator)
    assert "since the last run: is a worker running?" in client.get(URL).text
    async_task(SEND_DUE, sync=True)
    page = client.get(URL).text
    assert "is a worker running?" not in page
    assert "before the last run" in page


def test_a_nudge_that_waits_is_not_among_what_runs_by_the_clock(administrator, client):
    client.force_login(administrator)
    once = {"func": "inference.demo_past.fill", "schedule_type": Schedule.ONCE}
    nudge, named = Schedule.objects.create(**once), Schedule.objects.create(name="our move", **once)
    page = client.get(URL).text
    assert f"/schedule/{named.pk}/" in page
    assert f"/schedule/{nudge.pk}/" not in page


# -- What ran ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "said"), [("en", "Seal the access trail"), ("zh-hant", "封存調閱紀錄")])
def test_tasks_and_schedules_are_called_and_found_by_what_they_do(rows, administrator, client, language, said):
    administrator.language = language
    administrator.save()
    client.force_login(administrator)
    async_task("backoffice.access.trail.seal_hourly", sync=True)
    with override(language):
        assert str(schedules.declared.all()["backoffice.access.trail.seal_hourly"].what) == said
    for page in ("/admin/django_q/success/", URL):
        assert said in client.get(page).text
        assert said in client.get(page, {"q": said[:4]}).text
        assert said in client.get(page, {"q": "seal_hourly"}).text
        assert said not in client.get(page, {"q": "nothing of the kind"}).text
    for job in (Success.objects.get(), rows["backoffice.access.trail.seal_hourly"]):
        page = client.get(admin_url(job, "change", job.pk)).text
        assert f"<title>{said} |" in page
        assert "backoffice.access.trail.seal_hourly" in page


def test_what_is_asked_for_and_never_by_the_clock_says_what_it_does_too():
    assert schedules.told("backoffice.imports.runs.run_waiting") == "Read and write the files that came in"
    assert schedules.told("somebody.elses.job") == "somebody.elses.job"
