"""What a fresh start does and refuses."""

import json
import subprocess
import sys

import pytest
from django.contrib.auth.models import Permission

from backoffice.access.roles import ROLES
from conftest import ROOT, Installation

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
def test_the_id_of_a_request_is_a_proxys_or_our_own_and_never_the_visitors(client, settings):
    chosen = {"X-Request-ID": "chosen-by-a-visitor"}
    assert client.get("/healthz", headers=chosen).headers["X-Request-ID"] != "chosen-by-a-visitor"
    settings.BEHIND_PROXY = True
    assert client.get("/healthz", headers=chosen).headers["X-Request-ID"] == "chosen-by-a-visitor"
    assert client.get("/healthz", headers={"X-Request-ID": "a\tb"}).headers["X-Request-ID"] != "a\tb"
