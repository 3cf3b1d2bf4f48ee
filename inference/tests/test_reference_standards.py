"""What a film is known to show: entered once, by clinicians, from the film's page, with history."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from backoffice.access import roles
from backoffice.models import Role
from imaging.models import XRayImage
from inference.models import Prediction, ReferenceStandard
from inference.review import readings
from inference.tests.own_answers import has_read

pytestmark = pytest.mark.django_db(transaction=True)
ADD = reverse("admin:inference_referencestandard_add")


def form(xray, **said):
    day = timezone.localdate().isoformat()
    return {"xray": xray.pk, "diagnosis": "Normal", "source": "laboratory", "known_on": day, "notes": ""} | said


def test_a_clinician_enters_it_from_the_film_and_changes_it_with_history(client, clinician, make_xray):
    xray = make_xray()
    client.force_login(clinician)
    film = reverse("admin:imaging_xrayimage_change", args=[xray.pk])
    assert f"{ADD}?xray={xray.pk}" in client.get(film).text
    assert client.post(ADD, form(xray)).status_code == 302
    reference = ReferenceStandard.objects.get()
    assert (reference.xray, reference.stated_by) == (xray, clinician)
    page = reverse("admin:inference_referencestandard_change", args=[reference.pk])
    assert page in client.get(film).text
    client.post(page, form(xray, diagnosis="COVID", _last="0"))
    reference.refresh_from_db()
    assert reference.diagnosis == "COVID"
    assert [version.diagnosis for version in reference.history.all()] == ["COVID", "Normal"]


def test_one_film_has_one_and_nobody_knows_it_tomorrow(client, clinician, make_xray):
    xray = make_xray()
    client.force_login(clinician)
    tomorrow = timezone.localdate() + datetime.timedelta(days=1)
    assert "still to come" in client.post(ADD, form(xray, known_on=tomorrow.isoformat())).text
    client.post(ADD, form(xray))
    assert "is entered already" in client.post(ADD, form(xray, diagnosis="COVID")).text
    assert ReferenceStandard.objects.get().diagnosis == "Normal"


def test_it_goes_with_its_film_and_the_front_desk_sees_none(client, front_desk, administrator, make_xray):
    xray = make_xray()
    ReferenceStandard.objects.create(xray=xray, diagnosis="Normal", source="laboratory", known_on=timezone.localdate())
    XRayImage.objects.filter(pk=xray.pk).hide(by=administrator, reason="wrong person")
    assert not ReferenceStandard.objects.visible().exists()
    client.force_login(front_desk)
    assert client.get(reverse("admin:inference_referencestandard_changelist")).status_code == 403
    assert client.get(ADD).status_code == 403


@pytest.fixture
def known(make_xray, administrator) -> ReferenceStandard:
    """Entered by somebody else, about a film that is answered."""
    xray = make_xray()
    Prediction.objects.create(xray=xray, status="completed", diagnosis="Normal", confidence=0.9)
    known = ReferenceStandard(xray=xray, diagnosis="COVID", source="pathology", known_on=timezone.localdate())
    known.stated_by = known._history_user = administrator
    known.save()
    return known


def test_who_reads_first_is_told_what_a_film_shows_once_they_have_read_it(client, clinician, administrator, known):
    listed = reverse("admin:inference_referencestandard_changelist")
    page = reverse("admin:inference_referencestandard_change", args=[known.pk])
    film = reverse("admin:imaging_xrayimage_change", args=[known.xray_id])
    client.force_login(clinician)
    assert page not in client.get(listed).text + client.get(film).text
    assert client.get(page).status_code == 302  # as what is not there
    hide = {"action": "hide", "_selected_action": [known.xray_id]}
    assert "COVID" not in client.post(reverse("admin:imaging_xrayimage_changelist"), hide).text
    has_read(clinician, known.xray.predictions.get())
    assert page in client.get(listed).text
    assert page in client.get(film).text
    client.force_login(administrator)
    assert page in client.get(listed).text


def test_who_knew_it_before_has_not_read_blind(client, clinician, known):
    answer = known.xray.predictions.get()
    known.stated_by = known._history_user = clinician
    known.save()
    assert not readings.answer(answer, by=clinician, diagnosis="COVID", confidence=0.95).is_blind


def test_who_looked_at_it_before_their_role_read_first_has_not_read_blind(client, clinician, known):
    Role.objects.update(reads_first=False)
    client.force_login(clinician)
    assert client.get(reverse("admin:inference_referencestandard_change", args=[known.pk])).status_code == 200
    Role.objects.filter(group__name=roles.CLINICIANS).update(reads_first=True)
    reader = type(clinician).objects.get(pk=clinician.pk)
    answer = known.xray.predictions.get()
    assert not readings.answer(answer, by=reader, diagnosis="COVID", confidence=0.95).is_blind
