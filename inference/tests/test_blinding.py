"""Who reads first learns nothing of what the models say before their own answer is kept: from no page, list, order,
filter, count, history, picture or mail.

Each address is asked twice, and in between the models say something else. Whatever tells nothing is the same both
times, to the last byte; so nothing has to be known here of where an answer could stand. What asked the database for no
table of answers the first time cannot tell of one, and is not asked again.
"""

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from PIL import Image

from backoffice.access import roles
from backoffice.models import AccessEvent, Mail, Role
from inference import worker
from inference.models import (
    Diagnosis,
    DiagnosticModel,
    FollowUp,
    Hold,
    ModelResult,
    Prediction,
    Reading,
    ReferenceStandard,
    Report,
)
from inference.requests import ask
from inference.review import blinding, readings, signing
from inference.tests import access_matrix as matrix
from inference.tests.own_answers import has_read, read_by_hand

pytestmark = pytest.mark.django_db

ANSWERS = [
    table
    for rows in (Prediction, ModelResult, Reading, ReferenceStandard, FollowUp, Report)
    for table in (rows._meta.db_table, rows.history.model._meta.db_table)
]
PREDICTIONS = "/admin/inference/prediction/"
FILMS = "/admin/imaging/xrayimage/"
LISTED = (f"{PREDICTIONS}?", f"{FILMS}?")
A_SECRET_EACH_TIME = "/admin/second-factor/"
OF_FILMS_AND_ANSWERS = ("/admin/imaging/", "/admin/inference/")
WITH_ANSWERS = re.compile("|".join(f'"{table}"' for table in ANSWERS))
# Tokens, and what is signed with the time.
NEW_EACH_TIME = re.compile(
    r'"?(csrfmiddlewaretoken|_shown_to|token|X-CSRFToken|nonce)"?( value=|: ?|=)"[^"]+"|:\w{6}:[\w-]{43}'
)
NOT_OFFERED = [
    *("o=3", "o=-3", "o=4", "o=-4", "q=COVID", "q=Zebra", "diagnosis=COVID", "diagnosis__exact=COVID"),
    *(
        "needs_review__exact=1",
        "needs_review__exact=0",
        "confidence__gte=0.9",
        "agreement=1",
        "results__diagnosis=COVID",
    ),
]
SAID = [
    {"diagnosis": "COVID", "confidence": 0.9731, "agreement": 1.0, "needs_review": False, "review_reasons": []},
    {
        "diagnosis": "Normal",
        "confidence": 0.5127,
        "agreement": 0.5,
        "needs_review": True,
        "review_reasons": [{"code": "low_confidence", "confidence": 0.5127, "threshold": 0.75}],
    },
]


def heat(level: int) -> bytes:
    target = BytesIO()
    Image.new("L", (7, 7), level).save(target, "PNG")
    return target.getvalue()


OTHERS_SAY = ["Viral Pneumonia", "Lung Opacity"]
"""What colleagues said of the second case: of that, too, nobody is told before their own answer."""


def a_colleague_said(case: Prediction, colleague) -> None:
    """Everything that can be said of a case, while it was signed; the signature is taken back since."""
    past = timezone.now() - timezone.timedelta(days=3)
    signed = case.history.create(
        **{field.attname: getattr(case, field.attname) for field in case.history.model.tracked_fields},
        history_date=past,
        history_type="~",
    )
    case.history.filter(pk=signed.pk).update(is_validated=True, reviewed_at=past, reviewed_by=colleague)
    has_read(colleague, case)
    baker.make(ReferenceStandard, xray=case.xray, source="pathology", known_on=past.date(), stated_by=colleague)
    baker.make(FollowUp, prediction=case, kind="refer", due_on=past.date(), asked_by=colleague, signed_at=past)
    baker.make(Report, prediction=case, status="draft", generated_by=colleague)


def others_say(case: Prediction, said: str) -> None:
    """In the rows and in their histories."""
    case.history.filter(is_validated=True).update(final_diagnosis=said, review_notes=said)
    for rows, values in (
        (Reading, {"own_diagnosis": said, "own_confidence": len(said) / 20}),
        (FollowUp, {"what": said, "kind": "film" if said == OTHERS_SAY[0] else "refer"}),
        (Report, {"body": said}),
    ):
        rows.objects.filter(prediction=case).update(**values)
        rows.history.filter(prediction=case.pk).update(**values)
    for known in (ReferenceStandard.objects.filter(xray=case.xray), ReferenceStandard.history.filter(xray=case.xray)):
        known.update(diagnosis=said, notes=said)


