"""Signing: by clinicians, of what they have opened, as they saw it, and never over a signature without a question."""

import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker

from backoffice.models import User
from backoffice.tests.forms_on_pages import form_with
from imaging.models import XRayImage
from inference.models import Prediction
from inference.tests.own_answers import has_read, read_by_hand

pytestmark = pytest.mark.django_db

PREDICTIONS = "/admin/inference/prediction/"
WAITING = PREDICTIONS + "?needs_review__exact=1"


def an_answer(xray=None, diagnosis="Normal", **values) -> Prediction:
    xray = xray or baker.make(XRayImage, quality_issues=[], width=10, height=10, patient__full_name="Lin Mei-ling")
    answered = {"status": "completed", "finished_at": timezone.now(), "confidence": 0.6, "needs_review": True}
    return baker.make(Prediction, xray=xray, diagnosis=diagnosis, review_reasons=[], **answered, **values)


@pytest.fixture
def answered() -> Prediction:
    return an_answer()


def film_page(prediction) -> str:
    return reverse("admin:imaging_xrayimage_change", args=[prediction.xray_id])


def open_film(client, prediction) -> str:
    """The page with the film, where the models' answer comes after one's own; returns the version that it sends."""
    page = client.get(film_page(prediction))
    if "own_choices" in page.context:
        read_by_hand(client, prediction)
        page = client.get(film_page(prediction))
    return page.context["seen"]


def sign(client, prediction, diagnosis, **more):
    address = reverse("admin:inference_prediction_sign", args=[prediction.pk])
    return client.post(address, {"final_diagnosis": diagnosis, **more}, follow=True)


def agree(client, *predictions, **more):
    keys = [prediction.pk for prediction in predictions]
    return client.post(PREDICTIONS, {"action": "validate", "_selected_action": keys, **more}, follow=True)


def open_and_sign(client, prediction, diagnosis, **more):
    return sign(client, prediction, diagnosis, seen=open_film(client, prediction), **more)


def signature(prediction) -> tuple:
    prediction.refresh_from_db()
    return prediction.final_diagnosis, prediction.reviewed_by


def test_a_clinician_agrees_with_what_they_have_opened(doctor, clinician, answered):
    open_film(doctor, answered)
    assert "1 is signed" in agree(doctor, answered).text
    assert signature(answered) == ("Normal", clinician)
    assert answered.history.first().history_user == clinician


def test_a_clinician_corrects_and_says_why(doctor, clinician, answered):
    open_and_sign(doctor, answered, "COVID", review_notes="Motion blur.")
    assert (*signature(answered), answered.review_notes) == ("COVID", clinician, "Motion blur.")


def test_why_is_kept_as_it_is_seen_and_what_cannot_be_printed_is_refused(doctor, clinician, answered):
    assert "cannot be printed (U+0007)" in open_and_sign(doctor, answered, "COVID", review_notes="Blur\a").text
    assert signature(answered) == ("", None)
    open_and_sign(doctor, answered, "COVID", review_notes="Motion\u200b blur\u202e.\n\nAgain.")
    assert (*signature(answered), answered.review_notes) == ("COVID", clinician, "Motion blur.\n\nAgain.")


def test_what_is_no_diagnosis_is_not_signed(doctor, answered):
    assert "Choose a diagnosis" in open_and_sign(doctor, answered, "Flu").text
    assert signature(answered) == ("", None)


# -- Who, and what they have looked at --------------------------------------------------------------------------------


def test_nobody_signs_twenty_answers_that_nobody_has_opened(doctor, clinician):
    answers = [an_answer() for _number in range(3)]
    open_film(doctor, answers[1])
    said = agree(doctor, *answers).text
    assert "1 is signed" in said
    assert said.count("Open it and look at the film first") == 2
    assert list(Prediction.objects.filter(is_validated=True)) == [answers[1]]


def test_a_film_that_was_opened_before_the_answer_came_is_to_be_opened_again(doctor, answered):
    open_film(doctor, answered)
    Prediction.objects.filter(pk=answered.pk).update(finished_at=timezone.now())
    assert "Open it and look" in agree(doctor, answered).text
    assert signature(answered) == ("", None)


