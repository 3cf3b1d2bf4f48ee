"""How long reports are kept: drafts as the clinic sets it, what is published as the law does, what is held for ever."""

import datetime
import os

import pytest
from django.core.management import call_command
from django.utils import timezone
from model_bakery import baker

from inference.models import Hold, Report
from inference.reports import retention
from inference.tests.reporting import begin, published, signed_answer

pytestmark = pytest.mark.django_db
YEAR = datetime.timedelta(days=366)


def years_ago(report: Report, years: int, **more) -> Report:
    """As if it had been published then. The trigger is right that nobody does this: the row is written anew."""
    at = timezone.now() - years * YEAR
    values = {field.attname: getattr(report, field.attname) for field in Report._meta.concrete_fields}
    Report.objects.filter(pk=report.pk).delete()
    Report.objects.bulk_create([Report(**values | {"published_at": at} | more)])
    return Report.objects.get(pk=report.pk)


def purge(capsys, *arguments: str) -> str:
    call_command("purge", *arguments)
    return capsys.readouterr().out


def test_a_draft_that_nobody_touches_goes_after_its_days_with_its_history(doctor, clinician, capsys, settings):
    settings.REPORT_RETENTION_DAYS = 365
    old, young = begin(doctor, signed_answer(clinician)), begin(doctor, signed_answer(clinician))
    Report.objects.filter(pk=old.pk).update(updated_at=timezone.now() - datetime.timedelta(days=366))
    assert "drafts of reports beyond REPORT_RETENTION_DAYS: 1 to take out" in purge(capsys, "--dry-run")
    assert Report.objects.count() == 2
    purge(capsys)
    assert list(Report.objects.all()) == [young]
    assert not Report.history.filter(id=old.pk).exists()


def test_what_is_published_stays_for_seven_years_also_amended_or_withdrawn(doctor, clinician, capsys, settings):
    settings.REPORT_RETENTION_DAYS = 1
    report = years_ago(published(doctor, signed_answer(clinician)), 6)
    withdrawn = published(doctor, signed_answer(clinician))
    years_ago(withdrawn, 6, withdrawn_at=timezone.now(), withdrawn_because="x")
    purge(capsys)
    assert Report.objects.count() == 2
    file = report.pdf.path
    years_ago(report, 8)
    assert "published reports beyond the time of the law: 1 to take out" in purge(capsys, "--dry-run")
    purge(capsys)
    assert not Report.objects.filter(pk=report.pk).exists()
    assert not report.pdf.storage.exists(file)


def test_a_minors_stays_for_seven_years_beyond_their_majority(doctor, clinician, capsys):
    born = timezone.localdate() - 20 * YEAR
    report = years_ago(published(doctor, signed_answer(clinician, date_of_birth=born)), 9)  # published at eleven
    assert retention.kept_until(report).year == born.year + 25
    purge(capsys)
    assert Report.objects.filter(pk=report.pk).exists()


def test_the_clinic_may_keep_them_for_longer(doctor, clinician, capsys, settings):
    settings.REPORT_RETENTION_DAYS = 10 * 366
    report = years_ago(published(doctor, signed_answer(clinician)), 8)
    purge(capsys)
    assert Report.objects.filter(pk=report.pk).exists()


@pytest.mark.parametrize("held", ["report", "patient"])
def test_what_is_held_stays_until_the_hold_is_lifted(doctor, clinician, administrator, capsys, held):
    report = years_ago(published(doctor, signed_answer(clinician)), 8)
    hold = baker.make(Hold, reason="a court asks", **{held: getattr(report, held) if held == "patient" else report})
    purge(capsys)
    assert Report.objects.filter(pk=report.pk).exists()
    Hold.objects.filter(pk=hold.pk).hide(by=administrator, reason="the court is done")
    purge(capsys)
    assert not Report.objects.filter(pk=report.pk).exists()


def test_administrators_hold_and_nobody_else(client, administrator, clinician, doctor):
    report = published(doctor, signed_answer(clinician))
    assert client.get("/admin/inference/hold/add/").status_code == 403
    client.force_login(administrator)
    client.post("/admin/inference/hold/add/", {"patient": report.patient_id, "report": "", "reason": "a court asks"})
    assert Hold.objects.get().patient == report.patient
    both = {"patient": report.patient_id, "report": report.pk, "reason": "x"}
    assert "Name either" in client.post("/admin/inference/hold/add/", both).text


def test_the_29th_of_february_is_counted_to_the_1st_of_march():
    assert retention._years_after(datetime.date(2024, 2, 29), 7) == datetime.date(2031, 3, 1)


def test_a_file_that_somebody_was_killed_over_is_taken_out_later(doctor, clinician, settings, capsys):
    report = published(doctor, signed_answer(clinician))
    left = settings.MEDIA_ROOT / "reports" / "aa" / "left.pdf"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"%PDF")
    purge(capsys)
    assert left.exists()
    old = timezone.now().timestamp() - 2 * 86400
    for path in (left, settings.MEDIA_ROOT / report.pdf.name):
        os.utime(path, (old, old))
    purge(capsys)
    assert not left.exists()
    assert report.pdf.storage.exists(report.pdf.name)


def test_check_integrity_names_a_file_that_is_not_what_was_published(doctor, clinician, settings, capsys):
    report = published(doctor, signed_answer(clinician))
    (settings.MEDIA_ROOT / report.pdf.name).write_bytes(b"forged")
    with pytest.raises(SystemExit):
        call_command("check_integrity")
    assert "is not what was published" in capsys.readouterr().out
