"""Where a model looked, in a real browser: over the film, and with it wherever the viewer takes it."""

from io import BytesIO

import pytest
from django.urls import reverse
from model_bakery import baker
from PIL import Image
from playwright.sync_api import Page, expect

from imaging.models import XRayImage
from inference.models import DiagnosticModel, ModelResult, Prediction

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def looked_at(make_xray) -> XRayImage:
    """A film of which one model said where it looked."""
    xray, heat = make_xray(), BytesIO()
    Image.new("L", (8, 8), 255).save(heat, "PNG")
    answered = {"status": "completed", "diagnosis": "Normal", "confidence": 0.9, "provenance": {}}
    prediction = baker.make(Prediction, xray=xray, review_reasons=[], **answered)
    model = baker.make(DiagnosticModel, name="Tiny", labels=["Normal"], metrics={}, options={})
    said = {"diagnosis": "Normal", "confidence": 0.9, "probabilities": [1.0]}
    baker.make(ModelResult, prediction=prediction, model=model, heatmap=heat.getvalue(), **said)
    return xray


def test_the_heat_lies_on_the_film_however_that_is_turned_and_fades(
    browser_page: Page, live_server, client, clinician, looked_at
):
    client.force_login(clinician)
    session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    browser_page.context.add_cookies([session])
    browser_page.set_viewport_size({"width": 1280, "height": 900})
    browser_page.goto(reverse("admin:imaging_xrayimage_change", args=[looked_at.pk]))
    browser_page.locator(".film.is-working").wait_for()
    heat = browser_page.locator("[data-heat]")
    expect(heat).to_be_hidden()
    browser_page.keyboard.press("o")
    expect(heat).to_be_visible()

    def place() -> dict:
        browser_page.wait_for_timeout(200)
        return heat.bounding_box()

    fitted, film = place(), browser_page.locator("[data-film-pane]").bounding_box()
    middle = (film["x"] + film["width"] / 2, film["y"] + film["height"] / 2)
    shape = looked_at.width / looked_at.height
    assert fitted["width"] / fitted["height"] == pytest.approx(shape, rel=0.02)
    browser_page.keyboard.press("r")
    turned = place()
    assert turned["width"] / turned["height"] == pytest.approx(1 / shape, rel=0.02)
    browser_page.keyboard.press("z")
    browser_page.mouse.move(*middle)
    browser_page.mouse.wheel(0, 400)
    assert place()["width"] == pytest.approx(fitted["width"] * 0.549, rel=0.02)  # e to the power of -0.6
    browser_page.get_by_label("Opacity").fill("30")
    assert browser_page.locator("#heat-overlay").evaluate("heat => getComputedStyle(heat).opacity") == "0.3"
