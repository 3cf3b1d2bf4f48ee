"""What a fresh start does and refuses."""

import importlib
import json
import re
import subprocess
import sys
from ipaddress import ip_network

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.urls import clear_url_caches
from django.utils.html import escape

from backoffice import urls
from backoffice.access.roles import ROLES
from backoffice.tests.installations import ROOT, Installation
from backoffice.tests.policy import faults_of, inline

HEAVY = ["torch", "timm", "cv2"]


def test_the_web_process_loads_no_models_library(tmp_path):
    """Every URL resolved, every admin registered: the whole of what gunicorn imports before its first request."""
    code = (
        "import json, sys; from backoffice.wsgi import application; from django.urls import get_resolver;"
        "get_resolver().url_patterns; from django.contrib import admin; assert admin.site._registry;"
        f"print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=Installation(tmp_path).environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == []


def settings_of(tmp_path, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; print(settings.SECRET_KEY, settings.DEBUG)"],
        env={**Installation(tmp_path).environment, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_a_first_start_makes_its_own_secret_key_and_keeps_it(tmp_path):
    first = settings_of(tmp_path, DJANGO_SECRET_KEY="", DJANGO_DEBUG="0").stdout
    assert len(first.split()[0]) > 50
    assert first.split()[1] == "False"
    assert settings_of(tmp_path, DJANGO_SECRET_KEY="", DJANGO_DEBUG="0").stdout == first
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_shared_database_asks_for_a_shared_secret_key(tmp_path):
    refused = settings_of(tmp_path, DJANGO_SECRET_KEY="", DATABASE_URL="postgres://nobody@127.0.0.1/nothing")
    assert refused.returncode != 0
    assert "set DJANGO_SECRET_KEY" in refused.stderr


@pytest.mark.parametrize("path", ["", "desk?a=b", ".*", "desk//in", "櫃檯"])
def test_no_start_with_an_admin_at_what_is_no_path(tmp_path, path):
    refused = settings_of(tmp_path, ADMIN_PATH=path)
    assert refused.returncode != 0
    assert f"ADMIN_PATH={path!r} is no path; write it like" in refused.stderr


def test_nothing_is_migrated_for_an_admin_in_the_place_of_the_booking(tmp_path):
    made = Installation(tmp_path, ADMIN_PATH="/book")
    command = [sys.executable, "manage.py", "migrate"]
    refused = subprocess.run(command, env=made.environment, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode != 0
    assert "ADMIN_PATH='book/' begins as /book/ does" in refused.stderr
    assert "Applying" not in refused.stdout


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_every_permission_that_a_role_names_exists(role):
    exist = {f"{p.content_type.app_label}.{p.codename}" for p in Permission.objects.select_related("content_type")}
    assert ROLES[role] - exist == set()


@pytest.mark.django_db
def test_health_says_up_and_ready(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.json()["checks"]["database"] == "ok"
    assert answer.json()["checks"]["migrations"] == "ok"
    assert answer.headers["X-Request-ID"]


@pytest.mark.django_db
@pytest.mark.parametrize("behind_proxy", [True, False])
def test_the_id_of_a_request_is_our_own_and_never_the_visitors(client, settings, behind_proxy):
    settings.BEHIND_PROXY = behind_proxy
    chosen = {"X-Request-ID": "chosen-by-a-visitor"}
    first, second = (client.get("/healthz", headers=chosen)["X-Request-ID"] for _time in range(2))
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/book/", "/nowhere/", "/bookings/nobody/", "/admin/login/", "/healthz", "/admin"])
def test_every_answer_asks_for_nothing_and_is_for_our_own_pages_alone(client, path):
    answer = client.get(path)
    assert faults_of(answer) == []
    assert "no-store" in answer.get("Cache-Control", "no-store" if answer.status_code == 301 else "")


@pytest.mark.parametrize(
    "html",
    [
        "<script>1</script>",
        "<style>a{}</style>",
        '<p style="color: red">',
        "<a onclick='x()'>",
        '<a href=" JavaScript:x()">',
        "<img src=x onerror=alert(1)>",
    ],
)
def test_the_eye_that_looks_for_what_runs_sees_it_and_no_text_that_looks_so(html):
    assert inline(f"<main>{html}</main>") != []
    assert inline(f'<script src="/a.js"></script><input value="{escape(html)}">{escape(html)}') == []


@pytest.mark.django_db
def test_so_do_those_that_refuse_and_those_that_break(client, monkeypatch):
    client.raise_request_exception = False
    assert faults_of(Client(enforce_csrf_checks=True).post("/book/")) == []
    assert faults_of(client.post("/book/", {"session": "x" * 100_000})) == []
    for path in ("/static/nowhere.css", "/static/", "/media/", "/.git/config", "/.env", "/static/../.env"):
        answer = client.get(path)
        assert (path, answer.status_code, faults_of(answer)) == (path, 404, [])
    assert [client.trace(path).status_code for path in ("/book/", "/bookings/x/", "/now/")] == [405] * 3
    monkeypatch.setattr("clinic.public.views.offered_days", lambda: 1 / 0)
    assert faults_of(client.get("/book/")) == []


@pytest.mark.django_db
def test_what_is_refused_is_kept_by_no_cache(client, front_desk):
    assert "no-store" in Client(enforce_csrf_checks=True).post("/book/")["Cache-Control"]
    client.force_login(front_desk)
    for path in ("/admin/clinic/openinghours/add/", "/admin/clinic/nowhere/"):
        assert "no-store" in client.get(path)["Cache-Control"]


def test_in_earnest_every_cookie_is_for_https_and_this_site_alone(tmp_path):
    code = (
        "import django; django.setup(); from django.test import Client\n"
        "c = Client(headers={'host': 'localhost', 'x-forwarded-proto': 'https'})\n"
        "c.post('/i18n/setlang/', {'language': 'zh-hant'}, secure=True)\n"
        "from django.conf import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE)\n"
        "print(s.SESSION_COOKIE_HTTPONLY, s.CSRF_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE, s.CSRF_COOKIE_SAMESITE)\n"
        "said = [[bool(it['secure']), bool(it['httponly']), it['samesite'], name] for name, it in c.cookies.items()]\n"
        "print(said)"
    )
    made = Installation(tmp_path, DJANGO_DEBUG="0", DJANGO_BEHIND_PROXY="1")
    done = subprocess.run([sys.executable, "-c", code], env=made.environment, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "True True",
        "True True Lax Lax",
        "[[True, True, 'Lax', 'django_language']]",
    ], done.stderr


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "forwarded", "behind_proxy", "status"),
    [
        ("10.1.2.3", "", False, 200),
        ("203.0.113.7", "", False, 404),
        ("203.0.113.7", "10.1.2.3", False, 404),
        ("203.0.113.7", "10.1.2.3", True, 200),
        ("10.1.2.3", "10.1.2.3, 203.0.113.7", True, 404),
        ("", "", False, 404),
        ("::ffff:10.1.2.3", "", False, 200),
    ],
)
def test_the_admin_is_not_there_for_who_comes_from_elsewhere(
    client, settings, address, forwarded, behind_proxy, status
):
    settings.ADMIN_NETWORKS, settings.BEHIND_PROXY = [ip_network("10.0.0.0/8")], behind_proxy
    asked = {"REMOTE_ADDR": address, "HTTP_X_FORWARDED_FOR": forwarded}
    answers = {path: client.get(path, **asked) for path in ("/admin/login/", "/admin", "/nowhere/", "/book/")}
    assert (answers["/admin/login/"].status_code, answers["/book/"].status_code) == (status, 200)
    if status == 404:
        for path in ("/admin/login/", "/admin"):
            assert without_token(answers[path].text) == without_token(answers["/nowhere/"].text).replace(
                "/nowhere/", path
            )


def without_token(page: str) -> str:
    return re.sub(r'(csrfmiddlewaretoken" value=")\w+', "", page)


@pytest.fixture
def elsewhere():
    """The admin at another address, for this test."""

    def lay_out():
        clear_url_caches()
        importlib.reload(urls)
        admin.site._menus.clear()
        admin.site._app_lists.clear()

    with override_settings(ADMIN_PATH="desk-7f3k/in/"):
        lay_out()
        yield
    lay_out()


@pytest.mark.django_db
@pytest.mark.usefixtures("elsewhere")
def test_the_admin_lies_where_it_is_told_to_and_nothing_leads_to_its_usual_place(client, administrator):
    assert [client.get(path).status_code for path in ("/admin/", "/admin/login/")] == [404, 404]
    assert client.get("/desk-7f3k/in/")["Location"] == "/desk-7f3k/in/login/?next=/desk-7f3k/in/"
    assert [path for path in ("/book/", "/now/", "/nowhere/", "/healthz") if "7f3k" in client.get(path).text] == []
    client.force_login(administrator)
    for path in ("", "clinic/patient/", "clinic/survey/", "inference/worklist/", "second-factor/"):
        page = client.get(f"/desk-7f3k/in/{path}").text
        assert "/desk-7f3k/in/clinic/patient/" in page
        assert '"/admin/' not in page
        assert 'action="/desk-7f3k/in/logout/"' in page
