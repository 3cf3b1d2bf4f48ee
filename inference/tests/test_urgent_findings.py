"""Where everybody who may be told what the models say reads first, nobody is told of an urgent finding before their own
answer: that is said to who decides over roles, and each reader hears of it with their own answer."""

import pytest
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.utils import timezone

from backoffice.access import roles
from backoffice.models import Notice, Role
from inference import batches
from inference.models import Diagnosis, Prediction
from inference.tests.test_notices import CALLED, answer, asked

pytestmark = pytest.mark.django_db

NOBODY = "An urgent finding (COVID) reaches nobody before somebody’s own answer"
URGENT = "Urgent: the models say COVID"


@pytest.fixture
def office(client, administrator, clinician):
    client.force_login(administrator)
    return client


def page_of(role_name: str) -> str:
    return f"/admin/backoffice/role/{Role.objects.get(group__name=role_name).pk}/change/"


def test_a_role_that_is_to_read_first_asks_before_urgent_findings_reach_nobody(office):
    page = page_of(roles.ADMINISTRATORS)
    asks = office.post(page, {"reads_first": "on"})
    assert NOBODY in asks.text
    assert "Nothing is saved yet" in asks.text
    assert not Role.objects.get(group__name=roles.ADMINISTRATORS).reads_first
    assert "reads_first" in dict(asks.context["typed"])
    saved = office.post(page, {**dict(asks.context["typed"]), "confirm": "yes"})
    assert saved["Location"] == "/admin/backoffice/role/"
    assert Role.objects.get(group__name=roles.ADMINISTRATORS).reads_first


def test_going_back_to_a_version_of_the_role_asks_too(office):
    role = Role.objects.get(group__name=roles.ADMINISTRATORS)
    for reads_first in (True, False):
        role.reads_first = reads_first
        role.save()
    version = role.history.filter(reads_first=True).get()
    address = f"/admin/backoffice/role/{role.pk}/history/{version.pk}/"
    asks = office.post(address, {"reason": "as it was"})
    assert NOBODY in asks.text
    office.post(address, {**dict(asks.context["typed"]), "confirm": "yes"})
    role.refresh_from_db()
    assert role.reads_first


def test_nothing_is_asked_where_somebody_is_still_told(office, administrator):
    assert office.post(page_of(roles.FRONT_DESK), {"reads_first": "on"}).status_code == 302
    assert office.post(page_of(roles.ADMINISTRATORS), {"needs_second_factor": "on"}).status_code == 302


def test_nothing_is_asked_where_no_finding_is_urgent(office, settings):
    settings.URGENT_FINDINGS = []
    assert office.post(page_of(roles.ADMINISTRATORS), {"reads_first": "on"}).status_code == 302
    assert "reaches nobody" not in office.get("/admin/").text


@pytest.mark.parametrize("page", ["/admin/", "/admin/backoffice/role/"])
def test_the_first_page_and_the_list_of_roles_say_that_urgent_findings_reach_nobody(office, administrator, page):
    assert "reaches nobody" not in office.get(page).text
    # As it comes about without a role's page: the last person who was told reads with the others from now on.
    administrator.groups.add(Group.objects.get(name=roles.CLINICIANS))
    assert NOBODY in office.get(page).text
    administrator.language = "zh-hant"
    administrator.save()
    office.force_login(administrator)
    assert "緊急發現（" in office.get(page).text


def test_a_clinicians_first_page_does_not_speak_of_it(doctor, administrator):
    Role.objects.update(reads_first=True)
    assert "reaches nobody" not in doctor.get("/admin/").text


def test_check_deploy_says_that_urgent_findings_reach_nobody(clinician, administrator):
    def told() -> list[str]:
        return [one.msg for one in run_checks(include_deployment_checks=True) if one.id == "collimator.W008"]

    assert told() == []
    Role.objects.update(reads_first=True)
    assert [message[: len(NOBODY)] for message in told()] == [NOBODY]


# -- With one's own answer --------------------------------------------------------------------------------------------


def read(client, prediction: Prediction, diagnosis: str = "Normal"):
    address = f"/admin/inference/prediction/{prediction.pk}/own/"
    return client.post(address, {"own_diagnosis": diagnosis, "own_confidence": "0.8"}, follow=True)


@pytest.fixture
def found(clinician) -> Prediction:
    Role.objects.update(reads_first=True)
    [prediction] = asked(clinician, 1)
    answer(prediction)
    batches.tell_who_asked()
    return prediction


def test_who_has_kept_their_own_answer_is_told_at_once_of_an_urgent_finding(doctor, clinician, found):
    assert not Notice.objects.filter(is_urgent=True).exists()
    assert URGENT in read(doctor, found).text
    notice = clinician.notices.get(is_urgent=True)
    assert CALLED in doctor.get("/admin/notices/").text
    assert f"prediction={found.pk}" in doctor.post(f"/admin/notices/{notice.pk}/open/")["Location"]


def test_a_colleague_who_has_yet_to_read_it_is_told_nothing(client, doctor, clinician, found, django_user_model):
    read(doctor, found)
    colleague = django_user_model.objects.create_user("colleague", is_staff=True)
    colleague.groups.add(Group.objects.get(name=roles.CLINICIANS))
    batches.tell_who_asked()
    client.force_login(colleague)
    for page in (
        "/admin/notices/",
        "/admin/",
        "/admin/inference/worklist/",
        f"/admin/imaging/xrayimage/{found.xray_id}/change/",
    ):
        assert "urgent finding" not in client.get(page).text.lower()
    assert not colleague.notices.exists()


def test_an_administrator_who_is_shown_answers_is_told_although_a_reader_was_first(doctor, administrator, clinician):
    [prediction] = asked(clinician, 1)
    answer(prediction)
    read(doctor, prediction)
    batches.tell_who_asked()
    assert administrator.notices.filter(kind="found_urgent").count() == 1


def test_once_it_is_signed_its_reader_is_called_no_more(doctor, clinician, found):
    read(doctor, found)
    signed = {"is_validated": True, "final_diagnosis": "COVID", "reviewed_at": timezone.now()}
    Prediction.objects.filter(pk=found.pk).update(**signed)
    assert CALLED not in doctor.get("/admin/notices/").text


def test_other_findings_call_nobody(doctor, clinician):
    [prediction] = asked(clinician, 1)
    answer(prediction, diagnosis=Diagnosis.NORMAL)
    assert "Urgent:" not in read(doctor, prediction).text
    assert not clinician.notices.filter(is_urgent=True).exists()
