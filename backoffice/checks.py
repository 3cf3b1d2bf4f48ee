"""What `check --deploy` asks beside Django's own questions."""

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

HINT = "Set SITE_URL to how patients reach the site, such as https://clinic.example."


@checks.register(deploy=True)
def links_in_mails_lead_here(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[checks.CheckMessage]:
    """SITE_URL is where patients reach the site: an address that only this machine knows leads them nowhere."""
    parts = urlsplit(settings.SITE_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return [checks.Error(f"SITE_URL={settings.SITE_URL!r} is no address.", hint=HINT, id="collimator.E001")]
    if is_this_machine(parts.hostname):
        what = "SITE_URL names this machine: the links in mails lead nowhere."
        return [checks.Warning(what, hint=HINT, id="collimator.W001")]
    return []


def is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
