"""The page of figures: counted by hand, whoever's answers are asked about; its file; and who may look."""

import csv
import datetime
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from model_bakery import baker

from clinic.models import Patient
from imaging.models import XRayImage
from inference.figures import of_models, signed_cases
from inference.figures.shares import Share
from inference.figures.signed_cases import TOGETHER, Question, age_group
from inference.figures.tally import tallied
from inference.models import Diagnosis, DiagnosticModel, ModelResult, Prediction, Reading, ReferenceStandard
from inference.review import readings

pytestmark = pytest.mark.django_db
PAGE, CSV = "/admin/inference/figures/", "/admin/inference/figures/csv/"
COVID, NORMAL, VIRAL, OPACITY = Diagnosis.values


@pytest.fixture
def model(db):
    return baker.make(
        DiagnosticModel, name="One", labels=Diagnosis.values, metrics={}, options={}, checked_at=timezone.now()
    )


@pytest.fixture
def patient(db):
    return baker.make(Patient, national_id="", sex="female", date_of_birth=datetime.date(1960, 6, 1))


@pytest.fixture
def case(model, patient, clinician):
    """A signed film: what is true, what all said together and how surely, and what the one model said."""
    numbers = iter(range(100_000))

    def make(
        truth: str, said: str, confidence: float = 0.9, *, alone: str = "", days_ago: float = 1, of=patient, **film
    ):
        at = timezone.now() - datetime.timedelta(days=days_ago)
        film = {"view": "PA", "device": "Alpha", "taken_on": at.date()} | film
        verdict = film.pop("verdict", "")
        xray = film.pop("xray", None) or baker.make(
            XRayImage, patient=of, sha256=f"{next(numbers):064}", original="a.png", pixels="a.png",
            thumbnail="a.png", **film,
        )  # fmt: skip
        prediction = baker.make(
            Prediction, xray=xray, status="completed", diagnosis=said, confidence=confidence if said else None,
            review_reasons=[], is_validated=True, final_diagnosis=truth, verdict=verdict, reviewed_by=clinician,
            reviewed_at=at,
        )  # fmt: skip
        if said:
            baker.make(
                ModelResult, prediction=prediction, model=model, diagnosis=alone or said, confidence=confidence,
                probabilities={},
            )  # fmt: skip
        return prediction

    return make


EVERYTHING = Question()


def together(question: Question = EVERYTHING):
    return tallied(signed_cases.by_model(question).get(TOGETHER, []))


def test_what_was_said_is_counted_beside_what_was_signed(case, model):
    for _n in range(6):
        case(NORMAL, NORMAL, 0.95)
    case(NORMAL, COVID, 0.8, alone=NORMAL)
    case(COVID, COVID, 0.6)
    case(COVID, NORMAL, 0.5)
    found = together()
    assert found.matrix([COVID, NORMAL]) == [[1, 1], [1, 6]]
    assert found.agreement == Share(7, 9)
    assert found.coverage == Share(7, 9)  # of 0.75 and more
    assert found.right_when_sure == Share(6, 7)
    covid = found.classes([COVID])[0]
    assert (covid.sensitivity, covid.specificity) == (Share(1, 2), Share(6, 7))
    # By hand: |6 − 5.7| + |0 − 0.8| + |1 − 0.6| + |0 − 0.5|, of nine.
    assert found.calibration_error == pytest.approx((0.3 + 0.8 + 0.4 + 0.5) / 9)
    alone = tallied(signed_cases.by_model(Question())[model.pk])
    assert alone.agreement == Share(8, 9)


def test_it_is_the_arithmetic_by_which_a_model_is_accepted(case, model):
    for truth, said in [(NORMAL, NORMAL), (NORMAL, COVID), (COVID, COVID), (OPACITY, COVID), (VIRAL, VIRAL)]:
        case(truth, said)
    accepted = of_models.of(model)
    page = tallied(signed_cases.by_model(Question())[model.pk])
    assert page.agreement == accepted.own.agreement
    assert page.classes(Diagnosis.values) == accepted.own.classes


def test_a_film_counts_once_by_its_newest_signature_and_what_is_hidden_not_at_all(case, administrator):
    first = case(NORMAL, COVID)
    case(NORMAL, NORMAL, xray=first.xray)
    hidden = case(COVID, NORMAL)
    XRayImage.objects.filter(pk=hidden.xray_id).hide(by=administrator, reason="wrong person")
    assert together().counted == {(NORMAL, NORMAL): 1}


