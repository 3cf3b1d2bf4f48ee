"""The X-ray's files: who gets them, and how they are sent."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image

from backoffice.files import apart
from backoffice.files.apart import Undone, Why
from backoffice.models import AccessEvent
from imaging.models import XRayImage
from imaging.tests.pictures import png

KINDS = ["original", "without_identity", "pixels", "thumbnail", "enhanced"]


def address(kind: str, xray: XRayImage) -> str:
    return reverse(f"admin:imaging_xrayimage_{kind}", args=[xray.pk])


def body(response) -> bytes:
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("kind", KINDS)
def test_strangers_are_sent_to_the_login(client, xray, kind):
    response = client.get(address(kind, xray))
    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_front_desk_is_refused(client, front_desk, xray, kind):
    client.force_login(front_desk)
    assert client.get(address(kind, xray)).status_code == 403


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("original", "image/png"), ("pixels", "image/png"), ("thumbnail", "image/jpeg"), ("enhanced", "image/png")],
)
def test_a_clinician_gets_each_and_nobody_keeps_a_copy(client, clinician, xray, kind, content_type):
    client.force_login(clinician)
    response = client.get(address(kind, xray))
    assert response.status_code == 200
    assert response["Content-Type"] == content_type
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in response["Cache-Control"]
    assert body(response)


def test_the_original_is_only_ever_a_download_as_it_came(client, clinician, xray):
    client.force_login(clinician)
    response = client.get(address("original", xray))
    assert response["Content-Disposition"] == f'attachment; filename="xray-{xray.pk}.png"'
    assert body(response) == png()


def test_reading_leaves_a_trail(client, clinician, xray):
    client.force_login(clinician)
    for kind in KINDS:
        body(client.get(address(kind, xray)))
    trail = AccessEvent.objects.filter(user=clinician, object_id=xray.pk).values_list("action", flat=True)
    assert sorted(trail) == ["download", "download", "picture", "picture"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_hidden_film_is_only_for_those_who_could_restore_it(client, clinician, xray, django_user_model, kind):
    XRayImage.objects.hide(by=clinician)
    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(*clinician.groups.get().permissions.filter(codename="view_xrayimage"))
    client.force_login(looker)
    assert client.get(address(kind, xray)).status_code == 404
    client.force_login(clinician)
    assert client.get(address(kind, xray)).status_code == 200


def test_a_films_history_asks_what_every_records_history_asks(client, clinician, xray, django_user_model):
    XRayImage.objects.hide(by=clinician, reason="Another patient's")
    looker = django_user_model.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(*clinician.groups.get().permissions.filter(codename="view_xrayimage"))
    address = f"/admin/imaging/xrayimage/_2B{xray.pk}/history/"  # as Django reads a key
    client.force_login(looker)
    assert client.get(address).status_code == 403
    client.force_login(clinician)
    assert "Another patient&#x27;s" in client.get(address).text


def test_an_x_ray_that_is_not_there_is_not_found(client, clinician):
    client.force_login(clinician)
    assert client.get("/admin/imaging/xrayimage/4711/pixels/").status_code == 404


def test_the_enhanced_view_is_rendered_once_and_kept(client, clinician, xray, monkeypatch, settings):
    client.force_login(clinician)
    first = body(client.get(address("enhanced", xray)))
    monkeypatch.setattr("imaging.pixels.enhance", lambda picture: pytest.fail("rendered twice"))
    assert body(client.get(address("enhanced", xray))) == first
    assert len(list(Path(settings.MEDIA_ROOT, "enhanced").rglob("*.png"))) == 1


def test_the_enhanced_view_has_the_pictures_shape_and_other_values(client, clinician, xray):
    client.force_login(clinician)
    plain, enhanced = (
        np.asarray(Image.open(BytesIO(body(client.get(address(kind, xray)))))) for kind in ("pixels", "enhanced")
    )
    assert enhanced.shape == plain.shape
    assert not np.array_equal(enhanced, plain)


def test_private_files_have_no_public_address(client, clinician, xray):
    client.force_login(clinician)
    with pytest.raises(ValueError, match="no URL"):
        _ = xray.pixels.url
    assert client.get(f"/media/{xray.pixels.name}").status_code == 404


def test_an_enhanced_view_that_cannot_be_drawn_now_says_why(client, clinician, xray, monkeypatch):
    def busy(*_args, **_options):
        raise Undone(Why.BUSY)
        yield

    monkeypatch.setattr(apart, "values", busy)
    client.force_login(clinician)
    response = client.get(address("enhanced", xray))
    assert response.status_code == 503
    assert "in a minute" in response.text