def the_models_say(cases: list[Prediction], said: list[dict]) -> None:
    """In the rows and in their histories."""
    for case, answer in zip(cases, said, strict=True):
        Prediction.objects.filter(pk=case.pk).update(**answer)
        case.history.filter(status="completed").update(**answer)
        vote = {"diagnosis": answer["diagnosis"], "confidence": answer["confidence"]}
        results = ModelResult.objects.filter(prediction=case)
        results.update(**vote, heatmap=heat(round(255 * answer["confidence"])))
        ModelResult.history.filter(prediction=case.pk).update(**vote)


@pytest.fixture
def cases(rows, clinician, colleague, make_xray, settings) -> list[Prediction]:
    """Two that nobody has read, asked about by the clinician some days ago: how long ago changes no more meanwhile."""
    settings.MAX_WAIT_HOURS = 1000
    model, now = baker.make(DiagnosticModel, name="Zebra-Net", labels=Diagnosis.values), timezone.now()
    asked = [rows["inference.prediction"], Prediction(xray=make_xray(7))]
    for case in asked:
        case.requested_by, case.finished_at, case.provenance = clinician, now, {}
        case.save()
        case.history.update(status="pending", diagnosis="", confidence=None)
        case.status, case.diagnosis, case.confidence = "completed", "Normal", 0.5
        case.save()
        Prediction.objects.filter(pk=case.pk).update(created_at=now - timezone.timedelta(days=3))
        baker.make(ModelResult, prediction=case, model=model, diagnosis="Normal", probabilities={}, heatmap=heat(9))
    Hold.objects.all().delete()
    FollowUp.objects.all().delete()
    Report.objects.all().delete()
    a_colleague_said(asked[-1], colleague)
    return asked


class Look(matrix.Visit):
    """Whose requests are taken back, and not asked what they changed, but `reads_answers`: whether the last one could
    know what the models say."""

    reads_answers = False

    def has_changed(self, response) -> bool:
        return False

    def note(self, execute, sql, *arguments):
        self.reads_answers |= bool(WITH_ANSWERS.search(sql))
        return execute(sql, *arguments)


def addresses(rows: dict, cases: list[Prediction]) -> list[str]:
    """Every address of the admin, more of each case, and of lists what they do not offer."""
    found = [matrix.filled_in(path, rows) for path in matrix.addresses()]
    for case in cases:
        film, answer = f"{FILMS}{case.xray_id}/", f"{PREDICTIONS}{case.pk}/"
        heat_maps = case.results.order_by("pk").values_list("pk", flat=True)
        found += [f"{PREDICTIONS}heatmap/{pk}/" for pk in heat_maps]
        found += [f"{film}change/?prediction={case.pk}", f"{film}change/?prediction={case.pk}&worklist=all"]
        found += [f"{film}history/", f"{film}answer/", f"{answer}change/", f"{answer}history/"]
        found += [f"{answer}history/{version.pk}/" for version in case.history.all()]
        found += [f"{PREDICTIONS}live/?live={case.pk}", f"{FILMS}live/?live={case.pk}"]
    for rows_of in (ReferenceStandard, FollowUp, Report):
        for row in rows_of.objects.order_by("pk"):
            page = f"/admin/inference/{rows_of._meta.model_name}/{row.pk}/"
            found += [f"{page}change/", f"{page}history/"]
            found += [f"{page}history/{version.pk}/" for version in row.history.all()]
    found += ["/admin/inference/followup/?kind__exact=refer", "/admin/inference/referencestandard/?diagnosis=COVID"]
    found += [f"/admin/inference/followup/?state={state}" for state in ("overdue", "to_decide", "all")]
    found += ["/admin/live/follow_ups/", "/admin/"]
    found += [f"/admin/inference/worklist/?show={show}" for show in ("all", "urgent", "mine", "second")]
    return [*found, *(f"{address}?{way}" for address in (PREDICTIONS, FILMS) for way in NOT_OFFERED)]


def offered(look: Look) -> list[str]:
    """Every filter and order that the lists of films and answers offer."""
    found = []
    for address in (PREDICTIONS, FILMS):
        ways = re.findall(r'href="(\?[^"#]+)"', look.ask("GET", address)[0].text)
        found += [address + way.replace("&amp;", "&") for way in sorted(set(ways))]
    return found


def shown(look: Look, method: str, address: str) -> tuple:
    look.reads_answers = False
    with connection.execute_wrapper(look.note):
        response, _changed = look.ask(method, address)
        body = b"".join(response.streaming_content) if response.streaming else response.content
    text = NEW_EACH_TIME.sub("", body.decode("latin-1"))
    return response.status_code, response.get("Location"), text


