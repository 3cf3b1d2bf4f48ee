"""Films are uploaded in a real browser: many at once, good and bad, through a busy server and a lost connection."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, StorageState, expect

from backoffice.tests.installations import Installation
from imaging.tests.pictures import gradient, png
from imaging.tests.realfiles import manifest
from imaging.tests.test_dicom import film

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TAKE = "**/admin/imaging/xrayimage/take/"
LONG = 90_000  # ms
PATIENTS = 20
CLINIC = f"""
from django.contrib.auth.models import Group
from backoffice.models import User
from clinic.models import Patient
person = User.objects.create_user("clinician", password="a-site-of-these-tests", is_staff=True)
person.groups.add(Group.objects.get(name="Clinicians"))
for number in range({PATIENTS}):
    Patient.objects.create(full_name=f"Patient {{number}}", date_of_birth="1972-03-04", sex="female")
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory, migrated_sqlite) -> Iterator[tuple[Installation, str]]:
    """A real server with a clinician and some patients: many requests at once are what these tests are about."""
    made = Installation(tmp_path_factory.mktemp("site"))
    shutil.copy(migrated_sqlite, made.data_dir)
    made.python(CLINIC)
    _process, port = made.serve(WEB_WORKERS="1")
    yield made, f"http://127.0.0.1:{port}"
    made.close()


@pytest.fixture(scope="module")
def patients(site) -> Iterator[int]:
    """One for each test."""
    return iter([key for (key,) in site[0].query("SELECT id FROM clinic_patient ORDER BY id")])


@pytest.fixture(scope="module")
def signed_in(site, chromium: Browser) -> StorageState:
    page = chromium.new_page(base_url=site[1])
    sign_in(page)
    return page.context.storage_state()


def sign_in(page: Page) -> None:
    page.goto("/admin/login/")
    page.get_by_label("Username").fill("clinician")
    page.get_by_label("Password").fill("a-site-of-these-tests")
    page.get_by_label("Password").press("Enter")
    page.get_by_role("heading", level=1).wait_for()


@pytest.fixture
def patient(patients) -> int:
    return next(patients)


@pytest.fixture
def page(site, chromium: Browser, signed_in, patient) -> Iterator[Page]:
    """The upload page of the patient, for the clinician. What goes wrong in its scripts fails the test."""
    errors: list[str] = []
    size = {"width": 1280, "height": 900}
    context = chromium.new_context(
        base_url=site[1], viewport=size, locale="en", storage_state=signed_in, reduced_motion="reduce"
    )
    page = context.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"/admin/imaging/xrayimage/add/?patient={patient}")
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def kept(site, patient):
    """How many films the patient has."""
    return lambda: site[0].query(f"SELECT count(*) FROM imaging_xrayimage WHERE patient_id = {patient}")[0][0]  # noqa: S608


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "films"
    folder.mkdir()
    return folder


def written(folder: Path, **files: bytes) -> list[Path]:
    """`one_png=b"…"` is the file one.png."""
    paths = [folder / name.replace("_", ".") for name in files]
    for path, data in zip(paths, files.values(), strict=True):
        path.write_bytes(data)
    return paths


def row(page: Page, name: str):
    return page.locator(".upload-file").filter(has_text=name)


def upload(page: Page) -> None:
    page.get_by_role("button", name="Upload", exact=True).click()


def mixed_batch(folder: Path, number: int) -> tuple[list[Path], int]:
    """So many files, and how many of them are bad; some are real films, where there are any."""
    bad = {"notes.txt": b"no picture", "cut.png": png(1)[:-300], "empty.jpg": b"", "胸部.png": b"<html>"}
    good = {"film.dcm": film(gradient()), "陳怡君.dcm": film(gradient(), ViewPosition="PA")}
    for name, data in (bad | good).items():
        (folder / name).write_bytes(data)
    for real in manifest("cxr")[:4]:
        shutil.copy(real["path"], folder / f"real-{real['path'].name}")
    for one in range(number - len(list(folder.iterdir()))):
        (folder / f"film-{one}.png").write_bytes(png(one))
    return sorted(folder.iterdir()), len(bad)


