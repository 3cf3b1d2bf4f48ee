"""Links in mails lead to where the site listens, unless somebody says how patients reach it."""

import os
import subprocess
import sys

import pytest

from backoffice.served_at import served_at
from backoffice.tests.installations import ROOT


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("127.0.0.1:8903", "http://127.0.0.1:8903"),
        ("0.0.0.0:80", "http://127.0.0.1:80"),
        ("[::]:8903", "http://127.0.0.1:8903"),
        (":8903", "http://127.0.0.1:8903"),
        ("[::1]:8903", "http://[::1]:8903"),
        ("clinic.example:8903", "http://clinic.example:8903"),
        ("tcp://10.0.0.7:8903", "http://10.0.0.7:8903"),
        ("unix:/run/clinic.sock", "http://127.0.0.1:8000"),
        ("127.0.0.1:8001,127.0.0.1:8002", "http://127.0.0.1:8000"),
        ("", "http://127.0.0.1:8000"),
    ],
)
def test_it_is_reached_where_it_listens(bind, address):
    assert served_at(bind) == address


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        ({"BIND": "0.0.0.0:8903"}, "http://127.0.0.1:8903"),
        ({"BIND": "0.0.0.0:8903", "SITE_URL": "https://clinic.example/"}, "https://clinic.example"),
    ],
)
def test_mails_lead_there_unless_another_address_is_set(tmp_path, environment, address):
    environment = {**os.environ, "SITE_URL": "", "DATA_DIR": str(tmp_path), "DJANGO_DEBUG": "1", **environment}
    if not environment["SITE_URL"]:
        del environment["SITE_URL"]
    ask = [sys.executable, "-c", "from backoffice import settings; print(settings.SITE_URL)"]
    told = subprocess.run(ask, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == address
