"""A day's reading: what comes when, who has which case, and the way back from a signature."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.models import Role
from imaging.models import XRayImage
from inference.models import Prediction, Reading, Report
from inference.review import signing, taking, worklist
from inference.review.worklist import Show
from inference.tests.own_answers import has_read, read_by_hand

pytestmark = pytest.mark.django_db

WORKLIST = "/admin/inference/worklist/"


def a_case(name="Lin Mei-ling", hours: float = 0, **values) -> Prediction:
    """An answer that nobody has signed, asked for so many hours ago."""
    film = baker.make(XRayImage, quality_issues=[], width=10, height=10, patient__full_name=name)
    answered = {"status": "completed", "finished_at": timezone.now(), "diagnosis": "Normal", "confidence": 0.9}
    case = baker.make(Prediction, xray=film, review_reasons=[], **answered | values)
    Prediction.objects.filter(pk=case.pk).update(created_at=timezone.now() - datetime.timedelta(hours=hours))
    return case


def film_page(case: Prediction) -> str:
    return f"{reverse('admin:imaging_xrayimage_change', args=[case.xray_id])}?prediction={case.pk}&worklist=all"


def take(client, case: Prediction):
    return client.post(reverse("worklist:take", args=[case.pk]), {"show": "all"}, follow=True)


def go(client, **data):
    return client.post(reverse("worklist:go"), {"show": "all", **data}, follow=True)


def sign(client, case: Prediction, diagnosis="Normal"):
    seen = client.get(film_page(case)).context["seen"]
    address = reverse("admin:inference_prediction_sign", args=[case.pk])
    return client.post(f"{address}?worklist=all", {"final_diagnosis": diagnosis, "seen": seen}, follow=True)


def is_at(response, case: Prediction) -> bool:
    return response.context["prediction"] == case


# -- The order --------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_of_each(settings) -> dict[str, Prediction]:
    settings.MAX_WAIT_HOURS = 24
    return {
        "clear": a_case(hours=9),
        "clear, found urgent": a_case(hours=8, diagnosis="COVID"),
        "in doubt": a_case(hours=7, needs_review=True),
        "in doubt, found urgent": a_case(hours=6, needs_review=True, diagnosis="COVID"),
        "in doubt, marked urgent": a_case(hours=5, needs_review=True, is_urgent=True),
        "clear, for too long": a_case(hours=25),
        "clear, for longer": a_case(hours=30),
    }


def in_order(person, cases: dict[str, Prediction], show=Show.ALL) -> list[str]:
    names = {case.pk: name for name, case in cases.items()}
    return [names[key] for key in worklist.keys_of(person, show)]


def test_who_waits_too_long_comes_first_then_doubt_and_urgency_and_then_age(clinician, one_of_each):
    Role.objects.update(reads_first=False)
    assert in_order(clinician, one_of_each) == [
        "clear, for longer",
        "clear, for too long",
        "in doubt, found urgent",
        "in doubt, marked urgent",
        "in doubt",
        "clear, found urgent",
        "clear",
    ]
    assert set(in_order(clinician, one_of_each, Show.URGENT)) == {name for name in one_of_each if "urgent" in name}


def test_to_who_reads_blind_the_order_tells_nothing_of_what_the_models_say(clinician, one_of_each):
    order = [
        "clear, for longer",
        "clear, for too long",
        "in doubt, marked urgent",
        "clear",
        "clear, found urgent",
        "in doubt",
        "in doubt, found urgent",
    ]
    assert in_order(clinician, one_of_each) == order
    Prediction.objects.update(diagnosis="COVID", needs_review=False)
    assert in_order(clinician, one_of_each) == order
    assert in_order(clinician, one_of_each, Show.URGENT) == ["in doubt, marked urgent"]


def test_what_makes_a_finding_urgent_is_the_clinics_to_say(clinician, one_of_each, settings):
    Role.objects.update(reads_first=False)
    settings.URGENT_FINDINGS = ["Normal"]
    assert in_order(clinician, one_of_each)[-2:] == ["clear", "clear, found urgent"]
    settings.URGENT_FINDINGS = []
    assert in_order(clinician, one_of_each, Show.URGENT) == ["in doubt, marked urgent"]


def test_an_urgent_finding_is_marked_for_who_is_shown_the_answer_and_for_nobody_else(doctor, clinician):
    case = a_case(diagnosis="COVID")
    pages = [WORKLIST, film_page(case), "/admin/inference/prediction/", "/admin/imaging/xrayimage/"]
    assert not any("urgent finding" in doctor.get(page).text for page in pages)
    has_read(clinician, case)
    assert all("urgent finding" in doctor.get(page).text for page in pages)
    sign(doctor, case)
    assert not any("urgent finding" in doctor.get(page).text for page in pages)


def test_each_case_stands_there_once_and_none_that_is_signed_superseded_hidden_or_unanswered(clinician):
    waits = a_case(is_urgent=True, needs_review=True, hours=30)
    older = a_case()
    for other in (a_case(), baker.make(Prediction, xray=older.xray, status="completed", review_reasons=[])):
        has_read(clinician, other)
        signing.sign(other, by=clinician, diagnosis="Normal")
    baker.make(Prediction, status="pending")
    Prediction.objects.filter(pk=a_case().pk).hide(by=clinician)
    assert worklist.keys_of(clinician, Show.ALL) == [waits.pk]


def test_mine_is_what_i_have_asked_about_or_taken(clinician, colleague):
    asked, taken, _other = a_case(requested_by=clinician), a_case(), a_case(requested_by=colleague)
    taking.take(taken.pk, by=clinician)
    assert set(worklist.keys_of(clinician, Show.MINE)) == {asked.pk, taken.pk}


def test_only_so_many_are_listed_and_the_page_says_so(doctor, clinician, monkeypatch):
    for _number in range(3):
        a_case()
    monkeypatch.setattr(worklist.keys_of, "__defaults__", (2,))
    page = doctor.get(WORKLIST)
    assert len(page.context["rows"]) == 2
    assert "These come first." in page.text


# -- Who has it -------------------------------------------------------------------------------------------------------


def test_who_takes_a_case_reads_it_and_a_colleague_is_told_who_has_it(doctor, client, clinician, colleague):
    case = a_case()
    assert is_at(take(doctor, case), case)
    client.force_login(colleague)
    told = take(client, case)
    assert "linicians reads this one." in told.text  # who is named so; a message begins with a capital
    assert "reads it, until" in told.text
    assert f'id="read-{case.pk}"' not in told.text
    assert f"{clinician} reads this one." in client.get(film_page(case)).text


def test_what_a_colleague_reads_is_neither_answered_nor_signed_meanwhile(doctor, clinician, colleague):
    case = a_case()
    taking.take(case.pk, by=colleague)
    assert f"{colleague} reads this one." in read_by_hand(doctor, case).text
    assert not Reading.objects.exists()
    has_read(clinician, case)
    assert f"{colleague} reads this one." in sign(doctor, case).text
    case.refresh_from_db()
    assert not case.is_validated


def test_once_it_lapsed_it_is_taken_over_with_a_press(doctor, clinician, colleague):
    case = a_case()
    taking.take(case.pk, by=colleague)
    Prediction.objects.update(taken_until=timezone.now() - datetime.timedelta(seconds=1))
    assert f"Take over from {colleague}" in doctor.get(WORKLIST).text
    assert is_at(take(doctor, case), case)
    case.refresh_from_db()
    assert case.taken_by == clinician


def test_who_is_at_work_holds_it_and_is_told_when_it_is_a_colleagues(doctor, clinician, colleague):
    case = a_case()
    taking.take(case.pk, by=clinician)
    soon = timezone.now() + datetime.timedelta(seconds=5)
    Prediction.objects.update(taken_until=soon)
    hold = reverse("worklist:hold", args=[case.pk])
    assert doctor.post(hold).status_code == 204
    case.refresh_from_db()
    assert case.taken_until > soon
    Prediction.objects.update(taken_by=colleague)
    refused = doctor.post(hold)
    assert refused.status_code == 409
    assert f"{colleague} reads this one." in refused.text


def test_the_next_one_is_the_first_that_nobody_reads_and_what_was_left_is_free_again(doctor, clinician, colleague):
    first, second, third = a_case(hours=3), a_case(hours=2), a_case(hours=1)
    taking.take(second.pk, by=colleague)
    assert is_at(go(doctor), first)
    assert is_at(go(doctor, key=first.pk), third)
    first.refresh_from_db()
    assert first.taken_by is None
    assert is_at(go(doctor, key=third.pk, before="1"), first)
    Prediction.objects.exclude(pk=first.pk).update(taken_by=colleague, taken_until=timezone.now() + taking.TAKEN_FOR)
    assert "No other case waits for you here." in go(doctor, key=first.pk).text


def test_nobody_but_who_signs_takes_a_case(client, administrator, front_desk):
    case = a_case()
    for person, listed in ((administrator, 200), (front_desk, 403)):
        client.force_login(person)
        assert client.get(WORKLIST).status_code == listed
        for address in (
            reverse("worklist:take", args=[case.pk]),
            reverse("worklist:go"),
            reverse("worklist:hold", args=[case.pk]),
        ):
            assert client.post(address, {"show": "all"}).status_code == 403
    case.refresh_from_db()
    assert case.taken_by is None


# -- Reading through it -----------------------------------------------------------------------------------------------


def test_a_signature_opens_the_next_case_at_once_and_the_last_one_the_list(doctor):
    first, second = a_case("Chen Wei-Ting", hours=2), a_case("Wu Ya-ting", hours=1)
    go(doctor)
    read_by_hand(doctor, first)
    after = sign(doctor, first)
    assert is_at(after, second)
    assert "Signed: Chen Wei-Ting, Normal." in after.text
    read_by_hand(doctor, second)
    done = sign(doctor, second)
    assert done.redirect_chain[-1][0].startswith(WORKLIST)
    assert "All is read" in done.text
    assert "Signed: Wu Ya-ting, Normal." in done.text


def test_the_list_says_when_it_looks_otherwise_and_nothing_where_it_does_not(doctor, colleague):
    case = a_case()
    page = doctor.get(WORKLIST)
    live = f"{reverse('worklist:live')}?show=all&seen={page.context['stamp']}"
    assert doctor.get(live).status_code == 204
    taking.take(case.pk, by=colleague)
    assert "Kai Wang reads it" in doctor.get(live).text


def test_the_first_page_counts_what_waits_and_leads_there(doctor):
    case = a_case()
    page = doctor.get("/admin/").text
    assert f'href="{WORKLIST}"' in page
    assert f"?prediction={case.pk}&amp;worklist=all" in page


# -- The way back -----------------------------------------------------------------------------------------------------


def take_back(client, case: Prediction):
    address = reverse("admin:inference_prediction_take_back", args=[case.pk])
    return client.post(f"{address}?worklist=all", follow=True)


@pytest.fixture
def signed(doctor, clinician) -> Prediction:
    case = a_case()
    take(doctor, case)
    read_by_hand(doctor, case)
    sign(doctor, case, "COVID")
    return case


def test_who_signed_takes_it_back_and_history_keeps_both(doctor, clinician, signed):
    draft = baker.make(Report, prediction=signed, body="Findings.")
    page = take_back(doctor, signed).text
    assert "Your signature is taken back." in page
    assert "1 draft of a report is hidden with it." in page
    signed.refresh_from_db()
    draft.refresh_from_db()
    assert (signed.is_validated, signed.verdict, signed.final_diagnosis, signed.reviewed_by) == (False, "", "", None)
    assert (signed.own_diagnosis, signed.own_confidence) == ("", None)
    assert signed.taken_by == clinician
    assert draft.hide_reason == "Signature taken back"
    reasons = list(signed.history.values_list("history_change_reason", "final_diagnosis"))
    assert reasons[:2] == [("Signature taken back", ""), ("Signed", "COVID")]
    [reading] = Reading.objects.all()
    assert (reading.own_diagnosis, reading.signed_at, reading.final_diagnosis) == ("Normal", None, "")
    assert worklist.keys_of(clinician, Show.ALL) == [signed.pk]


def test_what_was_written_of_it_is_then_closed_to_who_has_yet_to_read_it(client, colleague, signed, doctor):
    draft = baker.make(Report, prediction=signed, body="Clearly a COVID-19 pneumonia.")
    take_back(doctor, signed)
    client.force_login(colleague)
    page = reverse("admin:inference_report_change", args=[draft.pk])
    assert "Clearly" not in client.get(page, follow=True).text
    assert "Clearly" not in client.get(reverse("admin:imaging_xrayimage_history", args=[signed.xray_id])).text
    has_read(colleague, signed)
    assert "Clearly" in client.get(page).text


def test_it_is_signed_anew_after_that(doctor, signed):
    take_back(doctor, signed)
    sign(doctor, signed, "not_assessable")
    signed.refresh_from_db()
    assert (signed.is_validated, signed.verdict, signed.own_diagnosis) == (True, "not_assessable", "Normal")


def test_what_is_published_is_not_taken_back(doctor, signed):
    baker.make(Report, prediction=signed, status="published", published_at=timezone.now())
    assert "Take my signature back" not in doctor.get(film_page(signed)).text
    assert "A report of it is published" in take_back(doctor, signed).text
    signed.refresh_from_db()
    assert signed.is_validated


def test_nobody_takes_back_anothers_signature(doctor, client, colleague, signed):
    client.force_login(colleague)
    assert "There is no signature of yours to take back." in take_back(client, signed).text
    signed.refresh_from_db()
    assert signed.is_validated


def test_a_signature_that_was_put_in_anothers_place_gives_way_to_that_one_again(clinician, colleague, signed):
    signing.sign(signed, by=colleague, diagnosis="Normal")
    signing.take_back(signed, by=colleague)
    signed.refresh_from_db()
    assert (signed.is_validated, signed.final_diagnosis, signed.reviewed_by) == (True, "COVID", clinician)
    signing.take_back(signed, by=clinician)
    signing.sign(signed, by=colleague, diagnosis="Normal")
    signing.take_back(signed, by=colleague)
    signed.refresh_from_db()
    assert not signed.is_validated, "the first one was taken back, and comes back by nobody else's doing"