@pytest.mark.parametrize(("width", "number"), [(1280, 40), (390, 12)])
def test_a_mixed_batch_is_uploaded_and_each_file_has_its_end(page: Page, folder, kept, width, number):
    page.set_viewport_size({"width": width, "height": 900})
    files, bad = mixed_batch(folder, number)
    page.locator("#id_files").set_input_files(files)
    expect(page.locator("[data-upload-sum]")).to_have_text(f"{number} on the list, not sent yet")
    upload(page)
    done = f"{number} of {number} done · {number - bad} kept · 0 already there · {bad} not kept"
    expect(page.locator("[data-upload-sum]")).to_have_text(done, timeout=LONG)
    expect(page.get_by_role("status").filter(has_text=done)).to_be_attached()
    assert kept() == number - bad

    expect(row(page, "cut.png")).to_contain_text("Not kept The picture is cut off")
    expect(row(page, "empty.jpg")).to_contain_text("Not kept The file is empty")
    expect(row(page, "陳怡君.dcm")).to_contain_text("Kept")
    page.get_by_role("button", name="Only what was not kept").click()
    expect(page.locator(".upload-file:visible")).to_have_count(bad)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page)
    assert (found.generate_report() if found.violations_count else "") == ""
    page.get_by_role("button", name="Only what was not kept").click()
    row(page, "film.dcm").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Patient")


def test_on_the_patients_page_films_are_sent_without_saving_it(page: Page, patient, folder, kept):
    page.goto(f"/admin/clinic/patient/{patient}/change/")
    page.locator("#id_files").set_input_files(written(folder, one_png=png(1)))
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="not sent yet")).to_be_visible()
    upload(page)
    expect(row(page, "one.png")).to_contain_text("Kept")
    assert kept() == 1
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="was changed successfully")).to_be_visible()
    assert kept() == 1


def test_a_folder_is_chosen_whole_and_the_same_file_twice_is_kept_once(page: Page, folder, kept):
    (folder / "inner").mkdir()
    for path in (folder / "film.png", folder / "inner" / "again.png"):
        path.write_bytes(png(1))
    (folder / ".DS_Store").write_bytes(b"of the system")
    page.locator("[data-upload-input=folder]").set_input_files(folder)
    expect(page.locator(".upload-file")).to_have_count(2)
    upload(page)
    expect(page.locator("[data-upload-sum]")).to_have_text("2 of 2 done · 1 kept · 1 already there · 0 not kept")
    assert kept() == 1


def test_what_the_server_cannot_take_now_and_what_is_lost_on_the_way_is_sent_again(page: Page, folder, kept):
    busy = {"name": "", "outcome": "busy", "told": ["Too many files are being read."], "film": None}
    troubles = iter(["busy", "lost", "away"])

    def meet(route: Route) -> None:
        match next(troubles, ""):
            case "busy":
                route.fulfill(json={"files": [busy]})
            case "lost":
                route.abort("connectionreset")
            case "away":
                route.fulfill(status=502, body="Bad Gateway")
            case _:
                route.continue_()

    page.clock.install()
    page.route(TAKE, meet)
    page.locator("#id_files").set_input_files(written(folder, one_png=png(1)))
    upload(page)
    one = row(page, "one.png")
    expect(one).to_contain_text("Sent again soon Too many files are being read.")
    page.clock.run_for(3_000)
    expect(one).to_contain_text("Sent again soon The connection was lost.")
    page.clock.run_for(5_000)
    expect(one).to_contain_text("Sent again soon The server could not take it now (error 502)")
    page.clock.run_for(10_000)
    expect(one).to_contain_text("Kept")
    assert kept() == 1


def test_a_server_that_stays_away_is_told_in_the_end_and_the_file_may_be_tried_again(page: Page, folder, kept):
    page.clock.install()
    page.route(TAKE, lambda route: route.abort("connectionrefused"))
    page.locator("#id_files").set_input_files(written(folder, one_png=png(1)))
    upload(page)
    one = row(page, "one.png")
    for _try in range(11):
        expect(one).to_contain_text("Sent again soon")
        page.clock.run_for(40_000)
    expect(one).to_contain_text("Not kept The server was not reached, time and again.")
    page.unroute(TAKE)
    page.get_by_role("button", name="Try one.png again").click()
    expect(one).to_contain_text("Kept")
    assert kept() == 1


def test_a_file_that_needs_an_answer_waits_for_it_and_is_sent_again_with_it(page: Page, folder, kept):
    question = {"name": "confirmed_because", "question": "Why is it this patient's?"}
    asks = {"name": "", "outcome": "asks", "told": ["It names another patient."], "film": None, "asks": question}
    sent: list[str] = []

    def meet(route: Route) -> None:
        sent.append(route.request.post_data_buffer.decode("latin-1"))
        route.fulfill(json={"files": [asks]}) if len(sent) == 1 else route.continue_()

    page.route(TAKE, meet)
    page.locator("#id_files").set_input_files(written(folder, one_png=png(1)))
    upload(page)
    expect(row(page, "one.png")).to_contain_text("Needs an answer It names another patient.")
    expect(page.locator("[data-upload-sum]")).to_contain_text("1 wait for an answer")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_label("Why is it this patient's?")).to_be_focused()
    page.get_by_label("Why is it this patient's?").fill("mistyped at the machine")
    page.keyboard.press("Enter")
    expect(row(page, "one.png")).to_contain_text("Kept")
    assert "mistyped at the machine" in sent[1]
    assert kept() == 1


