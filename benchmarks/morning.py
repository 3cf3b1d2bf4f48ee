"""The busiest hour of one clinic's morning, and the people who make it: each a thread with a browser of its own.

Pages that are open ask for what is new as often as htmx does there, one request at a time; what people do by themselves
comes at moments that are drawn beforehand, so that a slow server is asked no less.
"""

import http.client
import json
import random
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from itertools import cycle, islice
from pathlib import Path
from urllib.parse import quote

from bench_booking import Browser, answers, details, national_ids

# In an hour, of one clinic: half of a morning's 60 bookings, as many people who come, and half of its 40 films.
BOOKINGS, PRESSES, FILMS, LISTS = 30, 90, 20, 120
# Open all the time, and every how many seconds each asks for what is new.
WAITING_ROOM, DESKS, BOARDS, WORKLISTS, BELLS = (10, 10), (3, 3), (1, 4), (2, 5), (6, 30)

OFFERED = 2  # each patient takes one of so many times that are offered first
ANSWERED_WITHIN = 60  # seconds for which somebody watches their film's answer come

LOOKED_AT = (
    "/admin/clinic/patient/",
    "/admin/clinic/patient/?q=Chen",
    "/admin/clinic/appointment/",
    "/admin/clinic/clinicsession/",
    "/admin/imaging/xrayimage/",
    "/admin/clinic/patient/?q=0912",
)
KINDS = {
    "booking, a page": r"GET /book/",
    "booking, a form": r"POST /book/(details/)?$",
    "booking, its last form": r"POST /book/survey/",
    "a patient's own page": r"GET /bookings/",
    "the board": r"GET /now/",
    "a desk, live": r"GET \S+/desk/",
    "a desk, pressed": r"POST \S+/desk/",
    "a film, sent": r"POST \S+/take/",
    "the models, asked": r"POST \S+/ask/",
    "… their answer, live": r"GET \S+/answer/",
    "the worklist, live": r"GET \S+/worklist/live/",
    "the bell": r"GET \S+/bell/",
    "lists, searches, records": r"GET /admin/",
}


def kind_of(request: str) -> str:
    return next(kind for kind, pattern in KINDS.items() if re.match(pattern, request))


@dataclass(frozen=True)
class Site:
    """What whoever plays has to know of it."""

    port: int
    desk: str  # the address of the running session's desk
    bookings: list[str]  # the keys of those who are booked on it
    staff: dict[str, str]  # a session's key for each role
    patients: list[int]
    films: str  # a folder of files


@dataclass(frozen=True)
class Took:
    kind: str
    began: float  # seconds after the step's own beginning
    seconds: float
    wrong: str = ""


@dataclass
class Told:
    """What one process saw of a step."""

    took: list[Took] = field(default_factory=list)
    booked: int = 0
    told_full: int = 0
    skipped: int = 0  # looks that a page left out, as one before was still on its way
    answered: list[float] = field(default_factory=list)  # seconds from asking the models to their answer
    processor: float = 0


class Visitor(Browser):
    """Notes what each request took."""

    def __init__(self, player: "Player", role: str = "") -> None:
        statuses: Counter[int] = Counter()
        super().__init__(player.site.port, ".".join(str(random.randrange(1, 255)) for _part in range(4)), statuses)
        self.player = player
        self.beside: dict[str, str] = {}  # further headers
        if role:
            self.cookies["sessionid"] = player.site.staff[role]

    def exchange(
        self, method: str, path: str, body: str | bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, str]:
        kind, began, wrong = kind_of(f"{method} {path}"), time.time(), ""
        try:
            answer, text = super().exchange(method, path, body, headers | self.beside)
            leads_to = answer.headers.get("Location", "") + answer.headers.get("HX-Redirect", "")
            wrong = f"{answer.status} {leads_to}" if answer.status >= 400 or "/login/" in leads_to else ""
            return answer, text
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            wrong = type(error).__name__
            raise
        finally:
            self.player.note(Took(kind, began - self.player.began, time.time() - began, wrong))

    def by_htmx(self, method: str, path: str, **fields: str) -> str:
        self.beside = {"HX-Request": "true"}
        try:
            return self.get(path)[1] if method == "GET" else self.post(path, fields)[1]
        finally:
            self.beside = {}

    def send_file(self, path: str, file: Path, **fields: str) -> str:
        edge = uuid.uuid4().hex
        lines = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (fields | {"csrfmiddlewaretoken": self.cookies["csrftoken"]}).items()
        ]
        lines.append(f'--{edge}\r\nContent-Disposition: form-data; name="files"; filename="{file.name}"\r\n\r\n')
        self.beside = {"Content-Type": f"multipart/form-data; boundary={edge}"}
        body = "".join(lines).encode() + file.read_bytes() + f"\r\n--{edge}--\r\n".encode()
        try:
            return self._ask("POST", path, body)[1]
        finally:
            self.beside = {}


