"""What `check`, and `check --deploy`, ask beside Django's own questions."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import DatabaseError
from django.urls import URLPattern, URLResolver
from django.utils.translation import override

from backoffice.access.gaps import gaps
from backoffice.files import modes
from backoffice.models import User
from backoffice.sealing.keys import OF_THE_SECRET_KEY

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


@checks.register(deploy=True)
def mails_leave(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[checks.CheckMessage]:
    """What a worker prints is its log, and each mail holds a key and somebody's address."""
    if settings.EMAIL_BACKEND != "django.core.mail.backends.console.EmailBackend":
        return []
    what = "EMAIL_URL is not set: mails reach nobody, and are printed into the worker's log, with the keys in them."
    hint = "Set EMAIL_URL to the mail server, such as smtp+tls://user:password@host:587."
    return [checks.Warning(what, hint=hint, id="collimator.W006")]


@checks.register(deploy=True)
def files_are_private(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[checks.CheckMessage]:
    """Whatever is open, identity numbers and the keys of sessions and second factors are among it."""
    if not (paths := modes.open_to_others()):
        return []
    what = f"Others on this machine can read {', '.join(map(str, paths))}."
    return [checks.Warning(what, hint="Run `manage.py migrate`, which closes them.", id="collimator.W004")]


@checks.register(deploy=True)
def the_proxy_is_believed(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[checks.CheckMessage]:
    """Somebody else speaks HTTPS for this site, so that every visitor seems to come from there."""
    if settings.BEHIND_PROXY or urlsplit(settings.SITE_URL).scheme != "https":
        return []
    what = (
        "SITE_URL is https, which a proxy speaks for this site, and DJANGO_BEHIND_PROXY is not set: all visitors share "
        "the proxy's address, so that one can use up the others' bookings, and pages redirect to themselves for ever."
    )
    hint = "Set DJANGO_BEHIND_PROXY=1 where the proxy sets X-Forwarded-Proto and -For itself, as docs/nginx.conf does."
    return [checks.Warning(what, hint=hint, id="collimator.W002")]


@checks.register(deploy=True)
def seals_have_a_key_of_their_own(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Else another secret key, such as after one was lost, leaves every national ID unreadable."""
    if settings.FIELD_KEYS and settings.FIELD_KEYS[0] != OF_THE_SECRET_KEY:
        return []
    what = "FIELD_KEYS is not set: national IDs and phones' secrets are sealed by DJANGO_SECRET_KEY, and go with it."
    hint = (
        "Set FIELD_KEYS, keep it apart from the backups, and run `manage.py rotate_keys`: “Keys” in docs/operating.md."
    )
    return [checks.Warning(what, hint=hint, id="collimator.W007")]


@checks.register(deploy=True)
def redis_is_closed(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[checks.CheckMessage]:
    """Whoever writes into it empties the queue of jobs and the limits on bookings; whoever listens reads the password.

    Tasks are signed with DJANGO_SECRET_KEY before they are pickled, so that neither of them has code run here.
    """
    parts = urlsplit(settings.REDIS_URL)
    if not settings.REDIS_URL or parts.scheme == "unix" or is_this_machine(parts.hostname or ""):
        return []
    see = "“Redis” in docs/operating.md."
    found: list[checks.CheckMessage] = []
    if not parts.password:
        what = "REDIS_URL names another machine and no password: whoever reaches that port may take jobs away."
        hint = f"Give Redis a password and a port that this site's machines alone reach: {see}"
        found.append(checks.Warning(what, hint=hint, id="collimator.W003"))
    if parts.scheme != "rediss":
        what = "REDIS_URL names another machine and no TLS: what is cached and the password are read on the way."
        hint = f"Write rediss://…, and give Redis a certificate; or keep it on this machine: {see}"
        found.append(checks.Warning(what, hint=hint, id="collimator.W005"))
    return found


@checks.register
def the_admin_takes_no_other_pages_address(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """Whatever lies below ADMIN_PATH is the admin's: a public page there would ask patients for a password."""
    taken = addresses_that_are_taken()
    begins = settings.ADMIN_PATH.split("/")[0]
    if begins not in taken:
        return []
    what = f"ADMIN_PATH={settings.ADMIN_PATH!r} begins as {taken[begins]} does, and one would hide the other."
    hint = "Write a path that begins otherwise, such as desk-7f3k/; unset, the admin lies at admin/."
    return [checks.Error(what, hint=hint, id="collimator.E003")]


@checks.register(deploy=True)
def somebody_can_sign_in(app_configs: Sequence[AppConfig] | None, **kwargs: object) -> list[checks.CheckMessage]:
    """A new installation has nobody. Where its tables are still to be made, or away, there is nothing to ask."""
    try:
        if User.objects.filter(is_staff=True, is_active=True).exists():
            return []
    except DatabaseError:
        return []
    what = "Nobody can sign in yet."
    return [checks.Info(what, hint="Make the first administrator: `manage.py createsuperuser`.", id="collimator.I001")]


def addresses_that_are_taken() -> dict[str, str]:
    """A whole address that is not the admin's, for each word that one begins with."""
    from backoffice.urls import public

    routes = [*routes_of(public), settings.STATIC_URL, settings.X_ACCEL_LOCATION]
    return {route.split("/")[1]: route for route in (f"/{route.lstrip('/')}" for route in reversed(routes))}


def routes_of(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = f"{before}{pattern.pattern}"
        yield from routes_of(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]


@checks.register(deploy=True)
def roles_leave_nothing_to_nobody(
    app_configs: Sequence[AppConfig] | None, **kwargs: object
) -> list[checks.CheckMessage]:
    """As somebody chose it, perhaps without knowing. Where the tables are still to be made there is nothing to ask."""
    try:
        with override("en"):
            told = list(map(str, gaps().values()))
    except DatabaseError:
        return []
    return [checks.Warning(what, hint="See “Roles” in the admin.", id="collimator.W008") for what in told]


def is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
