"""From a signed opinion to the patient: drafted, looked at, published once, amended, withdrawn."""

import datetime

import pytest
from django.core import mail as outbox
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.jobs import mail
from backoffice.models import AccessEvent, Mail
from backoffice.records.mixins import ClinicalRecord
from backoffice.tests.forms_on_pages import form_with
from inference.models import PublishedError, Report, has_published
from inference.reports import publishing
from inference.reports.admin_pages import ReportAdmin
from inference.tests.reporting import REPORTS, begin, kept_pdf, publish, published, signed_answer, text_of

pytestmark = pytest.mark.django_db


def page_of(report, page="change") -> str:
    return reverse(f"admin:inference_report_{page}", args=[report.pk])


def test_a_draft_says_what_was_signed_in_the_patients_language(doctor, clinician, answer):
    report = begin(doctor, answer)
    assert "An opacity of the lungs." in report.body
    assert "There is no earlier film" in report.body
    other = signed_answer(clinician, diagnosis="Normal", full_name="林美玲")
    other.xray.appointment.language = "zh-hant"
    other.xray.appointment.save()
    assert "胸部 X 光片正常。" in begin(doctor, other).body


def test_a_second_press_leads_to_the_draft_that_waits(doctor, answer):
    first = begin(doctor, answer)
    assert begin(doctor, answer) == first


def test_nothing_is_written_from_what_is_not_signed_or_was_rejected(doctor, answer):
    for unsigned in ({"is_validated": False}, {"verdict": "rejected", "final_diagnosis": ""}):
        type(answer).objects.filter(pk=answer.pk).update(**unsigned)
        page = doctor.post(reverse("admin:inference_report_write", args=[answer.pk]), follow=True)
        assert not Report.objects.exists()
        assert [str(message) for message in page.context["messages"]]
        type(answer).objects.filter(pk=answer.pk).update(is_validated=True)


def test_of_a_film_that_could_not_be_assessed_the_report_says_so(doctor, answer):
    type(answer).objects.filter(pk=answer.pk).update(verdict="not_assessable", final_diagnosis="")
    body = begin(doctor, answer).body
    assert "This film cannot be assessed." in body
    assert "Another film." in body


def test_the_film_before_is_compared_with(doctor, clinician, answer):
    film = answer.xray
    film.taken_on = datetime.date(2026, 11, 20)
    film.save()
    before = baker.make(
        type(film), patient=film.patient, taken_on=datetime.date(2026, 10, 1), quality_issues=[], width=1, height=1
    )
    signed_answer(clinician, xray=before, diagnosis="Lung Opacity")
    assert "The film of 1 Oct 2026 was read as the same: Lung Opacity." in begin(doctor, answer).body


def test_the_preview_shows_the_text_the_pdf_and_who_is_told(doctor, answer):
    report = begin(doctor, answer)
    page = doctor.get(page_of(report, "preview"))
    assert "lin@example.org" in page.text
    assert "An opacity of the lungs." in page.text
    draft = doctor.get(page_of(report, "pdf"))
    assert "Draft: not published" in text_of(draft.content)


def test_publishing_keeps_the_file_and_writes_to_the_patient_without_anything_medical(doctor, answer):
    report = published(doctor, answer)
    told = text_of(kept_pdf(report))
    assert "Lin Mei-ling" in told
    assert "An opacity of the lungs." in told
    assert "1 / 1" in told
    assert has_published(answer)
    letter = Mail.objects.get()
    assert reverse("report", args=[report.key]) in letter.body
    assert not any(word in (letter.subject + letter.body).lower() for word in ("mei-ling", "opacity", "x-ray", "film"))
    mail.send_due()
    assert outbox.outbox[0].to == ["lin@example.org"]


def test_who_has_no_mail_gets_a_slip_to_print(doctor, clinician):
    answer = signed_answer(clinician, email="")
    report = begin(doctor, answer)
    page = publish(doctor, report)
    assert "print the slip" in page.text
    assert not Mail.objects.exists()
    slip = doctor.get(page_of(report, "slip"))
    assert report.key in slip.text
    assert "Opacity" not in slip.context["link"]


def test_what_changed_since_it_was_looked_at_is_looked_at_again(doctor, answer):
    report = begin(doctor, answer)
    page = doctor.get(page_of(report, "preview"))
    Report.objects.filter(pk=report.pk).update(body="Something else.")
    sent = {"action": "publish", "_selected_action": report.pk, "confirm": "yes", "seen": page.context["seen"]}
    told = doctor.post(REPORTS, sent, follow=True).text
    report.refresh_from_db()
    assert "has changed since you looked" in told
    assert report.status == "draft"