class OpenPage:
    """A page that asks for what is new, and names what it shows."""

    def __init__(self, player: "Player", path: str, role: str = "") -> None:
        self.browser, self.path, self.seen, self.shown = Visitor(player, role), path, "", ""

    def look(self) -> None:
        self.shown = self.browser.by_htmx("GET", f"{self.path}seen={self.seen}") or self.shown
        if named := re.search(r"[?;]seen=([^\"&]*)", self.shown):
            self.seen = unescape(named[1])


class Desk(OpenPage):
    def press(self) -> None:
        """Be done with somebody, where as many are called as there are desks; else call the next, or check one in."""
        buttons = {step: value for value, step in re.findall(r'name="do" value="((\w+):[^"]+)"', self.shown)}
        steps = ["call_next", "check_in", "done"]
        if self.shown.count('value="done:') >= DESKS[0]:
            steps.sort(key="done".__ne__)
        if value := next((buttons[step] for step in steps if step in buttons), None):
            self.shown = self.browser.by_htmx("POST", self.path.rstrip("?"), do=value)


class Player:
    """One process's share of the people of a step, which begins at a moment of `time.time`."""

    def __init__(self, site: Site, times: int, began: float, seconds: float) -> None:
        self.site, self.times, self.began, self.seconds = site, times, began, seconds
        self.told, self.lock = Told(), threading.Lock()
        self.ids = national_ids(random.randrange(10**7))

    def play(self, part: int, of: int) -> Told:
        threading.stack_size(256 * 1024)
        before = time.process_time()
        people = [threading.Thread(target=self._live, args=(one,)) for one in islice(self.people(), part, None, of)]
        for person in people:
            person.start()
        for person in people:
            person.join()
        self.told.processor = time.process_time() - before
        return self.told

    def _live(self, one: Callable[[], None]) -> None:
        try:
            one()
        except (OSError, http.client.HTTPException):
            pass  # noted where it happened
        except Exception as error:  # a page that is not what it should be
            self.note(Took("a page", time.time() - self.began, 0, f"{type(error).__name__}: {error}"))

    def note(self, took: Took) -> None:
        with self.lock:
            self.told.took.append(took)

    # -- Who does what when -------------------------------------------------------------------------------------------

    def people(self) -> Iterator[Callable[[], None]]:
        """All of the step, in the same order and at the same moments in each process."""
        chance = random.Random(self.times)

        def every(seconds: int, page: OpenPage) -> Callable[[], None]:
            return partial(self.keep_looking, page.look, chance.uniform(0, seconds), seconds)

        def at_moments(in_an_hour: int) -> Iterator[float]:
            n = max(2, round(in_an_hour * self.times * self.seconds / 3600))
            return (chance.uniform(0, self.seconds) for _one in range(n))

        keys = cycle(self.site.bookings)
        for _one in range(WAITING_ROOM[0] * self.times):
            yield every(WAITING_ROOM[1], OpenPage(self, f"/bookings/{next(keys)}/?"))
        for _one in range(BOARDS[0] * self.times):
            yield every(BOARDS[1], OpenPage(self, "/now/?"))
        for _one in range(WORKLISTS[0] * self.times):
            yield every(WORKLISTS[1], OpenPage(self, "/admin/inference/worklist/live/?show=all&", "clinician"))
        for _one in range(BELLS[0] * self.times):
            yield every(BELLS[1], OpenPage(self, "/admin/live/bell/?", "desk"))
        presses = list(at_moments(PRESSES))
        desks = DESKS[0] * self.times
        for number in range(desks):
            yield partial(self.keep_the_desk, sorted(presses[number::desks]), chance.uniform(0, DESKS[1]))
        for doing, in_an_hour in {self.book: BOOKINGS, self.read_a_film: FILMS, self.look_around: LISTS}.items():
            for number, due in enumerate(at_moments(in_an_hour)):
                yield partial(self.once, due, partial(doing, number))

    def wait_until(self, due: float) -> None:
        time.sleep(max(0, self.began + due - time.time()))

    def once(self, due: float, doing: Callable[[], None]) -> None:
        self.wait_until(due)
        doing()

    def keep_looking(self, look: Callable[[], None], due: float, every: float) -> None:
        while due < self.seconds:
            self.wait_until(due)
            look()
            due += every
            while due < min(self.seconds, time.time() - self.began):
                due += every
                with self.lock:
                    self.told.skipped += 1

    def keep_the_desk(self, presses: list[float], first: float) -> None:
        desk = Desk(self, f"{self.site.desk}?", "desk")

        def look() -> None:
            desk.look()
            while presses and presses[0] < time.time() - self.began:
                presses.pop(0)
                desk.press()

        self.keep_looking(look, first, DESKS[1])

    # -- What they do -------------------------------------------------------------------------------------------------

    def book(self, number: int) -> None:
        """The whole way, to the private page, and a few looks at it."""
        browser = Visitor(self)
        _path, page = browser.get("/book/")
        offered = re.findall(r'name="session" value="([^"]+)"', page)
        if not offered:
            raise LookupError("no time is offered any more")
        browser.post("/book/", {"session": random.choice(offered[:OFFERED])})
        with self.lock:
            national_id = next(self.ids)
        _path, page = browser.post("/book/details/", details(national_id))
        path, page = browser.post("/book/survey/", answers(page))
        with self.lock:
            self.told.told_full += path == "/book/"
            self.told.booked += path == "/book/done/"
        if path == "/book/done/" and (own := re.search(r'"(/bookings/[^/"]+/)"', page)):
            browser.get(own[1])
        elif path != "/book/":
            raise LookupError(f"a booking ended at {path}")

    def read_a_film(self, number: int) -> None:
        """Send one, ask the models about it, and watch their answer come."""
        browser = Visitor(self, "clinician")
        browser.get("/admin/imaging/xrayimage/add/")
        patient = self.site.patients[number % len(self.site.patients)]
        film = taken(self.site.films)
        said = json.loads(browser.send_file("/admin/imaging/xrayimage/take/", film, patient=str(patient)))
        [told] = said["files"]
        if told["outcome"] != "kept":
            raise LookupError(f"a film was {told['outcome']}: {told['told']}")
        address = told["film"]["address"].removesuffix("change/")
        asked = time.monotonic()
        browser.post(f"{address}ask/", {})
        while time.monotonic() - asked < ANSWERED_WITHIN:
            time.sleep(1)
            if "hx-get" not in browser.by_htmx("GET", f"{address}answer/"):
                with self.lock:
                    self.told.answered.append(time.monotonic() - asked)
                return

    def look_around(self, number: int) -> None:
        Visitor(self, "administrator").get(quote(LOOKED_AT[number % len(LOOKED_AT)], safe="/?="))


def taken(folder: str) -> Path:
    """One of the films that nobody has sent: this process's alone from now on."""
    for file in sorted(Path(folder).glob("film-*")):
        with suppress(FileNotFoundError):  # another process was first
            return file.rename(file.with_name(f"taken-{file.name}"))
    raise LookupError("no films are left")


def warm_up(site: Site) -> None:
    """One film to its answer, for which a worker loads the models, and each of the pages that are looked at."""
    player = Player(site, 1, time.time(), 0)
    player.read_a_film(0)
    for number in range(len(LOOKED_AT)):
        player.look_around(number)


def play(site: Site, times: int, began: float, seconds: float, part: int, of: int) -> Told:
    """In a process of its own."""
    return Player(site, times, began, seconds).play(part, of)
