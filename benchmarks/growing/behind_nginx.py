"""The site behind nginx, by docs/nginx.conf as it stands: HTTPS, uploads, downloads that nginx sends, and a restart
that nobody notices.

    python benchmarks/growing/behind_nginx.py

nginx gets other ports, a certificate that is made here, and these paths; nothing else is changed. gunicorn takes its
socket from this process as it does from systemd, so that who comes while it restarts waits and is not refused. Exits
with 1 where anything is otherwise than docs/growing.md says.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from installations import ROOT, database, manage, wait_for

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
TOKEN = "of-this-run-alone"  # noqa: S105
SECONDS = 12  # of visitors, with the restart in the middle

FILL = """
import datetime
from backoffice.models import User
from clinic.models import Patient
from clinic.tests.rush import book_one, offer_places
from clinic.models import Appointment
User.objects.create_superuser("admin", password="of-this-run-alone")
Patient.objects.create(full_name="Chen", date_of_birth=datetime.date(1980, 1, 1), sex="female")
offer_places(50)
book_one(1)
print(Appointment.objects.get().reference)
"""
FILM = """
import sys
from imaging.demo import png
from imaging.phantom import DIAGNOSES, render
sys.stdout.buffer.write(png(render(DIAGNOSES[0], 912_000, size=1200)))
"""


class Web:
    """gunicorn at a socket that outlives it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = self.listening.getsockname()[1]
        self.environment = environment | {"LISTEN_FDS": "1"}
        self.start()

    def start(self) -> None:
        # systemd gives the socket as descriptor 3, and the number of whom it is for.
        descriptor = self.listening.fileno()
        script = f'exec 3<&{descriptor}; export LISTEN_PID=$$; exec "$0" -m gunicorn backoffice.wsgi'
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", script, sys.executable],
            cwd=ROOT,
            env=self.environment,
            pass_fds=[descriptor],
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.port)

    def restart(self) -> float:
        """Seconds for which nobody answered."""
        began = time.monotonic()
        self.close()
        self.start()
        return time.monotonic() - began

    def close(self) -> None:
        self.process.terminate()
        assert self.process.wait() == 0


class Visitor(requests.Session):
    certificate = ""

    def __init__(self, site: str) -> None:
        super().__init__()
        self.site, self.verify = site, self.certificate
        self.trust_env = False  # which may name another list of certificates
        self.headers["Referer"] = "https://127.0.0.1/"  # as it is at HTTPS's own port

    def form(self, path: str, files: dict | None = None, **values: str) -> requests.Response:
        self.get(self.site + path, timeout=60)
        values["csrfmiddlewaretoken"] = self.cookies["csrftoken"] or ""
        return self.post(self.site + path, data=values, files=files, timeout=120, allow_redirects=False)