def test_what_a_colleague_has_opened_is_not_what_i_have_opened(doctor, client, colleague, answered):
    open_film(doctor, answered)
    client.force_login(colleague)
    has_read(colleague, answered)
    assert "Open it and look" in sign(client, answered, "Normal").text
    assert signature(answered) == ("", None)


def test_the_answers_own_page_counts_as_opened(doctor, clinician, answered):
    has_read(clinician, answered)
    doctor.get(f"{PREDICTIONS}{answered.pk}/change/")
    agree(doctor, answered)
    assert signature(answered) == ("Normal", clinician)


@pytest.mark.parametrize("is_superuser", [False, True])
def test_administrators_do_not_sign(client, administrator, answered, is_superuser):
    User.objects.filter(pk=administrator.pk).update(is_superuser=is_superuser)
    client.force_login(administrator)
    page = client.get(film_page(answered)).text
    assert "Agree:" not in page
    assert "Correct…" not in page
    assert sign(client, answered, "Normal").status_code == 403
    agree(client, answered)
    assert signature(answered) == ("", None)


def test_a_superuser_who_is_a_clinician_too_signs(client, clinician, answered):
    User.objects.filter(pk=clinician.pk).update(is_superuser=True)
    client.force_login(clinician)
    open_and_sign(client, answered, "Normal")
    assert signature(answered) == ("Normal", clinician)


def test_an_unanswered_prediction_cannot_be_signed(doctor):
    waiting = baker.make(Prediction, status="pending")
    assert "Only an answered second opinion can be signed" in agree(doctor, waiting).text
    assert signature(waiting) == ("", None)


# -- As it was seen ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["film", "list"])
def test_an_answer_that_has_changed_since_it_was_shown_is_to_be_looked_at_again(doctor, answered, door):
    seen = open_film(doctor, answered)
    Prediction.objects.filter(pk=answered.pk).update(diagnosis="COVID")
    if door == "film":
        said = sign(doctor, answered, "Normal", seen=seen)
    else:
        said = agree(doctor, answered, seen=f"{answered.pk}:{seen}")
    assert "It has changed since you opened it" in said.text
    assert signature(answered) == ("", None)


def test_the_list_sends_each_answer_as_it_shows_it(doctor, answered):
    seen = open_film(doctor, answered)
    assert f'name="seen" value="{answered.pk}:{seen}"' in doctor.get(PREDICTIONS).text


# -- A second signature -----------------------------------------------------------------------------------------------


@pytest.fixture
def signed(client, colleague, answered) -> Prediction:
    client.force_login(colleague)
    open_and_sign(client, answered, "COVID", review_notes="Ground glass on the left.")
    answered.refresh_from_db()
    return answered


def test_a_second_signature_asks_and_shows_the_first(signed, doctor, colleague):
    asked = open_and_sign(doctor, signed, "Normal", review_notes="An old scar.").text
    for words in ("signed already", "COVID", "Kai Wang", "Ground glass on the left.", "An old scar."):
        assert words in asked
    assert signature(signed) == ("COVID", colleague)


def test_a_second_signature_that_is_confirmed_keeps_both(signed, doctor, clinician):
    asked = open_and_sign(doctor, signed, "Normal")
    sign(doctor, signed, "Normal", seen=asked.context["seen"], confirm="yes", review_notes="An old scar.")
    assert signature(signed) == ("Normal", clinician)
    page = doctor.get(film_page(signed)).text
    for words in ("An old scar.", "1 earlier signature", "Kai Wang", "Ground glass on the left."):
        assert words in page
    assert "Ground glass on the left." in doctor.get(f"{PREDICTIONS}{signed.pk}/change/").text
    assert [version.final_diagnosis for version in signed.history.all()[:2]] == ["Normal", "COVID"]


def test_whoever_confirms_over_another_signature_than_the_one_shown_is_asked_anew(signed, doctor, client, colleague):
    shown = open_and_sign(doctor, signed, "Normal").context["seen"]
    Prediction.objects.filter(pk=signed.pk).update(final_diagnosis="Lung Opacity", reviewed_at=timezone.now())
    asked = sign(doctor, signed, "Normal", seen=shown, confirm="yes")
    assert "Lung Opacity" in asked.text
    assert asked.context["seen"] != shown
    assert signature(signed) == ("Lung Opacity", colleague)