def test_what_has_no_truth_or_no_answer_is_counted_apart_and_in_no_share(case, client, administrator):
    case("", NORMAL, verdict="rejected")
    case("", NORMAL, verdict="not_assessable")
    case(NORMAL, "")
    case(NORMAL, NORMAL)
    found = together()
    assert (found.cases, found.unanswered) == (1, 1)
    assert signed_cases.without_truth(Question()) == {"rejected": 1, "not_assessable": 1}
    client.force_login(administrator)
    page = client.get(PAGE).text
    assert "1 film was signed as “rejected”" in page
    assert "Of 1 signed film no model said anything" in page


def test_days_readers_and_the_way_of_reading_choose_the_cases(case, clinician, administrator):
    old, new = case(NORMAL, NORMAL, days_ago=40), case(COVID, NORMAL, days_ago=1)
    today = timezone.localdate()
    since = Question(since=today - datetime.timedelta(days=10))
    assert together(since).counted == {(COVID, NORMAL): 1}
    assert together(Question(until=today - datetime.timedelta(days=10))).counted == {(NORMAL, NORMAL): 1}
    read = {"reader": clinician, "opened_at": timezone.now()}
    baker.make(Reading, prediction=old, is_blind=True, **read)
    baker.make(Reading, prediction=new, is_blind=False, **read)
    assert together(Question(readers="blind")).counted == {(NORMAL, NORMAL): 1}
    assert together(Question(readers="open")).counted == {(COVID, NORMAL): 1}
    group = clinician.groups.get()
    assert together(Question(readers=f"group-{group.pk}")).cases == 2
    assert together(Question(readers=f"group-{administrator.groups.get().pk}")).cases == 0


def test_parts_are_by_view_sex_age_and_device(case):
    young = baker.make(
        Patient, national_id="", sex="male", date_of_birth=timezone.localdate() - datetime.timedelta(9000)
    )
    case(NORMAL, NORMAL)
    case(NORMAL, COVID, of=young, view="AP", device="")
    found = signed_cases.by_part(Question(), TOGETHER)
    shares = {
        part: {value: tallied(cells).agreement for value, cells in values.items()} for part, values in found.items()
    }
    assert shares == {
        "view": {"PA": Share(1, 1), "AP": Share(0, 1)},
        "sex": {"female": Share(1, 1), "male": Share(0, 1)},
        "age": {"65-131": Share(1, 1), "18-40": Share(0, 1)},
        "device": {"Alpha": Share(1, 1), "": Share(0, 1)},
    }


@pytest.mark.parametrize(
    ("born", "day", "group"),
    [
        ((2000, 3, 1), (2018, 2, 28), "0-18"),
        ((2000, 3, 1), (2018, 3, 1), "18-40"),
        ((1960, 2, 29), (2025, 2, 28), "40-65"),
        ((1960, 2, 29), (2025, 3, 1), "65-131"),
    ],
)
def test_an_age_is_that_of_the_day(born, day, group):
    assert age_group(datetime.date(*born), datetime.date(*day)) == group


def test_small_parts_are_not_shown_and_few_are_said_to_be_few(case, client, administrator):
    for _n in range(6):
        case(NORMAL, NORMAL)
    case(NORMAL, COVID, device="A rare one")
    client.force_login(administrator)
    page = client.get(PAGE)
    assert "Fewer than 5 films: not shown." in page.text
    assert "Fewer than 30 films tell little" in page.text
    [devices] = [part for part in page.context["parts"] if part["title"] == "By device"]
    assert [(row.title, row.is_shown) for row in devices["rows"]] == [("Alpha", True), ("A rare one", False)]
    rows = list(csv.reader(io.StringIO(client.get(CSV).getvalue().decode("utf-8-sig"))))
    assert not any("A rare one" in row for row in rows)