def test_the_action_asks_first_and_then_publishes_each_as_it_was_shown(doctor, answer):
    report = begin(doctor, answer)
    asked = doctor.post(REPORTS, {"action": "publish", "_selected_action": report.pk})
    assert "lin@example.org" in asked.text
    report.refresh_from_db()
    assert report.status == "draft"
    doctor.post(REPORTS, {"action": "publish", "_selected_action": report.pk, "confirm": "yes"})
    report.refresh_from_db()
    assert report.status == "published"


def test_what_is_published_changes_by_no_door(doctor, answer):
    report = begin(doctor, answer)
    form = form_with(doctor.get(page_of(report)), "body")
    publish(doctor, report)
    before = kept_pdf(report)
    told = doctor.post(page_of(report), form | {"body": "Forged."}, follow=True)
    assert "what is published stays" in told.text
    report.body = "Forged."
    with pytest.raises(PublishedError):
        report.save()
    for name, value in {"body": "Forged.", "status": "draft", "key": "k", "pdf": "x", "version": 9}.items():
        with pytest.raises(DatabaseError), transaction.atomic():
            Report.objects.filter(pk=report.pk).update(**{name: value})
    report.refresh_from_db()
    assert ("Forged" in report.body, kept_pdf(report)) == (False, before)


@pytest.mark.parametrize("slips_past", [False, True])
def test_who_saves_while_it_is_being_published_is_told(doctor, clinician, answer, monkeypatch, slips_past):
    """Published between the form's look and its save, and, with `slips_past`, behind the save's own look, too."""
    report = begin(doctor, answer)
    form = form_with(doctor.get(page_of(report)), "body")
    save_model = ReportAdmin.save_model

    def publish_first(self, request, obj, form, change):
        Report.objects.filter(pk=obj.pk).update(status="published", published_at=timezone.now())
        if slips_past:
            monkeypatch.setattr(Report, "save", ClinicalRecord.save)
        save_model(self, request, obj, form, change)

    monkeypatch.setattr(ReportAdmin, "save_model", publish_first)
    told = doctor.post(page_of(report), form | {"body": "Mine."}, follow=True)
    assert "what is published stays" in told.text
    assert Report.objects.get(pk=report.pk).body != "Mine."


def test_an_amendment_is_a_new_version_that_says_what_and_both_stay(doctor, answer):
    first = published(doctor, answer)
    page = doctor.post(page_of(first, "amend"), {"reason": "The side was wrong"}, follow=True)
    second = Report.objects.get(version=2)
    assert page.redirect_chain[-1][0] == page_of(second)
    assert second.body == first.body
    publish(doctor, second)
    told = text_of(kept_pdf(second))
    assert "Amended: The side was wrong" in told
    assert "Version 2" in told
    first.refresh_from_db()
    assert first.amended_by == second
    assert "It is amended by version 2." in doctor.get(page_of(first)).text
    assert Mail.objects.count() == 1  # the earlier one had not gone out yet: this one takes its place


def test_a_later_version_without_a_reason_is_not_published(doctor, clinician, answer):
    published(doctor, answer)
    other = Report(prediction=answer, body="Another.", generated_by=clinician)
    other.take_next_version()
    other.save()
    assert "Say what is amended" in publish(doctor, other).text
    assert other.status == "draft"


def test_a_withdrawal_takes_a_reason_and_all_versions(doctor, answer):
    report = published(doctor, answer)
    assert "required" in doctor.post(page_of(report, "withdraw"), {"reason": ""}).text.lower()
    doctor.post(page_of(report, "withdraw"), {"reason": "mixed up"})
    report.refresh_from_db()
    assert (report.is_withdrawn, report.withdrawn_because) == (True, "mixed up")
    assert not has_published(answer)
    assert "Withdrawn by" in doctor.get(page_of(report)).text
    assert "Nothing is left to withdraw" in doctor.post(page_of(report, "withdraw"), {"reason": "x"}, follow=True).text


def test_a_version_that_came_meanwhile_is_looked_at_before_it_is_withdrawn(doctor, clinician, answer):
    report = published(doctor, answer)
    mine = form_with(doctor.get(page_of(report, "withdraw")), "reason") | {"reason": "mixed up"}
    amended = publishing.amend(report, by=clinician, what="the other side")
    publishing.publish(amended, by=clinician)
    told = doctor.post(page_of(report, "withdraw"), mine, follow=True)
    assert "It has changed since you looked" in told.text
    assert not any(version.is_withdrawn for version in Report.objects.all())
    mine = form_with(doctor.get(page_of(report, "withdraw")), "reason") | {"reason": "mixed up"}
    doctor.post(page_of(report, "withdraw"), mine)
    assert all(version.is_withdrawn for version in Report.objects.all())


