"""No finding forgotten: what is to be done about a signed answer, from its form to the film that answers it."""

import datetime

import pytest
from django.utils import timezone
from model_bakery import baker

from backoffice.models import Notice
from backoffice.tests.forms_on_pages import form_with
from clinic.models import Patient
from clinic.patients import merging
from clinic.tests.test_kept_forms import PASSWORD, send_too_late, typed_over
from imaging import settling
from imaging.models import XRayImage
from inference.follow_ups import deciding, reminding
from inference.follow_ups.deciding import FollowUpError
from inference.models import FollowUp, Prediction, Report
from inference.reports import publishing
from inference.review import readings
from inference.tests.test_signing import an_answer

pytestmark = pytest.mark.django_db

LIST = "/admin/inference/followup/"
NO_FILES = {"original": "a.png", "pixels": "a.png", "thumbnail": "a.png", "quality_issues": [], "width": 9, "height": 9}
films = iter(range(10_000))


def in_days(days: int) -> datetime.date:
    return timezone.localdate() + datetime.timedelta(days=days)


def a_film(patient=None, **values) -> XRayImage:
    patient = patient or baker.make(Patient, full_name="Lin Mei-ling", date_of_birth="1980-01-01", national_id="")
    return baker.make(XRayImage, **NO_FILES | {"patient": patient, "sha256": f"{next(films):064}"} | values)


def a_signed_answer(by, film=None) -> Prediction:
    signed = {"is_validated": True, "final_diagnosis": "Normal", "reviewed_by": by, "reviewed_at": timezone.now()}
    return an_answer(film or a_film(), **signed)


def a_follow_up(by, answer=None, kind="film", due=42, owner=None, **values) -> FollowUp:
    answer = answer or a_signed_answer(by)
    return deciding.ask(answer, by=by, kind=kind, due_on=in_days(max(due, 0)), owner=owner, **values)


def overdue(by, **values) -> FollowUp:
    made = a_follow_up(by, **values)
    FollowUp.objects.filter(pk=made.pk).update(due_on=in_days(-1))
    made.refresh_from_db()
    return made


def page_of(follow_up) -> str:
    return f"{LIST}{follow_up.pk}/change/"


def film_page(answer) -> str:
    return f"/admin/imaging/xrayimage/{answer.xray_id}/change/?prediction={answer.pk}"


def decide(client, follow_up, decision, **typed):
    seen = typed.pop("seen", None) or client.get(page_of(follow_up)).context["seen"]
    return client.post(f"{LIST}{follow_up.pk}/decide/", {"decision": decision, "seen": seen, **typed}, follow=True)


def ask(client, answer, **typed):
    sent = {"follow_up-kind": "film", "follow_up-due_on": str(in_days(42)), **typed}
    return client.post(f"/admin/inference/prediction/{answer.pk}/follow-up/", sent, follow=True)


# -- Asking -----------------------------------------------------------------------------------------------------------


def test_whoever_has_signed_asks_for_another_film_beside_it(doctor, clinician):
    answer = a_signed_answer(clinician)
    shown = doctor.get(film_page(answer))
    assert "Ask for a follow-up" in shown.text
    sent = form_with(shown, "follow_up-due_on")
    assert sent["follow_up-owner"] == [str(clinician.pk)]
    assert sent["follow_up-due_on"] == [str(in_days(42))]
    assert "It is on the list" in ask(doctor, answer, **{"follow_up-what": "PA, inspiration"}).text
    made = FollowUp.objects.get()
    assert (made.kind, made.what, made.owner, made.asked_by) == ("film", "PA, inspiration", None, clinician)
    assert made.history.get().history_change_reason == "Asked for"
    assert "PA, inspiration" in doctor.get(film_page(answer)).text


def test_a_form_that_is_sent_twice_asks_once(doctor, clinician):
    answer = a_signed_answer(clinician)
    for _press in range(2):
        assert "It is on the list" in ask(doctor, answer).text
    assert FollowUp.objects.count() == 1
    ask(doctor, answer, **{"follow_up-due_on": str(in_days(7))})
    assert FollowUp.objects.count() == 2


