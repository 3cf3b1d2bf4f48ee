"""Reading through the worklist in a real browser, by the keyboard alone."""

import pytest
from django.urls import reverse
from django.utils import timezone
from model_bakery import baker
from playwright.sync_api import Page, expect

from backoffice.models import Role
from imaging.models import XRayImage
from inference.models import Prediction, Reading
from inference.review import taking

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FILMS = 20
LAST = 6, 7  # of the first cases, those that are corrected and rejected


@pytest.fixture
def cases(make_xray) -> list[Prediction]:
    """So many films that nobody has read, on one picture's files."""
    first = make_xray()
    files = {name: getattr(first, name).name for name in ("original", "pixels", "thumbnail")}
    size = {"width": first.width, "height": first.height, "quality_issues": []}
    films = [
        first,
        *baker.make(
            XRayImage,
            sha256=iter(f"{n:064}" for n in range(1, FILMS)),
            _quantity=FILMS - 1,
            patient=first.patient,
            **files,
            **size,
        ),
    ]
    answered = {"status": "completed", "diagnosis": "Normal", "confidence": 0.9, "finished_at": timezone.now()}
    return [baker.make(Prediction, xray=film, review_reasons=[], provenance={}, **answered) for film in films]


def press(page: Page, *keys: str) -> None:
    """On the film's page, once its keys work."""
    page.locator(".film.is-working").wait_for()
    for key in keys:
        page.keyboard.press(key)


def read(page: Page, case: Prediction, diagnosis: str = "3", sure: str = "9") -> None:
    """One's own answer; the page then shows both."""
    page.wait_for_url(f"**/{case.xray_id}/change/**")
    expect(page.get_by_role("heading", name="What do you see?")).to_be_visible()
    press(page, diagnosis, sure)
    expect(page.locator(".compared")).to_be_visible()


def test_twenty_films_are_read_and_signed_by_keys_alone(page_of, clinician, cases):
    page = page_of(clinician)
    page.goto(reverse("worklist:list"))
    expect(page.locator("[data-case]")).to_have_count(FILMS)
    page.keyboard.press("n")
    for case in cases:
        read(page, case)
        press(page, "a")
    expect(page.get_by_role("heading", name="All is read")).to_be_visible()
    assert Prediction.objects.filter(is_validated=True, verdict="agreed", own_diagnosis="Normal").count() == FILMS
    assert Reading.objects.filter(is_blind=True, own_confidence=0.8, seconds__gt=0).count() == FILMS


def test_correcting_with_notes_rejecting_undoing_and_stepping_have_keys_too(page_of, clinician, cases):
    first, second, third = cases[:3]
    page = page_of(clinician)
    page.goto(reverse("worklist:list"))
    page.keyboard.press("n")
    read(page, first, "2", "0")
    press(page, "k")
    page.keyboard.press("ArrowDown")  # the choice has the focus: the first that is not the models'
    page.keyboard.press("Tab")
    page.keyboard.type("Ground glass, a1")  # keys are letters here
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    read(page, second)
    first.refresh_from_db()
    assert (first.verdict, first.final_diagnosis, first.review_notes) == ("corrected", "COVID", "Ground glass, a1")
    press(page, "u")  # takes back what was signed just now, and opens it
    page.wait_for_url(f"**/{first.xray_id}/change/**")
    first.refresh_from_db()
    assert not first.is_validated
    press(page, "j")
    page.keyboard.type("blurred")
    page.keyboard.press("Escape")
    press(page, "x")
    page.wait_for_url(f"**/{second.xray_id}/change/**")
    first.refresh_from_db()
    assert (first.verdict, first.review_notes) == ("rejected", "blurred")
    press(page, "n")
    page.wait_for_url(f"**/{third.xray_id}/change/**")
    press(page, "b")
    page.wait_for_url(f"**/{second.xray_id}/change/**")
    press(page, "?")
    helped = page.locator("[data-film-keys-list]").inner_text()
    for name in (
        "Agree: Normal",
        "Reject the answer",
        "Not assessable",
        "Next case",
        "Case before",
        "Notes",
        "Worklist",
    ):
        assert name in helped, name


def test_what_is_typed_right_after_its_key_is_the_note_and_no_keys(page_of, clinician, cases):
    page = page_of(clinician)
    page.goto(reverse("worklist:list"))
    page.keyboard.press("n")
    read(page, cases[0])
    page.locator(".film.is-working").wait_for()
    focused = page.evaluate("""async () => {
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "k", bubbles: true }));
        await null; // no task in between: another key may be the next one
        return document.activeElement.tagName;
    }""")
    assert focused == "SELECT"


def test_no_key_is_anothers_on_any_of_its_pages(page_of, clinician, cases):
    page = page_of(clinician)
    taking.take(cases[0].pk, by=clinician)
    address = reverse("admin:imaging_xrayimage_change", args=[cases[0].xray_id]) + "?worklist=all"
    for _closed_and_open in range(2):
        page.goto(address)
        page.locator(".film.is-working").wait_for()
        keys = page.locator("[data-film-key]").evaluate_all("all => all.map((one) => one.dataset.filmKey)")
        assert sorted(keys) == sorted(set(keys))
        Role.objects.update(reads_first=False)


@pytest.mark.parametrize("table", ["imaging/xrayimage", "inference/prediction"])
def test_the_lists_of_films_and_answers_fit_a_phone(page_of, clinician, make_xray, table):
    """The longest of their actions would be wider."""
    baker.make(Prediction, xray=make_xray())
    page = page_of(clinician)
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"/admin/{table}/")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