def what_tells(
    person, rows: dict, cases: list[Prediction], *, of: Callable[[str], bool] | None = None
) -> dict[tuple[str, str], str]:
    """The requests that are answered otherwise where the models say something else, each with the first difference.

    All that this person is offered is asked, or, for less, the addresses of which `of` is true.
    """
    look, telling = Look(person), {}
    the_models_say(cases, SAID)
    others_say(cases[-1], OTHERS_SAY[0])
    found = [one for one in dict.fromkeys(addresses(rows, cases)) if not one.startswith(A_SECRET_EACH_TIME)]
    if of is None:
        asked = [("GET", address) for address in dict.fromkeys([*found, *offered(look)])]
        # A list that is sent no action is shown as if it were asked for: once is enough.
        forms = [one for one in found if one.startswith(OF_FILMS_AND_ANSWERS) and not one.startswith(LISTED)]
        asked += [("POST", address) for address in forms]
    else:
        asked = [("GET", address) for address in filter(of, found)]
    first = {}
    for one in asked:
        answer = shown(look, *one)
        if look.reads_answers:
            first[one] = answer
    the_models_say(cases, SAID[::-1])
    others_say(cases[-1], OTHERS_SAY[1])
    for one, before in first.items():
        if (now := shown(look, *one)) != before:
            differs = zip(before[2].splitlines(), now[2].splitlines(), strict=False)
            telling[one] = next((f"{a[:200]} | {b[:200]}" for a, b in differs if a != b), "another answer")
    return telling


@pytest.mark.slow
@pytest.mark.usefixtures("on_a_walk")
@pytest.mark.parametrize("column", [name for name in matrix.COLUMNS if name != "Administrators"])
def test_no_request_of_any_role_tells_what_the_models_say_before_their_own_answer(column, people, rows, cases):
    assert list(what_tells(people[column], rows, cases).items())[:9] == []


@pytest.mark.slow
@pytest.mark.usefixtures("on_a_walk")
@pytest.mark.parametrize("also", ["superuser", "administrator"])
def test_nor_does_it_where_a_clinician_may_do_more(also, people, rows, cases, clinician):
    if also == "superuser":
        clinician.is_superuser = True
        clinician.save()
    else:
        clinician.groups.add(Group.objects.get(name=roles.ADMINISTRATORS))
    within = (*OF_FILMS_AND_ANSWERS, "/admin/clinic/patient/", "/admin/live/waiting", "/admin/live/diagnoses")
    telling = what_tells(clinician, rows, cases, of=lambda address: address.startswith(within))
    assert list(telling.items())[:9] == []


@pytest.mark.slow
@pytest.mark.usefixtures("on_a_walk")
def test_the_same_requests_do_tell_whoever_may_be_told(people, rows, cases):
    film, answer = FILMS + f"{cases[0].xray_id}/", PREDICTIONS + f"{cases[0].pk}/"
    heat_map = f"{PREDICTIONS}heatmap/{cases[0].results.order_by('pk').first().pk}/"
    worklist = "/admin/inference/worklist/"
    pages = {
        film + "change/",
        film + "answer/",
        film + "history/",
        answer + "change/",
        heat_map,
        FILMS,
        PREDICTIONS,
        worklist,
    }
    telling = what_tells(people["Administrators"], rows, cases, of=pages.__contains__)
    assert telling.keys() == {("GET", page) for page in pages}


def test_nor_do_mails_that_an_answer_brings(clinician, make_xray, tiny_models, mailoutbox):
    ask([make_xray()], by=clinician)
    worker.answer_waiting()
    said = [mail.body + mail.subject for mail in mailoutbox] + [str(vars(mail)) for mail in Mail.objects.all()]
    labels = ["COVID", "Normal", "Viral Pneumonia", "Lung Opacity", "病毒性肺炎", "肺部陰影"]
    assert [(label, mail) for mail in said for label in labels if label in mail] == []


# -- The rule ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def answered() -> Prediction:
    return baker.make(
        Prediction,
        status="completed",
        diagnosis="COVID",
        confidence=0.9,
        needs_review=True,
        review_reasons=[],
        finished_at=timezone.now(),
        xray__quality_issues=[],
        xray__width=10,
        xray__height=10,
    )


def film_page(prediction: Prediction) -> str:
    return reverse("admin:imaging_xrayimage_change", args=[prediction.xray_id])


