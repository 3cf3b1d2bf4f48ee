"""Who asked is told once for all that they asked at once, and no notice says what was answered."""

import datetime
import json
import re

import pytest
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.utils import timezone
from model_bakery import baker

from backoffice.access import roles
from backoffice.models import Mail, Notice, NoticeWishes
from backoffice.notices import mails
from clinic.models import Patient
from imaging.models import XRayImage
from inference import batches, failures, requests, worker
from inference.models import Batch, Diagnosis, ModelResult, Prediction
from inference.tests.test_follow_ups import a_film, a_follow_up

pytestmark = pytest.mark.django_db


def asked(clinician, n=3, **more) -> list[Prediction]:
    films = [a_film() for _ in range(n)]
    return requests.ask(films, by=clinician, **more).predictions


def answer(prediction, **values) -> None:
    answered = {"status": "completed", "finished_at": timezone.now(), "diagnosis": Diagnosis.COVID, "confidence": 0.987}
    Prediction.objects.filter(pk=prediction.pk).update(**answered | values)


def fail(prediction, why=failures.UNREADABLE) -> None:
    Prediction.objects.filter(pk=prediction.pk).update(status="failed", error=why, finished_at=timezone.now())


def told(client) -> str:
    return client.get("/admin/notices/").text


def test_one_notice_for_all_that_was_asked_at_once_when_the_last_is_answered(doctor, clinician):
    first, *others = asked(clinician)
    answer(first)
    assert batches.tell_who_asked() == 0
    for one in others:
        answer(one)
    assert batches.tell_who_asked() == 1
    assert batches.tell_who_asked() == 0
    assert Notice.objects.get().to == clinician
    assert "3 X-rays are answered" in told(doctor)


def test_two_batches_are_two_notices_and_each_leads_to_its_films(doctor, clinician):
    one, many = asked(clinician, 1), asked(clinician, 2)
    for prediction in [*one, *many]:
        answer(prediction)
    batches.tell_who_asked()
    of_many, of_one = Notice.objects.all()
    opened = doctor.post(f"/admin/notices/{of_one.pk}/open/")
    assert opened["Location"] == f"/admin/imaging/xrayimage/{one[0].xray_id}/change/?prediction={one[0].pk}"
    listed = doctor.post(f"/admin/notices/{of_many.pk}/open/", follow=True).context["cl"].result_list
    assert {row.pk for row in listed} == {row.pk for row in many}


def test_a_failure_says_why_in_its_readers_language(doctor, clinician):
    first, second, third = asked(clinician)
    answer(first)
    fail(second)
    fail(third)
    batches.tell_who_asked()
    page = told(doctor)
    assert "1 X-ray is answered. 2 have failed: The picture’s file" in page.replace("&#x27;", "’")
    clinician.language = "zh-hant"
    clinician.save()
    assert "The picture" not in told(doctor)


def test_who_tries_again_hears_how_that_ends(clinician, administrator):
    [failed] = asked(clinician, 1)
    fail(failed)
    batches.tell_who_asked()
    requests.retry(Prediction.objects.all(), by=administrator)
    answer(failed, diagnosis=Diagnosis.NORMAL)
    batches.tell_who_asked()
    assert [notice.to for notice in Notice.objects.order_by("pk")] == [clinician, administrator]


def test_what_takes_long_is_told_in_part_and_then_as_a_whole(doctor, clinician):
    first, second = asked(clinician, 2)
    answer(first)
    Batch.objects.update(asked_at=timezone.now() - batches.LONG)
    assert batches.tell_who_asked() == 1
    assert batches.tell_who_asked() == 0
    assert "It takes long: 1 of 2 X-rays are answered so far" in told(doctor)
    answer(second)
    batches.tell_who_asked()
    assert "2 X-rays are answered" in told(doctor)
    assert "takes long" not in told(doctor)


