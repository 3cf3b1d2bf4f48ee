"""What a film is known to show: entered once, by clinicians, from the film's page, with history."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from imaging.models import XRayImage
from inference.models import ReferenceStandard

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