def fresh(person):
    """As the next request finds them."""
    return type(person).objects.get(pk=person.pk)


def test_it_opens_with_the_own_answer_and_for_nobody_else(clinician, colleague, administrator, answered):
    assert not blinding.sees_answer(clinician, answered)
    assert blinding.sees_answer(administrator, answered)
    has_read(clinician, answered)
    assert blinding.sees_answer(clinician, answered)
    assert not blinding.sees_answer(colleague, answered)
    assert list(Prediction.objects.answers_seen_by(clinician)) == [answered]
    assert [(one.pk, one.is_open) for one in Prediction.objects.with_answers_for(colleague)] == [(answered.pk, False)]


def test_what_is_signed_is_open_to_all_until_it_is_taken_back(clinician, colleague, answered):
    has_read(clinician, answered)
    signing.sign(answered, by=clinician, diagnosis="Normal")
    assert blinding.sees_answer(colleague, answered)
    signing.take_back(answered, by=clinician)
    assert not blinding.sees_answer(colleague, answered)


def test_a_newer_answer_about_a_signed_film_is_closed_and_the_older_open(clinician, colleague, answered):
    signing.sign(answered, by=colleague, diagnosis="Normal")
    newer = baker.make(Prediction, xray=answered.xray, status="completed", diagnosis="COVID", review_reasons=[])
    assert not blinding.sees_answer(clinician, newer)
    signing.sign(newer, by=colleague, diagnosis="COVID")
    Prediction.objects.filter(pk=answered.pk).update(is_validated=False)
    assert blinding.sees_answer(clinician, answered), "a newer one about the same film is signed"


def test_nobody_signs_what_they_have_not_read_by_themselves(client, clinician, answered):
    client.force_login(clinician)
    client.get(film_page(answered))
    address = reverse("admin:inference_prediction_sign", args=[answered.pk])
    assert "Give your own answer first" in client.post(address, {"final_diagnosis": "Normal"}, follow=True).text
    answered.refresh_from_db()
    assert not answered.is_validated


def test_both_answers_are_shown_and_compared_then_and_the_own_one_is_kept_with_the_signature(
    client, clinician, answered
):
    client.force_login(clinician)
    assert "What do you see?" in client.get(film_page(answered)).text
    page = read_by_hand(client, answered, own_diagnosis="Normal", own_confidence="0.6")
    for words in (
        "You saw, by yourself: Normal: rather unsure (0.60).",
        "The models say otherwise: COVID (0.90).",
        "Keep mine: Normal",
    ):
        assert words in page.text, words
    address = reverse("admin:inference_prediction_sign", args=[answered.pk])
    client.post(address, {"final_diagnosis": "COVID", "seen": page.context["seen"]})
    answered.refresh_from_db()
    assert (answered.verdict, answered.own_diagnosis, answered.own_confidence) == ("agreed", "Normal", 0.6)
    [reading] = Reading.objects.all()
    assert (reading.is_blind, reading.final_diagnosis, reading.signed_at) == (True, "COVID", answered.reviewed_at)


@pytest.mark.parametrize(("verdict", "kept"), [("rejected", "rejected"), ("not_assessable", "not assessable")])
def test_a_signature_may_say_that_there_is_no_diagnosis(client, clinician, answered, verdict, kept):
    client.force_login(clinician)
    read_by_hand(client, answered, own_diagnosis="not_assessable")
    page = client.get(film_page(answered))
    address = reverse("admin:inference_prediction_sign", args=[answered.pk])
    after = client.post(address, {"final_diagnosis": verdict, "seen": page.context["seen"]}, follow=True)
    answered.refresh_from_db()
    assert (answered.is_validated, answered.verdict, answered.final_diagnosis) == (True, verdict, "")
    assert f"<b>{kept}</b>" in after.text
    assert kept in client.get(PREDICTIONS).text


def test_the_answers_page_has_nothing_to_save_and_writes_nothing(client, clinician, answered):
    client.force_login(clinician)
    versions = answered.history.count()
    client.post(f"{PREDICTIONS}{answered.pk}/change/", {})
    assert answered.history.count() == versions


@pytest.mark.parametrize("sent", [{"own_diagnosis": "Flu"}, {"own_confidence": "1.5"}, {"own_confidence": "nan"}])
def test_what_is_no_answer_is_not_kept_and_opens_nothing(client, clinician, answered, sent):
    client.force_login(clinician)
    assert "Choose what you see and how sure you are" in read_by_hand(client, answered, **sent).text
    assert not blinding.sees_answer(clinician, answered)


