"""The viewer in a real browser: what it shows of a film, by mouse, touch and keys, on a GPU and without one."""

import re
from datetime import date
from io import BytesIO

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image
from playwright.sync_api import Page, expect

from backoffice.models import AccessEvent
from backoffice.tests import drawn
from clinic.models import Patient
from imaging.models import XRayImage
from imaging.storing import receive
from imaging.tests.pictures import encoded, gradient
from imaging.tests.test_dicom import film

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# In a test a processor plays the GPU, which the viewer would rather do without: here it does not learn of that.
GPU = """{
  const plain = WebGL2RenderingContext.prototype.getExtension;
  WebGL2RenderingContext.prototype.getExtension = function (name) {
    return name === "WEBGL_debug_renderer_info" ? null : plain.call(this, name);
  };
}"""
WIDTHS = {"desktop": (1280, 900), "telephone": (390, 844)}


@pytest.fixture(params=["webgl2", "2d"])
def drawn_by(request) -> str:
    return request.param


@pytest.fixture
def patient(transactional_db) -> Patient:
    return Patient.objects.create(full_name="Chen Wei-Ting", date_of_birth=date(1972, 3, 4), sex="female")


def kept(patient: Patient, data: bytes, name: str = "film.dcm", **details) -> XRayImage:
    receipt = receive(ContentFile(data, name=name), patient, **details)
    assert not receipt.refusal
    return receipt.xray


@pytest.fixture
def two_shades(patient) -> XRayImage:
    """A 12-bit film whose halves differ by 8 of 4096 shades, which in 8 bits is half a shade; 0.2 mm a pixel."""
    values = np.full((240, 300), 2000, np.uint16)
    values[:, 150:] = 2008
    values[:4, :4], values[-16:] = 1, 4095  # bright enough in a strip that its window is believed
    return kept(
        patient, film(values, BitsStored=12, HighBit=11, WindowCenter=2048, WindowWidth=4096, PixelSpacing=[0.2, 0.2])
    )


@pytest.fixture
def earlier(patient) -> XRayImage:
    return kept(patient, encoded(gradient()), "film.png", taken_on=date(2026, 1, 5), view="PA")


@pytest.fixture
def viewer(request, page_of, clinician):
    """Opens a film in the viewer, signed in."""
    browser_page = page_of(clinician)
    if "drawn_by" in request.fixturenames and request.getfixturevalue("drawn_by") == "webgl2":
        browser_page.add_init_script(GPU)

    def open_film(xray: XRayImage, width: str = "desktop") -> Page:
        across, down = WIDTHS[width]
        browser_page.set_viewport_size({"width": across, "height": down})
        browser_page.goto(reverse("admin:imaging_xrayimage_change", args=[xray.pk]))
        browser_page.locator(".film.is-working").wait_for()
        return browser_page

    return open_film


def pane(page: Page, number: int = 0):
    return page.locator("[data-film-pane]").nth(number)


def says(page: Page, corner: str, number: int = 0):
    return pane(page, number).locator(f"[data-film-says={corner}]")


def greys(page: Page, *points: tuple[float, float]) -> list[int]:
    """The grey of the first pane at places of it, from 0 to 1."""
    shot = np.asarray(Image.open(BytesIO(pane(page).screenshot())).convert("L"))
    return [int(shot[round(y * shot.shape[0]), round(x * shot.shape[1])]) for x, y in points]


def expect_greys(page: Page, expected: list[int], *points: tuple[float, float], within: int = 0) -> list[int]:
    """`greys`, as soon as they are so: what is due is drawn in a frame of its own."""
    return drawn.when(page, lambda: greys(page, *points), lambda found: found == pytest.approx(expected, abs=within))


def middle(page: Page) -> tuple[float, float]:
    box = pane(page).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, by: tuple[int, int], button: str = "left") -> None:
    x, y = middle(page)
    page.mouse.move(x, y)
    page.mouse.down(button=button)
    page.mouse.move(x + by[0], y + by[1], steps=3)
    page.mouse.up(button=button)


LEFT_HALF, RIGHT_HALF = (0.3, 0.5), (0.7, 0.5)


