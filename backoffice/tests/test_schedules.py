"""What runs by the clock is declared in each app, and django-q2's rows follow with each migration."""

import datetime
from importlib import import_module

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Schedule

from backoffice.jobs import schedules

pytestmark = pytest.mark.django_db


def at(name: str) -> tuple[int, int]:
    due = timezone.localtime(Schedule.objects.get(name=name).next_run)
    return due.hour, due.minute


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    """What the apps declare, to add to and take from."""
    monkeypatch.setattr(schedules.declared, "_named", dict(schedules.declared.all()))
    return schedules.declared.all()


def test_every_app_has_its_own_each_once_and_by_a_name_that_can_be_run():
    call_command("migrate", verbosity=0)
    call_command("migrate", verbosity=0)
    rows = Schedule.objects.values_list("name", "schedule_type", "cluster")
    assert sorted(rows) == [
        ("backoffice.access.session_expiry.forget_expired", Schedule.MINUTES, "default"),
        ("backoffice.access.trail.check", Schedule.DAILY, "default"),
        ("backoffice.access.trail.seal_hourly", Schedule.MINUTES, "default"),
        ("backoffice.backups.recorded.back_up_nightly", Schedule.DAILY, "default"),
        ("backoffice.backups.recorded.drill_weekly", Schedule.WEEKLY, "default"),
        ("backoffice.backups.standing.tell", Schedule.DAILY, "default"),
        ("backoffice.imports.runs.look_for_waiting", Schedule.MINUTES, "default"),
        ("backoffice.jobs.daily.summarise_yesterday", Schedule.DAILY, "default"),
        ("backoffice.jobs.mail.send_due", Schedule.MINUTES, "default"),
        ("backoffice.jobs.registry.purge_all", Schedule.DAILY, "default"),
        ("backoffice.jobs.sqlite_analyze.renew_figures", Schedule.DAILY, "default"),
        ("backoffice.jobs.sqlite_checkpoint.write_back", Schedule.MINUTES, "default"),
        ("backoffice.notices.mails.send", Schedule.MINUTES, "default"),
        ("backoffice.sealing.rewriting.seal_anew", Schedule.DAILY, "default"),
        ("clinic.intake.sync.catch_up", Schedule.DAILY, "default"),
        ("clinic.reminders.remind", Schedule.DAILY, "default"),
        ("imaging.measured_anew.measure_some", Schedule.MINUTES, "default"),
        ("imaging.read_anew.read_some", Schedule.MINUTES, "default"),
        ("inference.batches.tell_who_asked", Schedule.MINUTES, "default"),
        ("inference.figures.drift.look_weekly", Schedule.WEEKLY, "default"),
        ("inference.follow_ups.reminding.remind", Schedule.DAILY, "default"),
        ("inference.tasks.answer_waiting", Schedule.MINUTES, "inference"),
        ("inference.tasks.check_the_models", Schedule.DAILY, "inference"),
    ]
    for schedule in Schedule.objects.all():
        module, _dot, function = schedule.func.rpartition(".")
        assert callable(getattr(import_module(module), function))


def test_a_daily_one_is_still_to_come_and_one_that_is_overdue_keeps_its_run():
    schedule = Schedule.objects.get(name="clinic.reminders.remind")
    assert at("clinic.reminders.remind") == (17, 0)
    assert datetime.timedelta(0) < schedule.next_run - timezone.now() <= datetime.timedelta(days=1)
    overdue = schedule.next_run - datetime.timedelta(days=1)
    Schedule.objects.filter(pk=schedule.pk).update(next_run=overdue)
    schedules.align()
    assert Schedule.objects.get(pk=schedule.pk).next_run == overdue


def test_another_hour_another_zone_and_another_cluster_are_followed(settings, declared):
    settings.TIME_ZONE = "America/New_York"
    schedules.align()
    assert at("clinic.reminders.remind") == (17, 0)
    del declared["clinic.reminders.remind"]
    schedules.daily("clinic.reminders.remind", "Remind", cluster="inference", at=datetime.time(16, 30))
    schedules.align()
    assert at("clinic.reminders.remind") == (16, 30)
    assert Schedule.objects.get(name="clinic.reminders.remind").cluster == "inference"


def test_one_that_became_hourly_work_changes_its_kind(declared):
    del declared["clinic.reminders.remind"]
    schedules.every_minute("clinic.reminders.remind", "Remind", cluster="default")
    schedules.align()
    schedule = Schedule.objects.get(name="clinic.reminders.remind")
    assert (schedule.schedule_type, schedule.minutes) == (Schedule.MINUTES, 1)


def test_what_no_app_declares_any_more_goes_and_what_an_operator_added_or_paused_stays(declared):
    Schedule.objects.create(name="our backup", func="clinic.reminders.remind", schedule_type=Schedule.WEEKLY)
    Schedule.objects.filter(name="backoffice.jobs.mail.send_due").update(repeats=0)
    del declared["clinic.reminders.remind"]
    schedules.align()
    assert not Schedule.objects.filter(name="clinic.reminders.remind").exists()
    assert Schedule.objects.filter(name="our backup").exists()
    assert Schedule.objects.get(name="backoffice.jobs.mail.send_due").repeats == 0


def test_one_function_is_declared_once():
    with pytest.raises(ImproperlyConfigured, match=r"schedules\.py.*clinic\.reminders\.remind"):
        schedules.every_minute("clinic.reminders.remind", "Remind", cluster="default")