@contextmanager
def nginx(folder: Path, web: int, media: Path) -> Iterator[tuple[str, Path]]:
    """The address of the site, and nginx's access log."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        plain, secure = one.getsockname()[1], two.getsockname()[1]
    certificate, key, log = folder / "certificate.pem", folder / "key.pem", folder / "access.log"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    theirs = (ROOT / "docs" / "nginx.conf").read_text()
    for pattern, ours in {
        r"listen 80;": f"listen 127.0.0.1:{plain};",
        r"listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        r"server 127\.0\.0\.1:8000;": f"server 127.0.0.1:{web};",
        r"server_name clinic\.example;": "server_name 127.0.0.1;",
        r"/etc/ssl/clinic\.example/fullchain\.pem": str(certificate),
        r"/etc/ssl/clinic\.example/key\.pem": str(key),
        r"/var/log/nginx/collimator\.log": str(log),
        r"/var/log/nginx/collimator-errors\.log": str(folder / "errors.log"),
        r"alias /var/lib/collimator/media/": f"alias {media}/",
    }.items():
        theirs, n = re.subn(pattern, ours, theirs)
        assert n, f"docs/nginx.conf has no {pattern}"
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} pid {folder}/pid; daemon off; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ include /etc/nginx/mime.types; gzip on; {temporary}\n{theirs}\n}}\n"
    )
    process = subprocess.Popen([NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        Visitor.certificate = str(certificate)
        address = f"https://127.0.0.1:{secure}"
        visitor = Visitor(address)
        for _attempt in range(600):
            with suppress(requests.ConnectionError):
                visitor.get(f"{address}/healthz", timeout=10)
                break
            time.sleep(0.1)
        answer = visitor.get(f"http://127.0.0.1:{plain}/book/", allow_redirects=False, timeout=30)
        told("plain HTTP is led to HTTPS", answer.status_code == 301 and answer.headers["Location"].startswith("https"))
        yield address, log
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()


failures: list[str] = []


def told(what: str, is_so: bool) -> None:
    print(f"  {'ok  ' if is_so else 'FAIL'} {what}")
    if not is_so:
        failures.append(what)


def pages(site: str) -> None:
    visitor = Visitor(site)
    page = visitor.get(f"{site}/book/", timeout=60)
    told("a page comes by HTTPS, and asks for it", page.ok and "max-age" in page.headers["Strict-Transport-Security"])
    told("cookies go by HTTPS alone", all(cookie.secure for cookie in visitor.cookies))
    told("it is not packed, even where nginx packs what else it serves", "Content-Encoding" not in page.headers)
    named = re.search(r'"(/static/clinic/public\.[^"]+css)"', page.text)
    sheet = visitor.get(site + named[1] if named else site, timeout=60)
    told("a style sheet comes packed", sheet.headers.get("Content-Encoding") == "gzip")
    told("…and may be kept for ever", "immutable" in sheet.headers.get("Cache-Control", ""))
    large = visitor.post(f"{site}/book/", data={"full_name": "x" * 100_000}, timeout=60)
    told("a stranger's 100 kB are refused by nginx", large.status_code == 413 and "nginx" in large.text)
    inside = {path: visitor.get(f"{site}/{path}", timeout=60).status_code for path in ("healthz", "readyz", "metrics")}
    told(
        f"/healthz answers from inside, /metrics to a token: {inside}",
        inside["healthz"] == 200 and inside["metrics"] == 404,
    )
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    figures = visitor.get(f"{site}/metrics", headers=bearer, timeout=60).text
    told(
        "…and counts both workers' requests", 'view="clinic:choose"' in figures and "collimator_places_free" in figures
    )


def films(site: str, film: bytes) -> None:
    visitor = Visitor(site)
    signed_in = visitor.form("/admin/login/", username="admin", password="of-this-run-alone", next="/admin/")  # noqa: S106
    told("signing in", signed_in.status_code == 302)
    add = "/admin/imaging/xrayimage/add/"
    sent = visitor.form(add, files={"files": ("film.png", film)}, patient="1")
    told(f"a film of {len(film) / 1e6:.1f} MB is uploaded", sent.status_code == 302)
    original = f"{site}/admin/imaging/xrayimage/1/original/"
    whole = visitor.get(original, timeout=60)
    told("it comes back from nginx as it was", whole.content == film and "ETag" in whole.headers)
    told("…as a download that no page may show", "attachment" in whole.headers["Content-Disposition"])
    kept = {"X-Content-Type-Options", "Content-Security-Policy", "X-Request-ID", "Cache-Control"}
    told("…with the site's own headers", kept <= set(whole.headers) and "no-store" in whole.headers["Cache-Control"])
    told("…and the way to it is not told", "X-Accel-Redirect" not in whole.headers)
    part = visitor.get(original, headers={"Range": "bytes=100-199"}, timeout=60)
    told("a part comes as a part", part.status_code == 206 and part.content == film[100:200])
    told("nobody reaches the folder", visitor.get(f"{site}/private-files/", timeout=60).status_code == 404)
    stranger = Visitor(site).get(original, allow_redirects=False, timeout=60)
    told("a stranger is led to sign in", stranger.status_code == 302)


def a_restart(site: str, restart: Callable[[], float]) -> None:
    """Visitors who read and who send, without a pause."""
    outcomes: list[int | str] = []
    slowest = [0.0]
    until = time.monotonic() + SECONDS

    def visit(sends: bool) -> None:
        visitor = Visitor(site)
        visitor.get(f"{site}/book/", timeout=120)
        while time.monotonic() < until:
            began = time.monotonic()
            try:
                if sends:
                    data = {"language": "en", "next": "/book/", "csrfmiddlewaretoken": visitor.cookies["csrftoken"]}
                    answer = visitor.post(f"{site}/i18n/setlang/", data=data, timeout=120, allow_redirects=False)
                else:
                    answer = visitor.get(f"{site}/now/", timeout=120)
                outcomes.append(answer.status_code)
            except requests.RequestException as error:
                outcomes.append(type(error).__name__)
            slowest[0] = max(slowest[0], time.monotonic() - began)

    visitors = [threading.Thread(target=visit, args=(bool(number % 2),)) for number in range(6)]
    for each in visitors:
        each.start()
    time.sleep(SECONDS / 3)
    pause = restart()
    for each in visitors:
        each.join()
    wrong = [outcome for outcome in outcomes if outcome not in (200, 302)]
    told(
        f"{len(outcomes)} requests around a restart of {pause:.1f} s, the slowest {slowest[0]:.1f} s: "
        f"{len(wrong)} failed {sorted(set(map(str, wrong)))}",
        not wrong,
    )


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with ExitStack() as stack:
        environment = stack.enter_context(database(None))
        film = manage(environment, "shell", "--no-imports", "-c", FILM)
        environment |= {
            "DJANGO_DEBUG": "0",
            "DJANGO_BEHIND_PROXY": "1",
            "SITE_URL": "https://127.0.0.1",
            "HSTS_DAYS": "365",
        }
        environment |= {"X_ACCEL_LOCATION": "/private-files/", "METRICS_TOKEN": TOKEN}
        manage(environment, "migrate", "--verbosity", "0")
        manage(environment, "collectstatic", "--noinput", "--verbosity", "0")
        key = manage(environment, "shell", "--no-imports", "-c", FILL).decode().split()[-1]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nginx-")))
        web = Web(environment)
        stack.callback(web.close)
        print("Behind nginx")
        site, log = stack.enter_context(nginx(folder, web.port, Path(environment["DATA_DIR"], "media")))
        pages(site)
        films(site, film)
        a_restart(site, web.restart)
        private = Visitor(site).get(f"{site}/bookings/{key}/", timeout=60)
        told("a booking's key opens its page, and stands in no log", private.ok and key not in log.read_text())
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
