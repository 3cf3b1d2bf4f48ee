"""What `check --deploy` says of settings that would not work in earnest."""

import pytest
from django.db import OperationalError

from backoffice.checks import (
    links_in_mails_lead_here,
    mails_leave,
    redis_is_closed,
    somebody_can_sign_in,
    the_admin_takes_no_other_pages_address,
    the_proxy_is_believed,
)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("http://127.0.0.1:8000", ["collimator.W001"]),
        ("http://localhost", ["collimator.W001"]),
        ("https://[::1]:8000", ["collimator.W001"]),
        ("http://0.0.0.0:8000", ["collimator.W001"]),
        ("clinic.example", ["collimator.E001"]),
        ("https://clinic.example", []),
        ("https://10.0.0.5:8443", []),
    ],
)
def test_a_site_address_that_leads_patients_nowhere_is_said(settings, address, says):
    settings.SITE_URL = address
    assert [message.id for message in links_in_mails_lead_here(None)] == says


@pytest.mark.parametrize(
    ("address", "behind_proxy", "says"),
    [
        ("https://clinic.example", False, ["collimator.W002"]),
        ("https://clinic.example", True, []),
        ("http://10.0.0.5:8000", False, []),
    ],
)
def test_a_proxy_that_is_not_believed_is_said(settings, address, behind_proxy, says):
    settings.SITE_URL, settings.BEHIND_PROXY = address, behind_proxy
    assert [message.id for message in the_proxy_is_believed(None)] == says


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", []),
        ("redis://127.0.0.1:6379/0", []),
        ("unix:///run/redis.sock", []),
        ("rediss://:secret@10.0.0.5:6379/0", []),
        ("redis://:secret@10.0.0.5:6379/0", ["collimator.W005"]),
        ("rediss://10.0.0.5:6379/0", ["collimator.W003"]),
        ("redis://10.0.0.5:6379/0", ["collimator.W003", "collimator.W005"]),
    ],
)
def test_a_redis_that_stands_open_is_said(settings, url, says):
    settings.REDIS_URL = url
    assert [message.id for message in redis_is_closed(None)] == says


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("book/", "/book/"),
        ("bookings/desk/", "/bookings/<str:reference>/"),
        ("reports/", "/reports/<str:key>/"),
        ("now/", "/now/"),
        ("healthz/", "/healthz"),
        ("metrics/in/", "/metrics"),
        ("i18n/", "/i18n/setlang/"),
        ("static/", "/static/"),
        ("private-files/", "/private-files/"),
        ("booking/", None),
        ("desk-7f3k/book/", None),
        ("admin/", None),
    ],
)
def test_an_admin_in_the_place_of_another_page_is_refused_by_that_pages_address(settings, path, names):
    settings.ADMIN_PATH, settings.X_ACCEL_LOCATION = path, "/private-files/"
    found = the_admin_takes_no_other_pages_address(None)
    assert [message.id for message in found] == (["collimator.E003"] if names else [])
    assert all(f"begins as {names} does" in message.msg for message in found)


@pytest.mark.parametrize(("backend", "says"), [("console", ["collimator.W006"]), ("smtp", [])])
def test_mails_that_would_be_printed_into_a_log_are_said(settings, backend, says):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    assert [message.id for message in mails_leave(None)] == says


@pytest.mark.django_db
def test_a_site_without_anybody_says_how_the_first_administrator_is_made(administrator, monkeypatch):
    assert somebody_can_sign_in(None) == []
    administrator.delete()
    [message] = somebody_can_sign_in(None)
    assert "createsuperuser" in message.hint

    def no_table(*_args, **_kwargs):
        raise OperationalError("no such table")

    monkeypatch.setattr("backoffice.models.User.objects.filter", no_table)
    assert somebody_can_sign_in(None) == []
