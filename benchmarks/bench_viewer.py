"""The viewer in Chromium: how soon a film shows, and what each frame costs while its window is dragged.

    python benchmarks/bench_viewer.py [--edge 4000] [--frames 120]

A film of 12 bits, edge × edge, served by gunicorn as in the Procfile. A machine without a GPU lets a processor play one
(SwiftShader), which says nothing of a GPU's own time; so the figures are those that a GPU does not change: what is
asked for before the film shows, our own JavaScript in each frame, how often it calls the GPU in one, and how often
pixels go there, which windowing must not do at all.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from installations import database, served
from playwright.sync_api import Page, ViewportSize, sync_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

EDGE, FRAMES = 4000, 120
WINDOW: ViewportSize = {"width": 1280, "height": 900}
SECONDS_TO_A_PICTURE, FRAME = 1.0, 1000 / 60  # ms
CHROMIUM = "/usr/bin/chromium"

# Counts calls of the GPU, and the time of our own frames. The viewer does not learn that a processor plays the GPU.
WATCHED = """{
  const told = (window.told = { calls: 0, uploads: 0, frames: [] });
  const gpu = WebGL2RenderingContext.prototype;
  const extension = gpu.getExtension;
  gpu.getExtension = function (name) {
    return name === "WEBGL_debug_renderer_info" ? null : extension.call(this, name);
  };
  for (const name of Object.getOwnPropertyNames(gpu)) {
    const { value } = Object.getOwnPropertyDescriptor(gpu, name);
    if (typeof value !== "function" || name === "getExtension") continue;
    gpu[name] = function (...given) {
      told.calls += 1;
      if (/^tex(Sub)?Image/.test(name)) told.uploads += 1;
      return value.apply(this, given);
    };
  }
  const frame = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (drawn) => frame((now) => {
    const [started, before] = [performance.now(), told.calls];
    drawn(now);
    if (told.calls > before) told.frames.push({ ms: performance.now() - started, calls: told.calls - before });
  });
}"""

# Milliseconds since the page was asked for, once what is named is there, and come if it is a picture.
WHEN = """(name) => new Promise((resolve) => {
  const look = () => {
    const element = document.querySelector(name);
    if (element && element.complete !== false) requestAnimationFrame(() => resolve(performance.now()));
    else setTimeout(look, 5);
  };
  look();
})"""
SHOWN, WORKING = "[data-film-picture]", ".film.is-working"


def keep_a_film(edge: int) -> None:
    """Keep it in the installation of this environment; its address and a session's key are left beside the database."""
    import django

    django.setup()
    from datetime import date

    import pydicom
    from django.core.files.base import ContentFile
    from django.core.management import call_command
    from django.test import Client
    from films import BITS, dicom, film

    from backoffice.models import User
    from clinic.models import Patient
    from imaging.storing import receive

    call_command("migrate", verbosity=0)
    patient = Patient.objects.create(full_name="Bench", date_of_birth=date(1970, 1, 1), sex="female")
    dataset = pydicom.dcmread(io.BytesIO(dicom()))
    dataset.Rows = dataset.Columns = edge
    dataset.PixelData = film((edge, edge), BITS).tobytes()
    target = io.BytesIO()
    dataset.save_as(target)
    kept = receive(ContentFile(target.getvalue(), name="film.dcm"), patient).xray
    assert kept
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    left = {"film": kept.pk, "session": client.cookies["sessionid"].value}
    Path(os.environ["DATA_DIR"], "left.json").write_text(json.dumps(left))


def measured(page: Page, address: str, frames: int) -> dict[str, float]:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address, wait_until="commit")
    shown, working = page.evaluate(WHEN, SHOWN), page.evaluate(WHEN, WORKING)
    pictures = [url for url in asked if url.rsplit("/", 2)[1] in ("pixels", "deep", "enhanced", "thumbnail")]
    return {"shown": shown, "working": working, "pictures": len(pictures), "requests": len(asked)} | dragged(
        page, frames
    )


def dragged(page: Page, frames: int) -> dict[str, float]:
    box = page.locator("[data-film-pane]").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.keyboard.press("w")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 5, y)
    deep = page.locator("[data-film-says=window]", has_text="W 4,")  # all its bits have come
    deep.wait_for()
    page.evaluate("told.uploads = 0, told.frames.length = 0")
    for step in range(frames):
        page.mouse.move(x + 5 + step % 60, y + step % 40)
    page.mouse.up()
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    told = page.evaluate("told")
    times = [frame["ms"] for frame in told["frames"]]
    return {
        "frames": len(times),
        "script": statistics.median(times),
        "slowest": max(times),
        "calls": max(frame["calls"] for frame in told["frames"]),
        "uploads": told["uploads"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--edge", type=int, default=EDGE, help="of the film, in pixels")
    parser.add_argument("--frames", type=int, default=FRAMES, help="that the window is dragged for")
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.keep:
        keep_a_film(options.edge)
        return
    with database(None) as environment:
        environment["DJANGO_SETTINGS_MODULE"] = "backoffice.settings"
        command = [sys.executable, __file__, "--keep", "--edge", str(options.edge)]
        subprocess.run(command, env=environment, check=True)
        left = json.loads(Path(environment["DATA_DIR"], "left.json").read_text())
        with served(environment) as port, sync_playwright() as playwright:
            site = f"http://127.0.0.1:{port}"
            executable = CHROMIUM if Path(CHROMIUM).exists() else None
            browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
            context = browser.new_context(viewport=WINDOW, locale="en")
            context.add_cookies([{"name": "sessionid", "value": left["session"], "url": site}])
            address = f"{site}/admin/imaging/xrayimage/{left['film']}/change/"
            context.new_page().goto(address)  # once, for what the server loads when it is first asked
            page = context.new_page()
            page.add_init_script(WATCHED)
            told = measured(page, address, options.frames)
            browser.close()
    tell(options.edge, told)


def tell(edge: int, told: dict[str, float]) -> None:
    print(
        f"A film of {edge} × {edge} pixels and 12 bits: {told['pictures']:.0f} request for its picture of "
        f"{told['requests']:.0f}; it shows {told['shown']:.0f} ms after the page was asked for, and its tools work "
        f"after {told['working']:.0f} ms.\n"
        f"While its window is dragged, {told['frames']:.0f} frames: {told['script']:.2f} ms of JavaScript each (the "
        f"slowest {told['slowest']:.2f}), at most {told['calls']:.0f} calls of the GPU, {told['uploads']:.0f} uploads."
    )
    broken = {
        "its picture takes more than one request": told["pictures"] != 1,
        "windowing sends pixels to the GPU again": told["uploads"] > 0,
        "a frame's JavaScript takes more than a quarter of its time": told["script"] > FRAME / 4,
    }
    if any(broken.values()):
        sys.exit("Does not hold: " + "; ".join(rule for rule, is_broken in broken.items() if is_broken))
    is_quick = told["shown"] < 1000 * SECONDS_TO_A_PICTURE
    print(f"Holds; within a second {'also' if is_quick else 'not'} on this machine at this moment.")


if __name__ == "__main__":
    main()