def test_nothing_is_asked_for_where_nobody_has_signed(doctor):
    answer = an_answer(a_film())
    assert "Ask for a follow-up" not in doctor.get(film_page(answer)).text
    refused = ask(doctor, answer)
    assert (refused.status_code, FollowUp.objects.count()) == (422, 0)
    assert "Only a signed answer carries a follow-up" in refused.text


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ({"follow_up-due_on": "2020-01-01"}, "This day is over"),
        ({"follow_up-due_on": "2999-01-01"}, "more than three years ahead"),
        ({"follow_up-due_on": "soon"}, "This is not a day"),
        ({"follow_up-kind": "other", "follow_up-what": ""}, "Say what is to be done"),
        ({"follow_up-kind": "surgery"}, "Select a valid choice"),
        ({"follow_up-what": "\x07"}, "cannot be printed"),
        ({"follow_up-owner": "999999"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_and_what_was_typed_stays(doctor, clinician, typed, why):
    refused = ask(doctor, a_signed_answer(clinician), **{"follow_up-what": "kept words"} | typed)
    assert why in refused.text
    assert "follow_up-what" in typed or "kept words" in refused.text
    assert not FollowUp.objects.exists()


def test_a_report_may_carry_one(doctor, clinician):
    answer = a_signed_answer(clinician)
    report, others = baker.make(Report, prediction=answer, body="clear"), baker.make(Report, body="another's")
    ask(doctor, answer, report=report.pk)
    ask(doctor, answer, report=others.pk)
    assert sorted(FollowUp.objects.values_list("report", flat=True), key=str) == sorted([report.pk, None], key=str)


def test_who_may_not_see_answers_sees_no_follow_ups(client, front_desk, clinician):
    made = a_follow_up(clinician)
    client.force_login(front_desk)
    assert client.get(LIST).status_code == 403
    assert client.get(page_of(made)).status_code == 403
    assert client.post(f"{LIST}{made.pk}/decide/", {"decision": "close"}).status_code == 403
    assert client.post(f"/admin/inference/prediction/{made.prediction_id}/follow-up/", {}).status_code == 403
    patient = client.get(f"/admin/clinic/patient/{made.patient.pk}/change/")
    assert patient.status_code == 200
    assert 'id="follow-ups"' not in patient.text


# -- Whose list -------------------------------------------------------------------------------------------------------


def listed(client, query="") -> set[int]:
    return {row.pk for row in client.get(f"{LIST}{query}").context["cl"].result_list}


def test_lists_of_ones_own_of_everybody_and_of_what_is_overdue(doctor, clinician, colleague):
    own, common = a_follow_up(clinician, owner=clinician), a_follow_up(clinician)
    late = overdue(clinician, owner=colleague)
    assert listed(doctor) == {own.pk, common.pk, late.pk}
    assert listed(doctor, "?whose=mine") == {own.pk}
    assert listed(doctor, "?whose=common") == {common.pk}
    assert listed(doctor, "?state=overdue") == {late.pk}
    first_page = doctor.get("/admin/").text
    assert "1 overdue" in first_page
    assert f'id="follow-up-{late.pk}"' in first_page


def test_the_patients_page_shows_them(doctor, clinician):
    made = a_follow_up(clinician, what="PA again")
    assert "PA again" in doctor.get(f"/admin/clinic/patient/{made.patient.pk}/change/").text


@pytest.mark.parametrize("how", ["deactivated", "role taken"])
def test_of_an_owner_who_leaves_it_is_on_the_common_list_and_administrators_hear_of_it(
    client, administrator, clinician, colleague, how
):
    made = a_follow_up(clinician, owner=colleague)
    if how == "deactivated":
        colleague.is_active = False
        colleague.save()
    else:
        colleague.groups.clear()
    client.force_login(clinician)
    assert listed(client, "?whose=common") == {made.pk}
    assert "Kai Wang has left" in client.get(page_of(made)).text
    assert "their owner has left" in client.get("/admin/").text
    reminding.remind()
    client.force_login(administrator)
    assert "The owner of a follow-up has left" in client.get("/admin/notices/").text
    assert reminding.remind() == 0


def test_it_is_not_given_to_who_could_not_close_it(clinician, front_desk, colleague):
    with pytest.raises(FollowUpError, match="cannot close it"):
        a_follow_up(clinician, owner=front_desk)
    made = a_follow_up(clinician, owner=clinician)
    colleague.is_active = False
    colleague.save()
    with pytest.raises(FollowUpError, match="cannot close it"):
        deciding.hand_over(made, by=clinician, owner=colleague)


# -- Deciding ---------------------------------------------------------------------------------------------------------


def test_it_is_closed_with_a_reason_and_is_open_again_with_another(doctor, clinician):
    made = a_follow_up(clinician)
    assert decide(doctor, made, "close", ending="done").status_code == 422
    assert "It is noted" in decide(doctor, made, "close", ending="done", reason="Seen on Monday").text
    made.refresh_from_db()
    assert (made.ending, made.why_closed, made.closed_by) == ("done", "Seen on Monday", clinician)
    assert listed(doctor) == set()
    assert listed(doctor, "?state=closed") == {made.pk}
    assert made.history.first().history_change_reason == "Concluded: Seen on Monday"
    decide(doctor, made, "open-again", reason="It was somebody else")
    made.refresh_from_db()
    assert made.is_open
    assert made.ending == made.why_closed == ""


def test_it_is_postponed_with_a_reason_and_handed_over(doctor, clinician, colleague):
    made = a_follow_up(clinician)
    decide(doctor, made, "postpone", due_on=str(in_days(60)), reason="Travels")
    decide(doctor, made, "hand-over", owner=colleague.pk)
    made.refresh_from_db()
    assert (made.due_on, made.owner) == (in_days(60), colleague)
    assert "Postponed: Travels" in doctor.get(f"{LIST}{made.pk}/history/").text
    assert Notice.objects.get(to=colleague).kind == "follow_up_given"
    assert "This day is over" in decide(doctor, made, "postpone", due_on="2020-01-01", reason="x").text
    made.refresh_from_db()
    assert made.due_on == in_days(60)


def test_of_two_who_have_it_open_the_later_is_told(doctor, clinician, colleague):
    made = a_follow_up(clinician)
    seen = doctor.get(page_of(made)).context["seen"]
    deciding.hand_over(made, by=colleague, owner=colleague)
    told = decide(doctor, made, "close", ending="done", reason="x", seen=seen)
    assert "Kai Wang has changed it" in told.text
    deciding.close(made, by=colleague, ending="done", reason="seen")
    told = decide(doctor, made, "close", ending="done", reason="x", seen=seen)
    assert "Kai Wang has closed it already" in told.text
    made.refresh_from_db()
    assert made.closed_by == colleague


def test_what_is_open_is_never_hidden(doctor, clinician):
    made = a_follow_up(clinician)
    asked = doctor.post(LIST, {"action": "hide", "_selected_action": made.pk, "confirm": "yes", "reason": "x"})
    assert "What is open is never hidden" in asked.text
    FollowUp.objects.all().hide(by=clinician, reason="x")
    assert FollowUp.objects.on_lists().count() == 1
    deciding.close(made, by=clinician, ending="done", reason="x")
    assert FollowUp.objects.all().hide(by=clinician, reason="x") == 1


# -- The film that answers --------------------------------------------------------------------------------------------


def test_a_later_film_is_offered_and_closes_it_only_when_somebody_says_so(doctor, clinician):
    made = a_follow_up(clinician)
    later, of_another = a_film(made.patient), a_film()
    assert FollowUp.objects.on_lists().count() == 1
    beside = doctor.get(f"/admin/imaging/xrayimage/{later.pk}/change/")
    assert "Is this the film asked for?" in beside.text
    assert "Is this the film asked for?" not in doctor.get(f"/admin/imaging/xrayimage/{of_another.pk}/change/").text
    sent = form_with(beside, "film")
    refused = doctor.post(f"{LIST}{made.pk}/decide/", sent | {"decision": "film", "film": of_another.pk})
    assert refused.status_code == 422
    doctor.post(f"{LIST}{made.pk}/decide/", sent | {"decision": "film"})
    made.refresh_from_db()
    assert (made.ending, made.answered_by) == ("film", later)


def test_neither_an_earlier_film_nor_a_hidden_one_answers_it(clinician):
    patient = baker.make(Patient, national_id="")
    before, answer = a_film(patient), a_signed_answer(clinician, a_film(patient))
    made = a_follow_up(clinician, answer)
    hidden = a_film(patient)
    XRayImage.objects.filter(pk=hidden.pk).hide(by=clinician)
    for film in (before, answer.xray, hidden):
        with pytest.raises(FollowUpError, match="cannot answer it"):
            deciding.close(made, by=clinician, ending="film", film=film)


def closed_by_a_film(by) -> FollowUp:
    made = a_follow_up(by)
    deciding.close(made, by=by, ending="film", film=a_film(made.patient))
    made.refresh_from_db()
    return made


def test_it_is_open_again_where_the_film_that_answered_is_hidden(clinician):
    made = closed_by_a_film(clinician)
    XRayImage.objects.filter(pk=made.answered_by_id).hide(by=clinician, reason="blurred")
    made.refresh_from_db()
    assert made.is_open
    assert made.history.first().history_user == clinician


@pytest.mark.parametrize("which", ["answering", "asking"])
def test_it_is_open_again_where_one_of_the_two_films_is_anothers(clinician, which):
    made = closed_by_a_film(clinician)
    film = made.answered_by if which == "answering" else made.prediction.xray
    settling.move(film, baker.make(Patient, national_id="", date_of_birth="1990-01-01"), by=clinician, reason="mixed")
    made.refresh_from_db()
    assert made.is_open
    assert made.patient == XRayImage.objects.get(pk=made.prediction.xray_id).patient


def test_it_is_open_again_where_taking_back_a_merge_parts_the_two_films(clinician):
    one, other = (a_signed_answer(clinician) for _ in range(2))
    made = a_follow_up(clinician, other)
    done = merging.merge(one.xray.patient, other.xray.patient, choices=[], by=clinician, reason="twice")
    deciding.close(made, by=clinician, ending="film", film=a_film(one.xray.patient))
    merging.undo(done, by=clinician)
    made.refresh_from_db()
    assert made.is_open
    assert made.patient == other.xray.patient


# -- What becomes of records ------------------------------------------------------------------------------------------


def test_both_patients_go_to_the_one_that_stays(clinician):
    one, other = a_follow_up(clinician), a_follow_up(clinician)
    merging.merge(one.patient, other.patient, choices=[], by=clinician, reason="twice")
    assert FollowUp.objects.on_lists().of_patient(one.patient).count() == 2


def test_so_do_those_of_one_film_that_both_have(clinician):
    one = a_follow_up(clinician)
    twin = a_film(sha256=one.prediction.xray.sha256)
    other = a_follow_up(clinician, a_signed_answer(clinician, twin))
    merging.merge(one.patient, other.patient, choices=[], by=clinician, reason="twice")
    twin.refresh_from_db()
    assert twin.is_hidden
    assert FollowUp.objects.on_lists().of_patient(one.patient).count() == 2
    assert FollowUp.objects.to_decide().get() == other


def test_of_a_hidden_patient_it_is_counted_where_it_can_be_restored(client, administrator, clinician):
    made = overdue(clinician)
    Patient.objects.filter(pk=made.patient.pk).hide(by=administrator, reason="left the country")
    client.force_login(administrator)
    assert listed(client) == set()
    assert listed(client, "?state=on_hidden_records&hidden=all") == {made.pk}
    first_page = client.get("/admin/").text
    assert "Open, and on hidden records" in first_page
    assert "1 overdue" not in first_page


def test_a_moved_film_takes_it_along_and_somebody_must_decide(doctor, clinician):
    made = a_follow_up(clinician, owner=clinician)
    theirs = baker.make(Patient, full_name="Wu Ya-ting", date_of_birth="1990-01-01", national_id="")
    settling.move(made.prediction.xray, theirs, by=clinician, reason="mixed up")
    assert listed(doctor, "?state=to_decide") == {made.pk}
    page = doctor.get(page_of(made)).text
    assert "Wu Ya-ting" in page
    assert "signature that it stands on is withdrawn" in page
    decide(doctor, made, "keep", reason="The finding is theirs")
    assert listed(doctor, "?state=to_decide") == set()
    assert listed(doctor) == {made.pk}


@pytest.mark.parametrize("model", [XRayImage, Prediction, Report])
def test_what_is_hidden_below_it_leaves_it_on_the_list_and_somebody_must_decide(doctor, clinician, model):
    answer = a_signed_answer(clinician)
    made = a_follow_up(clinician, answer, report=baker.make(Report, prediction=answer, body="x"))
    row = {XRayImage: answer.xray, Prediction: answer, Report: made.report}[model]
    model.objects.filter(pk=row.pk).hide(by=clinician, reason="mixed up")
    assert listed(doctor, "?state=to_decide") == {made.pk}
    assert "is hidden since" in doctor.get(page_of(made)).text
    decide(doctor, made, "keep", reason="Seen on paper")
    assert listed(doctor) == {made.pk}
    assert listed(doctor, "?state=to_decide") == set()


def test_a_report_that_is_withdrawn_leaves_it_on_the_list_and_somebody_must_decide(doctor, clinician):
    answer = a_signed_answer(clinician)
    report = publishing.publish(publishing.write(answer, by=clinician), by=clinician)
    made = a_follow_up(clinician, answer, report=report)
    publishing.withdraw(report, by=clinician, reason="of another patient")
    assert listed(doctor, "?state=to_decide") == {made.pk}
    assert "Its report was withdrawn" in doctor.get(page_of(made)).text


def test_a_second_signature_asks_whether_it_still_holds(doctor, clinician):
    made = a_follow_up(clinician)
    Prediction.objects.filter(pk=made.prediction_id).update(reviewed_at=timezone.now())
    assert listed(doctor, "?state=to_decide") == {made.pk}
    assert "signed again since" in doctor.get(page_of(made)).text


# -- Being told -------------------------------------------------------------------------------------------------------


def test_what_is_overdue_is_said_once_a_day_that_it_was_given(clinician, colleague):
    late, nobodys = overdue(clinician, owner=colleague), overdue(clinician)
    assert reminding.remind() == 2
    assert reminding.remind() == 0
    assert Notice.objects.filter(to=colleague, kind="follow_up_overdue", object_id=late.pk).count() == 1
    assert Notice.objects.filter(kind="follow_up_of_nobody", object_id=nobodys.pk).count() == 2
    FollowUp.objects.filter(pk=late.pk).update(due_on=in_days(-2))
    assert reminding.remind() == 1


def test_a_notice_of_what_is_closed_says_nothing_any_more(client, clinician, colleague):
    made = a_follow_up(clinician, owner=colleague)
    client.force_login(colleague)
    assert "A follow-up is yours now" in client.get("/admin/notices/").text
    deciding.close(made, by=clinician, ending="done", reason="x")
    assert "A follow-up is yours now" not in client.get("/admin/notices/").text


def test_a_form_that_came_too_late_is_given_back(doctor, clinician):
    made = a_follow_up(clinician)
    clinician.set_password(PASSWORD)
    clinician.save()
    doctor.force_login(clinician)
    sent = typed_over(doctor, page_of(made), "reason", ending="done", reason="typed and not lost")
    back = send_too_late(doctor, f"{LIST}{made.pk}/decide/", sent, clinician)
    assert "typed and not lost" in back.text
    made.refresh_from_db()
    assert made.is_open


# -- Reading blind ----------------------------------------------------------------------------------------------------


def test_whoever_reads_the_film_again_is_told_what_is_to_be_done_once_they_have_read_it(doctor, clinician, colleague):
    """It stays on the list meanwhile, so that nothing is lost."""
    answer = a_signed_answer(colleague)
    asked = a_follow_up(colleague, answer, kind="see", what="the mass in the left lung", owner=clinician)
    told = ("the mass in the left lung", "see the patient again")
    readings.read_again(answer, by=clinician)
    on_the_film = doctor.get(film_page(answer)).text
    assert f"followup/{asked.pk}/" not in on_the_film
    pages = [LIST, page_of(asked), f"{LIST}{asked.pk}/history/", f"/admin/clinic/patient/{asked.patient.pk}/change/"]
    pages += ["/admin/live/follow_ups/?seen=0", f"/admin/imaging/xrayimage/{answer.xray_id}/history/"]
    for address in pages:
        assert not any(words in doctor.get(address).text for words in told), address
    assert "Told once you have read the film" in doctor.get(LIST).text
    assert 'name="decision"' not in doctor.get(page_of(asked)).text
    doctor.post(f"{LIST}{asked.pk}/decide/", {"decision": "close", "ending": "done", "reason": "seen"})
    asked.refresh_from_db()
    assert asked.is_open
    readings.answer(answer, by=clinician, diagnosis="Normal", confidence=0.8)
    assert all("the mass in the left lung" in doctor.get(address).text for address in pages[:2])