def test_whoever_is_signed_out_meanwhile_signs_in_elsewhere_and_goes_on(page: Page, folder, kept):
    page.context.clear_cookies(name="sessionid")
    page.locator("#id_files").set_input_files(written(folder, one_png=png(1), two_png=png(2)))
    upload(page)
    expect(page.get_by_role("alert").filter(has_text="You were signed out.")).to_be_visible()
    expect(row(page, "one.png")).to_contain_text("Waits its turn")
    assert kept() == 0
    sign_in(page.context.new_page())  # which makes the form's token a stale one
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("[data-upload-sum]")).to_have_text("2 of 2 done · 2 kept · 0 already there · 0 not kept")
    assert kept() == 2


def test_what_is_cancelled_is_not_sent_and_may_be_tried_again_by_keyboard(page: Page, folder, kept):
    held: list[Route] = []
    is_held = True
    page.route(TAKE, lambda route: held.append(route) if is_held else route.continue_())
    page.locator("#id_files").set_input_files(written(folder, **{f"film{n}_png": png(n) for n in range(5)}))
    upload(page)
    expect(row(page, "film4.png")).to_contain_text("Waits its turn")
    page.get_by_role("button", name="Cancel film4.png").press("Enter")
    expect(row(page, "film4.png")).to_contain_text("Cancelled")
    expect(page.get_by_role("button", name="Try film4.png again")).to_be_focused()
    is_held = False
    for route in held:
        route.continue_()
    expect(page.locator("[data-upload-sum]")).to_have_text("5 of 5 done · 4 kept · 0 already there · 1 not kept")
    assert kept() == 4
    page.keyboard.press("Enter")
    expect(row(page, "film4.png")).to_contain_text("Kept")


def test_a_file_is_taken_off_the_list_by_keyboard_and_the_next_one_has_the_focus(page: Page, folder, kept):
    page.locator("#id_files").set_input_files(written(folder, **{f"film{n}_png": png(n) for n in range(3)}))
    page.get_by_role("button", name="Take film1.png off the list").press("Enter")
    expect(page.get_by_role("button", name="Take film2.png off the list")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Choose files")).to_be_focused()
    expect(page.locator("[data-upload-whole]")).to_be_hidden()


def test_a_page_that_was_loaded_anew_says_how_far_it_was_and_keeps_no_names(page: Page, folder, kept):
    page.route(TAKE, lambda route: None)
    page.on("dialog", lambda dialog: dialog.accept())
    page.locator("#id_files").set_input_files(written(folder, Chen_png=png(1), two_png=png(2)))
    upload(page)
    expect(row(page, "two.png")).to_contain_text("Being")
    page.reload()
    expect(page.get_by_role("alert").filter(has_text="0 of 2 had their answer")).to_be_visible()
    assert "Chen" not in page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")
    assert kept() == 0


def test_a_file_that_is_too_large_is_told_before_it_is_sent(page: Page, folder):
    sent = []
    page.on("request", lambda request: sent.append(request.url) if "/take/" in request.url else None)
    page.locator("#id_files").set_input_files(written(folder, large_png=bytes(10_000_001)))
    expect(row(page, "large.png")).to_contain_text("Not kept It is larger than the 10 MB")
    upload(page)
    expect(page.get_by_role("alert").filter(has_text="Choose some files first")).to_be_visible()
    assert sent == []


def test_what_is_wrong_with_the_form_is_told_and_the_files_stay_on_the_list(page: Page, folder):
    page.locator("#id_files").set_input_files(written(folder, one_png=png(1)))
    page.locator("#id_taken_on").fill("1970-01-01")
    upload(page)
    expect(page.get_by_role("alert").filter(has_text="The patient was born later")).to_be_visible()
    expect(row(page, "one.png")).to_contain_text("Not sent yet")
    page.locator("#id_taken_on").fill("2021-01-01")
    upload(page)
    expect(row(page, "one.png")).to_contain_text("Kept")


def test_without_its_script_the_form_sends_what_was_chosen(site, chromium: Browser, signed_in, patient, folder, kept):
    context = chromium.new_context(base_url=site[1], locale="en", storage_state=signed_in, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/admin/imaging/xrayimage/add/?patient={patient}")
    page.get_by_label("Choose X-rays").set_input_files(written(folder, one_png=png(1), notes_txt=b"no picture"))
    upload(page)
    expect(page.get_by_text("“one.png” is kept")).to_be_visible()
    expect(page.get_by_text("“notes.txt” was not kept.")).to_be_visible()
    context.close()
    assert kept() == 1
