"""The list of X-rays and the page of one."""

import datetime

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse
from model_bakery import baker

from clinic.models import Appointment
from clinic.patients import identity_conflicts
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import encoded, gradient, png

LIST = "/admin/imaging/xrayimage/"


@pytest.fixture
def page(client, clinician):
    client.force_login(clinician)
    return client.get


def change(xray) -> str:
    return reverse("admin:imaging_xrayimage_change", args=[xray.pk])


def test_the_list_shows_film_patient_and_what_is_doubtful(page, xray):
    XRayImage.objects.update(quality_issues=["low_contrast"])
    text = page(LIST).text
    assert reverse("admin:imaging_xrayimage_thumbnail", args=[xray.pk]) in text
    assert reverse("admin:clinic_patient_change", args=[xray.patient_id]) in text
    assert '<span class="chip wait">low contrast</span>' in text


@pytest.mark.parametrize("query", ["wei-ting", "A123456789"])
def test_the_list_is_searched_by_name_and_national_id(page, xray, other_patient, query):
    other = receive(ContentFile(png(3), name="film.png"), other_patient).xray
    found = page(LIST, {"q": query}).context["cl"].queryset
    assert xray in found
    assert other not in found


def test_the_list_of_one_patient(page, xray, other_patient):
    receive(ContentFile(png(3), name="film.png"), other_patient)
    assert list(page(LIST, {"patient__id__exact": xray.patient_id}).context["cl"].queryset) == [xray]


def test_doubtful_pictures_can_be_listed(page, xray, patient):
    doubtful = receive(ContentFile(encoded(gradient(100, 100)), name="small.png"), patient).xray
    assert list(page(LIST, {"quality": "doubtful"}).context["cl"].queryset) == [doubtful]
    assert list(page(LIST, {"quality": "good"}).context["cl"].queryset) == [xray]


def test_a_longer_list_asks_no_more_queries(page, patient, django_assert_max_num_queries):
    def add(first, last):
        for number in range(first, last):
            receive(ContentFile(png(number), name="film.png"), patient)

    add(0, 2)
    page(LIST)
    with django_assert_max_num_queries(15) as few:
        page(LIST)
    add(2, 12)
    with django_assert_max_num_queries(len(few)):
        page(LIST)


def test_the_page_shows_the_film_and_its_tools(page, xray):
    text = page(change(xray)).text
    for kind in ("pixels", "enhanced", "original"):
        assert reverse(f"admin:imaging_xrayimage_{kind}", args=[xray.pk]) in text
    for tool in ("fit", "natural", "invert", "enhance"):
        assert f'data-film-tool="{tool}"' in text
    assert xray.sha256 in text


def test_the_pages_carry_no_inline_script_or_style(page, xray, patient):
    for address in (
        change(xray),
        "/admin/imaging/xrayimage/add/",
        reverse("admin:clinic_patient_change", args=[patient.pk]),
    ):
        text = page(address).text
        assert "<style" not in text
        assert " style=" not in text
        assert "onclick=" not in text


def test_a_film_moves_to_its_right_patient(client, page, xray, other_patient):
    client.post(change(xray), {"patient": other_patient.pk, "taken_on": "2026-03-04", "view": "PA", "notes": ""})
    xray.refresh_from_db()
    assert (xray.patient, xray.taken_on, xray.view) == (other_patient, datetime.date(2026, 3, 4), "PA")


def test_a_film_does_not_move_where_it_already_is(client, page, xray, other_patient):
    receive(ContentFile(png(), name="film.png"), other_patient)
    response = client.post(change(xray), {"patient": other_patient.pk, "taken_on": "", "view": "", "notes": ""})
    assert "already has this very file" in response.text
    xray.refresh_from_db()
    assert xray.patient != other_patient


def test_those_who_may_only_look_see_the_film_and_no_save_button(client, clinician, xray, django_user_model):
    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(*clinician.groups.get().permissions.filter(codename="view_xrayimage"))
    client.force_login(looker)
    text = client.get(change(xray)).text
    assert "data-film" in text
    assert 'name="_save"' not in text


def test_the_front_desk_has_no_x_ray_pages(client, front_desk, xray):
    client.force_login(front_desk)
    for address in (LIST, change(xray), "/admin/imaging/xrayimage/add/"):
        assert client.get(address).status_code == 403


def test_a_hidden_film_leaves_the_list_and_the_patients_page(client, page, xray):
    client.post(LIST, {"action": "hide", "_selected_action": [xray.pk], "confirm": "yes", "reason": "Another’s"})
    assert XRayImage.objects.visible().count() == 0
    assert xray not in page(LIST).context["cl"].queryset
    patients_page = reverse("admin:clinic_patient_change", args=[xray.patient_id])
    assert reverse("admin:imaging_xrayimage_thumbnail", args=[xray.pk]) not in page(patients_page).text


def test_a_visits_film_that_its_right_patient_has_already_is_there_once(clinician, patient, other_patient):
    visit = baker.make(Appointment, patient=patient, identity_conflict=True, claimed={})
    for owner, of in ((patient, visit), (other_patient, None)):
        baker.make(XRayImage, patient=owner, appointment=of, sha256="a" * 64, quality_issues=[], width=1, height=1)
    identity_conflicts.another_person(visit, other_patient, by=clinician)
    assert XRayImage.objects.visible().get(sha256="a" * 64).patient == other_patient