def test_window_and_level_tell_apart_what_eight_bits_cannot(viewer, two_shades, drawn_by):
    page = viewer(two_shades)
    has_gl = "Boolean(document.querySelector('[data-film-pane] canvas').getContext('webgl2'))"
    assert page.evaluate(has_gl) == (drawn_by == "webgl2")
    grey = round(2000 / 4095 * 255)
    left, right = expect_greys(page, [grey, grey], LEFT_HALF, RIGHT_HALF, within=1)
    assert abs(left - right) <= 1
    page.get_by_label("Preset window").select_option("lungs")
    expect(says(page, "window")).to_have_text("W 8 · L 2,004")
    expect_greys(page, [0, 255], LEFT_HALF, RIGHT_HALF)
    page.keyboard.press("i")
    expect_greys(page, [255, 0], LEFT_HALF, RIGHT_HALF)
    page.keyboard.press("z")
    expect_greys(page, [left], LEFT_HALF)


def test_a_length_is_measured_by_keys_alone(viewer, two_shades):
    page = viewer(two_shades)
    for key in ("1", "m"):
        page.keyboard.press(key)
    expect(pane(page)).to_be_focused()
    expect(page.locator("[data-film-said]")).to_contain_text("Enter sets one end")
    for key in ("Enter", *["ArrowRight"] * 4, *["Shift+ArrowRight"] * 10, *["ArrowUp"] * 6, "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(pane(page).locator("text")).to_have_text("24.1 mm calibrated")  # 90 and 80 pixels
    expect(says(page, "window")).to_have_text("W 255 · L 128")  # the keys do nothing else meanwhile
    page.keyboard.press("Enter")
    expect(page.locator("[data-film-said]")).to_have_text("24.1 mm calibrated")
    for key in ("ArrowLeft", "Enter", "ArrowLeft", "ArrowLeft", "d"):  # another one, which ends with the mode
        page.keyboard.press(key)
    expect(pane(page).locator("text")).to_have_text(["24.1 mm calibrated", "8 mm calibrated"])
    expect(pane(page).locator(".is-cross")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(pane(page).locator("text")).to_have_count(0)


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_worked_by_mouse_and_keys(viewer, two_shades, width):
    page = viewer(two_shades, width)
    expect(page.get_by_text("Not for primary diagnosis on an uncalibrated screen.")).to_be_visible()
    page.keyboard.press("1")
    expect(says(page, "zoom")).to_have_text("Zoom 100 %")
    page.keyboard.press("m")
    drag(page, (-100, 0))
    expect(pane(page).locator("text")).to_have_text("20 mm calibrated")
    drag(page, (50, 30), button="right")
    expect(says(page, "window")).not_to_have_text("W 255 · L 128")
    x, y = middle(page)
    page.mouse.move(x - 50, y)
    before = pane(page).locator("circle").nth(1).get_attribute("cx")
    page.mouse.wheel(0, -400)
    expect(says(page, "zoom")).to_have_text("Zoom 182 %")
    after = pane(page).locator("circle").nth(1).get_attribute("cx")
    assert float(after) - float(before) == pytest.approx(-50 * 0.82, abs=1)  # 50 px left of what stands still
    page.keyboard.press("Escape")
    expect(pane(page).locator("text")).to_have_count(0)
    page.keyboard.press("r")
    expect(says(page, "turned")).to_have_text("In this view only: turned by 90°")
    page.keyboard.press("h")
    expect(says(page, "turned")).to_have_text("In this view only: turned by 90°, then mirrored")
    page.keyboard.press("z")
    expect(says(page, "turned")).to_have_text("")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text("Measure a length")).to_be_visible()
    expect(page.get_by_role("heading", name="Keys, mouse and touch")).to_be_in_viewport()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("s")
    page.locator(".film.is-full").wait_for()


def test_two_films_move_in_step_and_both_looks_are_noted(viewer, two_shades, earlier, clinician):
    page = viewer(two_shades)
    page.keyboard.press("c")
    expect(says(page, "zoom", 1)).to_be_visible()
    expect(pane(page, 1)).to_contain_text("PA · 5 Jan 2026")
    fitted = says(page, "zoom").text_content()
    pane(page).hover()
    page.mouse.wheel(0, -400)
    drag(page, (40, 0))
    expect(says(page, "zoom")).not_to_have_text(fitted)
    expect(says(page, "zoom", 1)).to_have_text(says(page, "zoom").text_content())
    page.keyboard.press("e")
    for number in range(2):
        expect(says(page, "window", number)).to_contain_text("Enhanced")
    looks = AccessEvent.objects.filter(user=clinician, action=AccessEvent.Action.PICTURE)
    assert set(looks.values_list("object_id", flat=True)) == {two_shades.pk, earlier.pk}


def test_the_first_picture_is_one_request_and_bits_are_asked_for_when_they_are_wanted(viewer, two_shades, browser_page):
    asked = []
    browser_page.on("request", lambda request: asked.append(request.url.rsplit("/", 2)[1]))
    page = viewer(two_shades)
    pictures = {"pixels", "deep", "enhanced"}
    assert [kind for kind in asked if kind in pictures] == ["pixels"]
    page.keyboard.press("w")
    drag(page, (10, 0))
    drag(page, (10, 0))
    expect(says(page, "window")).to_have_text(re.compile(r"^W 4,\d+"))
    assert [kind for kind in asked if kind in pictures] == ["pixels", "deep"]


COUNTED = """{
  const gpu = WebGL2RenderingContext.prototype, plain = gpu.texSubImage2D;
  window.uploads = 0;
  gpu.texSubImage2D = function (...given) { window.uploads += 1; return plain.apply(this, given); };
}"""


@pytest.mark.parametrize("drawn_by", ["webgl2"], indirect=True)
def test_windowing_sends_no_pixels_to_the_gpu_again(viewer, two_shades, browser_page, drawn_by):
    browser_page.add_init_script(COUNTED)
    page = viewer(two_shades)
    page.keyboard.press("w")
    drag(page, (10, 0))
    expect(says(page, "window")).to_have_text(re.compile(r"^W 4,\d+"))
    shown = says(page, "window").text_content()
    before = drawn.when(page, lambda: page.evaluate("uploads"), bool)
    drag(page, (40, 20))
    expect(says(page, "window")).not_to_have_text(shown)
    assert page.evaluate("new Promise(requestAnimationFrame).then(() => uploads)") == before


def test_two_fingers_zoom_and_one_measures(viewer, earlier):
    page = viewer(earlier, "telephone")
    x, y = middle(page)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": u, "y": v} for u, v in points]})

    page.keyboard.press("1")
    expect(says(page, "zoom")).to_have_text("Zoom 100 %")
    touch("touchStart", (x - 50, y))
    touch("touchStart", (x - 50, y), (x + 50, y))
    touch("touchMove", (x - 100, y), (x + 100, y))
    touch("touchEnd")
    expect(says(page, "zoom")).to_have_text("Zoom 200 %")
    page.get_by_role("button", name="Measure a length").click()
    touch("touchStart", (x - 50, y))
    touch("touchMove", (x + 50, y))
    touch("touchEnd")
    expect(pane(page).locator("text")).to_have_text("50 px, not calibrated")


@pytest.mark.parametrize("drawn_by", ["webgl2"], indirect=True)
def test_a_lost_gpu_leaves_the_film(viewer, two_shades, drawn_by):
    page = viewer(two_shades)
    page.get_by_label("Preset window").select_option("lungs")
    expect(says(page, "window")).to_have_text("W 8 · L 2,004")
    canvas = "document.querySelector('[data-film-pane] canvas')"
    page.evaluate(f"{canvas}.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()")
    drawn.when(page, lambda: page.evaluate(f"{canvas}.getContext('2d') !== null"), bool)
    expect_greys(page, [0, 255], LEFT_HALF, RIGHT_HALF)


def expect_accessible(page: Page) -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        found = Axe().run(page)
        assert (theme, found.generate_report() if found.violations_count else "") == (theme, "")


@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_use_it_by_day_and_by_night(viewer, two_shades, earlier, width):
    page = viewer(two_shades, width)
    page.keyboard.press("c")
    expect(says(page, "zoom", 1)).to_be_visible()
    # The arrow of a light page's lists would be dark on dark.
    expect(page.get_by_label("Preset window")).to_have_css("background-image", re.compile("dee2e6"))
    page.get_by_role("button", name="Shortcuts").click()
    expect_accessible(page)
    page.get_by_role("button", name="Close").click()
    expect_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_film_beside_it_that_does_not_come_says_so(viewer, two_shades, earlier):
    page = viewer(two_shades)
    page.route(f"**/{earlier.pk}/pixels/", lambda route: route.fulfill(content_type="image/png", body=b"cut off"))
    page.keyboard.press("c")
    expect(says(page, "turned", 1)).to_contain_text("did not come")
    page.get_by_label("Beside").select_option("")
    expect(page.locator("[data-film-pane]")).to_have_count(1)
    page.keyboard.press("r")
    expect(says(page, "turned")).to_contain_text("90°")