def test_nobody_signs_over_a_signature_that_they_were_not_shown(signed, doctor, colleague):
    open_film(doctor, signed)
    assert "signed already" in sign(doctor, signed, "Normal", confirm="yes").text
    assert signature(signed) == ("COVID", colleague)


def test_a_page_that_still_shows_it_unsigned_asks_too(doctor, client, clinician, colleague, answered):
    seen = open_film(doctor, answered)
    Prediction.objects.update(taken_until=timezone.now())  # who reads it has left
    client.force_login(colleague)
    open_and_sign(client, answered, "COVID")
    client.force_login(clinician)
    assert "signed already" in sign(client, answered, "Normal", seen=seen).text
    assert signature(answered) == ("COVID", colleague)


def test_the_list_signs_nothing_over_a_signature(signed, doctor, colleague):
    open_film(doctor, signed)
    assert "Kai Wang has signed this already" in agree(doctor, signed).text
    assert signature(signed) == ("COVID", colleague)


# -- Several answers about one film -----------------------------------------------------------------------------------


def waiting_in_the_list(client) -> list[int]:
    return [row.pk for row in client.get(WAITING).context["cl"].result_list]


def test_an_older_answer_waits_no_more_when_a_newer_one_is_signed(doctor, clinician):
    older = an_answer()
    newer, another = an_answer(older.xray), an_answer()
    has_read(clinician, older, newer, another)
    assert waiting_in_the_list(doctor) == [another.pk, newer.pk, older.pk]
    open_and_sign(doctor, newer, "Normal")
    assert waiting_in_the_list(doctor) == [another.pk]
    assert list(Prediction.objects.needs_review()) == [another]
    assert "a newer one is signed" in doctor.get(PREDICTIONS).text
    assert f"?prediction={older.pk}" not in doctor.get("/admin/").text


def test_a_newer_answer_waits_though_the_older_one_is_signed(doctor, clinician):
    older = an_answer()
    open_and_sign(doctor, older, "Normal")
    newer = an_answer(older.xray)
    has_read(clinician, newer)
    assert waiting_in_the_list(doctor) == [newer.pk]


def test_it_waits_again_when_the_newer_one_is_hidden(doctor, clinician):
    older = an_answer()
    newer = an_answer(older.xray)
    has_read(clinician, older)
    open_and_sign(doctor, newer, "Normal")
    Prediction.objects.filter(pk=newer.pk).hide(by=clinician)
    assert waiting_in_the_list(doctor) == [older.pk]


def test_an_opinion_that_comes_in_after_its_sender_was_signed_out_comes_back_unsigned(client, clinician, answered):
    client.force_login(clinician)
    has_read(clinician, answered)
    opinion = form_with(client.get(film_page(answered)), "review_notes")
    opinion |= {"final_diagnosis": ["COVID"], "review_notes": ["both bases"]}
    page = reverse("admin:inference_prediction_sign", args=[answered.pk])
    client.logout()
    client.post(page, opinion)
    client.force_login(clinician)
    back = client.get(page)
    signed_anew = {"csrfmiddlewaretoken": None, "_shown_to": None}
    assert form_with(back, "review_notes") | signed_anew == opinion | signed_anew
    assert signature(answered) == ("", None)
    client.post(page, form_with(back, "review_notes"))
    assert signature(answered) == ("COVID", clinician)
    assert client.get(page).status_code == 403


def test_who_signs_or_asks_keeps_the_list_that_the_film_was_opened_from(doctor, clinician, answered):
    has_read(clinician, answered)
    filters = "_changelist_filters=view__exact%3DPA"
    page = doctor.get(f"{film_page(answered)}?{filters}")
    address = reverse("admin:inference_prediction_sign", args=[answered.pk])
    assert f'action="{address}?{filters}"' in page.text
    seen = {"final_diagnosis": "Normal", "seen": page.context["seen"]}
    assert doctor.post(f"{address}?{filters}", seen)["Location"].endswith(f"?prediction={answered.pk}&{filters}")
    asking = reverse("admin:imaging_xrayimage_ask", args=[answered.xray_id])
    assert doctor.post(f"{asking}?{filters}")["Location"] == f"{film_page(answered)}?{filters}"
    assert doctor.post(asking)["Location"] == film_page(answered)
