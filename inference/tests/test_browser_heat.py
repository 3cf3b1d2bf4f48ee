"""Where a model looked, in a real browser: over the film, and with it wherever the viewer takes it."""

from collections.abc import Callable
from io import BytesIO

import pytest
from django.urls import reverse
from model_bakery import baker
from PIL import Image
from playwright.sync_api import expect

from backoffice.tests import drawn
from imaging.models import XRayImage
from inference.models import DiagnosticModel, ModelResult, Prediction
from inference.tests.own_answers import has_read

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


def test_the_heat_lies_on_the_film_however_that_is_turned_and_fades(page_of, clinician, looked_at):
    has_read(clinician, looked_at.predictions.get())
    browser_page = page_of(clinician)
    browser_page.set_viewport_size({"width": 1280, "height": 900})
    browser_page.goto(reverse("admin:imaging_xrayimage_change", args=[looked_at.pk]))
    browser_page.locator(".film.is-working").wait_for()
    heat = browser_page.locator("[data-heat]")
    expect(heat).to_be_hidden()
    browser_page.keyboard.press("o")
    expect(heat).to_be_visible()

    def place(is_right: Callable[[dict], bool]) -> dict:
        return drawn.when(browser_page, heat.bounding_box, is_right)

    def is_shaped(shape: float) -> Callable[[dict], bool]:
        return lambda box: box["width"] / box["height"] == pytest.approx(shape, rel=0.02)

    film = browser_page.locator("[data-film-pane]").bounding_box()
    middle = (film["x"] + film["width"] / 2, film["y"] + film["height"] / 2)
    shape = looked_at.width / looked_at.height
    fitted = place(is_shaped(shape))
    browser_page.keyboard.press("r")
    place(is_shaped(1 / shape))
    browser_page.keyboard.press("z")
    place(is_shaped(shape))
    browser_page.mouse.move(*middle)
    browser_page.mouse.wheel(0, 400)
    smaller = fitted["width"] * 0.549  # e to the power of -0.6
    place(lambda box: box["width"] == pytest.approx(smaller, rel=0.02))
    browser_page.get_by_label("Opacity").fill("30")
    expect(browser_page.locator("#heat-overlay")).to_have_css("opacity", "0.3")