def test_a_signature_that_is_taken_back_takes_its_reports_along(doctor, clinician, answer):
    report = published(doctor, answer)
    answer.is_validated, answer.final_diagnosis = False, ""
    answer._history_user, answer._change_reason = clinician, "Undone"
    answer.save()
    report.refresh_from_db()
    assert (report.is_withdrawn, report.withdrawn_because, report.is_hidden) == (True, "Undone", True)


def test_what_is_published_is_withdrawn_and_not_hidden(doctor, answer):
    report = published(doctor, answer)
    told = doctor.post(REPORTS, {"action": "hide", "_selected_action": report.pk, "confirm": "yes", "reason": "x"})
    assert "withdraw it" in told.text
    report.refresh_from_db()
    assert not report.is_hidden


def test_administrators_see_and_do_not_write(client, doctor, administrator, answer):
    report = begin(doctor, answer)
    client.force_login(administrator)
    assert client.get(page_of(report)).status_code == 200
    assert client.get(page_of(report, "pdf")).status_code == 200
    assert client.get(REPORTS + "add/").status_code == 403
    client.post(REPORTS, {"action": "publish", "_selected_action": report.pk, "confirm": "yes"})
    client.post(page_of(report), {"body": "Mine."})
    report.refresh_from_db()
    assert (report.status, "Mine." in report.body) == ("draft", False)


@pytest.mark.parametrize("page", ["change", "preview", "pdf", "slip", "amend", "withdraw", "history"])
def test_the_front_desk_sees_none(client, doctor, front_desk, answer, page):
    report = published(doctor, answer)
    client.force_login(front_desk)
    assert client.get(page_of(report, page)).status_code == 403
    assert client.post(page_of(report, page), {"reason": "x"}).status_code == 403


@pytest.mark.parametrize("page", ["preview", "pdf", "slip", "amend", "withdraw"])
def test_a_report_whose_film_is_hidden_is_gone_with_it(client, doctor, clinician, administrator, answer, page):
    report = published(doctor, answer)
    type(answer.xray).objects.all().hide(by=administrator, reason="another's")
    clinician.user_permissions.clear()
    idle = clinician.groups.first()
    idle.permissions.remove(*idle.permissions.filter(codename__in=["change_xrayimage"]))
    assert client.get(page_of(report, page)).status_code == 404


def test_each_look_at_the_file_is_in_the_trail(doctor, clinician, answer):
    report = published(doctor, answer)
    doctor.get(page_of(report, "pdf"))
    event = AccessEvent.objects.filter(action="download").get()
    assert (event.user, event.target) == (clinician, report)


def test_its_page_offers_what_can_be_done_with_it_and_no_more(doctor, answer):
    report = begin(doctor, answer)
    assert links_on(doctor.get(page_of(report))) == {"preview"}
    publish(doctor, report)
    assert links_on(doctor.get(page_of(report))) == {"pdf", "dicom", "slip", "amend", "withdraw"}
    doctor.post(page_of(report, "withdraw"), {"reason": "mixed up"})
    assert links_on(doctor.get(page_of(report))) == {"pdf", "dicom", "slip"}


def links_on(page) -> set[str]:
    return {url.rstrip("/").rpartition("/")[2] for _words, url in page.context["page_links"]}


def test_administrators_export_them_with_their_opinions_and_nobody_else(client, doctor, administrator, answer):
    published(doctor, answer)
    asked = {"file_format": "csv", "columns": ["patient_full_name", "confidence", "final_diagnosis", "body"]}
    assert doctor.post(REPORTS + "export/", asked).status_code == 403
    client.force_login(administrator)
    told = b"".join(client.post(REPORTS + "export/", asked).streaming_content).decode("utf-8-sig")
    assert "Lin Mei-ling" in told
    assert "An opacity of the lungs." in told
    assert "Lung Opacity" in told
    assert client.get(REPORTS + "import/").status_code == 403


def test_a_publication_that_fails_leaves_no_file_and_no_mail(doctor, clinician, answer, monkeypatch, settings):
    report = begin(doctor, answer)
    monkeypatch.setattr("inference.reports.letters.tell_of", lambda report: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        publishing.publish(report, by=clinician)
    report.refresh_from_db()
    assert (report.status, Mail.objects.count()) == ("draft", 0)
    assert not [path for path in settings.MEDIA_ROOT.rglob("*.pdf*") if path.is_file()]