def test_nothing_is_said_of_what_was_cancelled_or_is_hidden(doctor, clinician):
    requests.cancel(Prediction.objects.filter(pk__in=[p.pk for p in asked(clinician)]), by=clinician)
    [hidden] = asked(clinician, 1)
    answer(hidden)
    XRayImage.objects.filter(pk=hidden.xray_id).hide(by=clinician)
    batches.tell_who_asked()
    assert not Notice.objects.exists()


def test_a_notice_of_what_is_hidden_meanwhile_is_gone_and_so_is_its_number(doctor, clinician):
    [prediction] = asked(clinician, 1, urgent=True)
    answer(prediction)
    batches.tell_who_asked()
    assert "urgent" in told(doctor)
    Patient.objects.filter(pk=prediction.xray.patient_id).hide(by=clinician)
    assert "Nothing yet" in told(doctor)
    assert doctor.get("/admin/live/bell/?seen=0").status_code == 204


def test_the_worker_that_answers_tells_and_where_that_fails_the_answer_stays(
    make_xray, tiny_models, clinician, monkeypatch
):
    requests.ask([make_xray(1), make_xray(2)], by=clinician)

    def breaks() -> None:
        raise RuntimeError("no room for a notice")

    with monkeypatch.context() as broken:
        broken.setattr(batches, "tell_who_asked", breaks)
        assert worker.answer_waiting(looks_after_models=False) == 2
    assert not Notice.objects.exists()
    assert batches.tell_who_asked() == 1  # the schedule
    assert Notice.objects.get().details["answered"] == 2


# -- Urgent -----------------------------------------------------------------------------------------------------------


def test_what_is_urgent_is_told_at_once_to_everybody_who_signs(doctor, clinician, administrator):
    [prediction, _waiting] = asked(clinician, 2, urgent=True)
    answer(prediction)
    batches.tell_who_asked()
    assert [notice.to for notice in Notice.objects.filter(is_urgent=True)] == [clinician]
    assert "A case waits that should be read now: Lin Mei-ling" in told(doctor)
    batches.tell_who_asked()
    assert Notice.objects.filter(is_urgent=True).count() == 1


def test_once_somebody_has_signed_it_nobody_is_called_any_more(doctor, clinician):
    [prediction] = asked(clinician, 1, urgent=True)
    answer(prediction)
    batches.tell_who_asked()
    Notice.objects.filter(is_urgent=False).delete()
    signed = {"is_validated": True, "final_diagnosis": "Normal", "reviewed_at": timezone.now()}
    Prediction.objects.filter(pk=prediction.pk).update(**signed)
    assert doctor.get("/admin/live/bell/?seen=0").status_code == 204


def found(clinician, diagnosis, **more) -> Prediction:
    """A film that nobody marked urgent, answered so, once those were told whom it concerns."""
    [prediction] = asked(clinician, 1, **more)
    answer(prediction, diagnosis=diagnosis)
    batches.tell_who_asked()
    return prediction


CALLED = "The models found something urgent that nobody has signed: Lin Mei-ling"


def test_what_the_models_find_urgent_is_told_to_those_alone_who_are_shown_it(client, clinician, administrator):
    prediction = found(clinician, Diagnosis.COVID)
    client.force_login(clinician)
    assert "urgent" not in told(client)
    client.force_login(administrator)
    assert CALLED in told(client)
    notice = administrator.notices.get(is_urgent=True)
    opened = client.post(f"/admin/notices/{notice.pk}/open/")
    assert opened["Location"].endswith(f"/xrayimage/{prediction.xray_id}/change/?prediction={prediction.pk}")
    batches.tell_who_asked()
    assert administrator.notices.count() == 1


def test_who_comes_to_read_first_afterwards_is_told_no_more(client, clinician, administrator):
    found(clinician, Diagnosis.COVID)
    administrator.groups.add(Group.objects.get(name=roles.CLINICIANS))
    client.force_login(administrator)
    assert "Nothing yet" in told(client)
    assert client.get("/admin/live/bell/?seen=0").status_code == 204