def test_an_answer_is_given_once(client, clinician, answered):
    client.force_login(clinician)
    read_by_hand(client, answered)
    assert "You have answered already" in read_by_hand(client, answered, own_diagnosis="COVID").text
    assert Reading.objects.get().own_diagnosis == "Normal"


# -- What is blind, and what is not ------------------------------------------------------------------------------------


def test_who_looked_while_it_was_signed_has_not_read_blind(client, clinician, colleague, answered):
    has_read(colleague, answered)
    signing.sign(answered, by=colleague, diagnosis="Normal")
    client.force_login(clinician)
    client.get(film_page(answered))
    signing.take_back(answered, by=colleague)
    assert readings.answer(answered, by=fresh(clinician), diagnosis="Normal", confidence=0.8).is_blind is False


def test_who_looked_before_their_role_read_first_has_not_read_blind(client, clinician, administrator, answered):
    role = Role.objects.get(group__name=roles.CLINICIANS)
    for reads_first in (False, True):
        role.reads_first = reads_first
        role.save()
        client.force_login(clinician)
        client.get(film_page(answered))
    assert readings.answer(answered, by=fresh(clinician), diagnosis="Normal", confidence=0.8).is_blind is False


def test_a_second_reader_reads_blind_what_a_colleague_has_signed(client, clinician, colleague, answered):
    has_read(colleague, answered)
    signing.sign(answered, by=colleague, diagnosis="COVID")
    client.force_login(clinician)
    page = client.post(reverse("worklist:take", args=[answered.pk]), {"show": "second"}, follow=True)
    assert "You are the second reader" in page.text
    assert "Agree" not in page.text
    after = read_by_hand(client, answered).text
    assert "The models say otherwise: COVID" in after
    reading = Reading.objects.get(reader=clinician)
    assert (reading.is_blind, reading.own_diagnosis, reading.signed_at) == (True, "Normal", None)


def test_how_long_a_reading_took_leaves_out_pauses_and_other_cases(clinician, answered):
    opened = timezone.now() - timezone.timedelta(minutes=60)
    Prediction.objects.filter(pk=answered.pk).update(finished_at=opened - timezone.timedelta(minutes=1))
    answered.refresh_from_db()
    other = baker.make(Prediction, status="completed", review_reasons=[]).xray

    def look(record, minutes: float) -> None:
        at = opened + timezone.timedelta(minutes=minutes)
        with pytest.MonkeyPatch.context() as clock:
            clock.setattr(timezone, "now", lambda: at)
            AccessEvent(user=clinician, action="view", target=record, request_id="x").save(force_insert=True)

    look(answered.xray, 0)
    look(answered.xray, 1)  # a minute
    look(other, 1.5)  # half a minute, and then elsewhere
    look(answered.xray, 10)  # a pause of fifty minutes, of which three count
    assert readings.seconds_at(clinician, answered, opened, timezone.now()) == pytest.approx((1 + 0.5 + 3) * 60)


# -- Who decides -------------------------------------------------------------------------------------------------------


def test_an_administrator_decides_it_for_a_role_and_its_people_are_told(client, clinician, administrator, answered):
    client.force_login(clinician)
    assert "You read first" in client.get(film_page(answered)).text
    role = Role.objects.get(group__name=roles.CLINICIANS)
    client.force_login(administrator)
    page = reverse("admin:backoffice_role_change", args=[role.pk])
    assert "reads before the models" in client.get(page).text.lower()
    client.post(page, {}, follow=True)
    assert Role.objects.get(pk=role.pk).reads_first is False
    assert role.history.first().history_user == administrator
    client.force_login(clinician)
    film = client.get(film_page(answered)).text
    assert "Agree: COVID" in film
    told = f"shown to you at once, as {administrator} decided on"
    assert told in film
    assert told in client.get("/admin/inference/worklist/").text


def test_what_is_read_with_the_answer_in_sight_is_kept_as_that(client, clinician, answered):
    Role.objects.update(reads_first=False)
    client.force_login(clinician)
    page = client.get(film_page(answered))
    address = reverse("admin:inference_prediction_sign", args=[answered.pk])
    client.post(address, {"final_diagnosis": "COVID", "seen": page.context["seen"]})
    [reading] = Reading.objects.all()
    assert (reading.is_blind, reading.answered_at, reading.final_diagnosis) == (False, None, "COVID")
    assert reading.seconds is not None
    answered.refresh_from_db()
    assert (answered.own_diagnosis, answered.own_confidence) == ("", None)