def test_the_file_holds_every_figure_and_begins_with_no_formula(case, client, administrator, model):
    model.name = "=cmd()"
    model.save()
    for _n in range(5):
        case(NORMAL, NORMAL)
    client.force_login(administrator)
    response = client.get(CSV)
    content = response.getvalue()
    assert content.startswith(b"\xef\xbb\xbf")
    names, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert all(len(row) == len(names) for row in rows)
    found = {row[4] for row in rows}
    assert found >= {
        "agreement",
        "kappa",
        "sensitivity",
        "specificity",
        "confusion",
        "at_threshold",
        "rescued",
        "misled",
    }
    assert {row[2] for row in rows} >= {
        "all",
        "view",
        "sex",
        "age",
        "device",
        "readers",
        "read_blind",
        "seconds",
        "asked",
    }
    assert {row[0] for row in rows} == {"ensemble", "'=cmd()", "readers"}


def test_readers_are_rescued_and_misled_where_the_truth_is_known(
    case, client, administrator, clinician, django_user_model
):
    read = {"reader": clinician, "opened_at": timezone.now(), "signed_at": timezone.now(), "is_blind": True}
    rescued, misled, second = case(NORMAL, NORMAL), case(COVID, COVID), case(COVID, COVID)
    for prediction in (rescued, misled):
        baker.make(ReferenceStandard, xray=prediction.xray, diagnosis=NORMAL, source="laboratory")
    baker.make(Reading, prediction=rescued, own_diagnosis=COVID, final_diagnosis=NORMAL, seconds=60, **read)
    baker.make(Reading, prediction=misled, own_diagnosis=NORMAL, final_diagnosis=COVID, seconds=30, **read)
    baker.make(Reading, prediction=second, own_diagnosis=NORMAL, final_diagnosis=COVID, seconds=90, **read)
    colleague = django_user_model.objects.create_user("second")
    baker.make(
        Reading, prediction=second, reader=colleague, is_blind=True, own_diagnosis=COVID, opened_at=timezone.now()
    )
    client.force_login(administrator)
    blind = client.get(PAGE).context["blind"]["found"]
    assert (blind.by_reference.rescued, blind.by_reference.misled) == (Share(1, 1), Share(1, 1))
    assert (blind.by_second_reader.rescued, blind.by_second_reader.misled) == (Share(1, 1), Share(0, 0))
    assert blind.blind.middle == 60


def test_nothing_yet_is_said_and_nonsense_is_no_error_of_ours(client, administrator, model):
    client.force_login(administrator)
    assert "No film of these was signed" in client.get(PAGE).text
    for query in ("?model=x", "?since=2026-13-45", "?readers=group-x", "?since=2026-11-30&until=2026-11-01"):
        assert client.get(PAGE + query).status_code == 200
        assert client.get(CSV + query).status_code == 200


def test_only_administrators_watch(client, clinician, front_desk):
    for person in (clinician, front_desk):
        client.force_login(person)
        for page in (PAGE, CSV, f"{PAGE}drift/", f"{PAGE}morning/"):
            assert client.get(page).status_code == 403
            assert client.post(page).status_code in (403, 405)
        assert "Figures" not in client.get("/admin/").text


def test_the_page_asks_as_often_however_many_cases_and_models_there_are(case, client, administrator, model):
    client.force_login(administrator)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PAGE).status_code == 200
        return len(queries)

    for _n in range(3):
        case(NORMAL, NORMAL)
    asked()
    case(NORMAL, NORMAL)
    small = asked()
    for n in range(20):
        another = baker.make(DiagnosticModel, name=f"M{n}", labels=[], metrics={}, options={})
        prediction = case(COVID, NORMAL, device=f"D{n}")
        baker.make(ModelResult, prediction=prediction, model=another, diagnosis=NORMAL, probabilities={})
    assert asked() <= small


def test_who_reads_first_counts_no_answer_that_is_closed_to_them(client, clinician, administrator, case, patient):
    """Also where somebody who watches figures reads films, and the figures of one film are its answer."""
    unread = case(COVID, NORMAL)
    Prediction.objects.filter(pk=unread.pk).update(is_validated=False, final_diagnosis="", reviewed_by=None)
    again = case(VIRAL, NORMAL)
    administrator.groups.add(*clinician.groups.all())
    readings.read_again(again, by=type(administrator).objects.get(pk=administrator.pk))
    client.force_login(administrator)
    page = client.get(PAGE).context
    assert (page["films"].cases, page["totals"]["diagnoses"]) == (0, [])
    client.force_login(clinician)
    assert client.get(PAGE).status_code == 403
    assert together().cases == 1