@pytest.mark.parametrize(
    ("findings", "diagnosis", "marked"),
    [
        (["COVID"], "Viral Pneumonia", False),  # the clinic does not call it urgent
        ([], "COVID", False),
        (["COVID"], "COVID", True),  # everybody who signs is told already
    ],
)
def test_nobody_is_called_for_other_findings(clinician, administrator, settings, findings, diagnosis, marked):
    settings.URGENT_FINDINGS = findings
    found(clinician, diagnosis, urgent=marked)
    assert not administrator.notices.exists()


def test_the_clinic_says_which_findings_are_urgent(clinician, administrator, settings):
    settings.URGENT_FINDINGS = ["Viral Pneumonia"]
    found(clinician, "Viral Pneumonia")
    assert administrator.notices.get().kind == "found_urgent"
    settings.URGENT_FINDINGS = ["Viral Pneumonia", "Flu"]
    [error] = run_checks()
    assert "'Flu', which is no diagnosis" in error.msg


# -- Reading blind ----------------------------------------------------------------------------------------------------


def said(client) -> str:
    """Everything that a person gets from notices: pages, the bell, the rows behind them, and mails."""
    NoticeWishes.objects.update(quiet_from=datetime.time(1), quiet_until=datetime.time(1))
    Notice.objects.update(at=timezone.now() - datetime.timedelta(minutes=6))
    mails.send()
    rows = [json.dumps([notice.kind, notice.key, notice.details]) for notice in Notice.objects.order_by("pk")]
    pages = [client.get(address).text for address in ("/admin/notices/", "/admin/live/bell/")]
    return "\n".join([*rows, *pages, *(mail.subject + mail.body for mail in Mail.objects.all())])


def comparable(text: str) -> str:
    """Without what tells one run from the other in any case."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"|datetime="[^"]+"|X-CSRFToken": "\w+"', "", text)
    return re.sub(r"\d+", "#", text)


@pytest.mark.parametrize("language", ["en", "zh-hant"])
def test_two_cases_that_differ_in_their_answers_alone_are_told_alike(doctor, clinician, language):
    """Whatever the models say, how sure they are, and how much it should be doubted: notices, their order, and mails
    say the same."""
    clinician.email, clinician.language = "reader@clinic.example", language
    clinician.save()
    NoticeWishes.objects.create(person=clinician, by_mail="everything")
    answers = [
        {"diagnosis": "COVID", "confidence": 0.987, "needs_review": False},
        {"diagnosis": "Normal", "confidence": 0.512, "needs_review": True, "review_reasons": [{"code": "tie"}]},
        {"diagnosis": "", "confidence": None, "needs_review": True},
    ]
    told_of_each = []
    for values in answers:
        predictions = [*asked(clinician, 2, urgent=True), *asked(clinician, 2)]
        for one in predictions:
            answer(one, **values)
            if values["diagnosis"]:
                baker.make(
                    ModelResult, prediction=one, diagnosis=values["diagnosis"], confidence=0.987, probabilities={}
                )
        batches.tell_who_asked()
        told_of_each.append(comparable(said(doctor)))
        for label in [*Diagnosis.values, *map(str, Diagnosis.labels), "98", "51.2", "0.98"]:
            assert label not in told_of_each[-1]
        for model in (Notice, Mail):
            model.objects.all().delete()
        Prediction.objects.update(finished_at=timezone.now() - 2 * batches.LATELY)  # none of the next one's
    assert told_of_each[0] == told_of_each[1] == told_of_each[2]


def test_no_mail_says_anything_of_a_follow_up(clinician, administrator):
    clinician.email = "reader@clinic.example"
    clinician.save()
    NoticeWishes.objects.create(person=clinician, by_mail="everything", quiet_from="01:00", quiet_until="01:00")
    a_follow_up(clinician, owner=administrator, what="suspected COVID")
    made = a_follow_up(administrator, owner=clinician, what="suspected COVID")
    Notice.objects.update(at=timezone.now() - datetime.timedelta(minutes=6))
    mails.send()
    [mail] = Mail.objects.all()
    assert not any(word in mail.subject + mail.body for word in ("COVID", "Lin", made.get_kind_display(), "follow"))
