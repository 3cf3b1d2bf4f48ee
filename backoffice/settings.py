"""One file of settings, read from the environment (and `.env`); secure unless DJANGO_DEBUG says otherwise.

Nothing has to be set to run on one machine. See `.env.example` for every variable.
"""

import logging
import os
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from backoffice.sealing import keys
from backoffice.served_at import BIND, served_at

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DJANGO_DEBUG", default=False)
# Whoever starts it: what any of its processes writes, SQLite's files among it, is for its own account alone.
os.umask(0o077)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)


def own_secret_key(path: Path) -> str:
    """The key of this one machine: made on the first start, kept readable by its owner only.

    Web and workers may start at the same moment, so the file appears whole or not at all: `link` fails where another
    process was first, and its key is read instead.
    """
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with open(os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="")
if not SECRET_KEY:
    if env.str("DATABASE_URL", default=""):
        raise ImproperlyConfigured(
            "DATABASE_URL is set, so several machines may serve this site and must share one key: "
            "set DJANGO_SECRET_KEY (50 or more random characters) on each of them."
        )
    SECRET_KEY = own_secret_key(DATA_DIR / "secret_key")

FIELD_KEYS = keys.checked(env.list("FIELD_KEYS", default=[]))

ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])

# -- Applications: our own first (their templates and commands win), from the ground up -------------------------------

INSTALLED_APPS = [
    "backoffice.apps.BackofficeConfig",
    "clinic.apps.ClinicConfig",
    "imaging.apps.ImagingConfig",
    "inference.apps.InferenceConfig",
    "import_export",  # before jazzmin, or exports ignore the list's filters
    "jazzmin",
    "backoffice.apps.SiteConfig",  # django.contrib.admin with our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",  # trigram indexes; asleep on SQLite
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "simple_history",
    "django_q",
    "django_htmx",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
]

MIDDLEWARE = [
    "backoffice.web.request_id.RequestIdMiddleware",
    "backoffice.measuring.requests.MetricsMiddleware",
    "backoffice.web.response_headers.HeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",  # as high up as this: for static files, and for whatever is refused on the way, too
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "backoffice.web.bodies.BodyLimitMiddleware",  # before the next one, which reads the form
    "django.middleware.csrf.CsrfViewMiddleware",
    "backoffice.access.admin_networks.AdminNetworksMiddleware",  # before anybody is looked up
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "backoffice.web.impossible_values.ImpossibleValuesMiddleware",
    "backoffice.access.session_expiry.SessionExpiryMiddleware",  # after the messages and htmx, which it speaks through
    "backoffice.access.language.ChosenLanguageMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
AUTH_USER_MODEL = "backoffice.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "backoffice.site.clinic",
            ],
        },
    },
]

# -- Database, cache, jobs --------------------------------------------------------------------------------------------

DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
# Opening one costs a request a fifth of its time: SQLite reads the whole schema, and writes its log back at each close.
DATABASES["default"]["CONN_MAX_AGE"] = 60
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at BEGIN, where SQLite waits for it; a lock taken later fails at once.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # No connection pool here: a pool's connections would be shared across the fork of a django-q2 worker.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Who is cut off from the database hears nothing, not even a refusal: it stops waiting within half a minute or so.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 10,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # ms
        **DATABASES["default"].get("OPTIONS", {}),
    }

REDIS_URL = env.str("REDIS_URL", default="")
if REDIS_URL and "socket_timeout" not in REDIS_URL:  # as above; the longest that anything waits there is a second
    REDIS_URL += ("&" if "?" in REDIS_URL else "?") + "socket_timeout=10&socket_connect_timeout=5"
# Both keep JSON: with Django's own pickle, whoever writes into Redis would run code in every process.
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"serializer": "backoffice.live.caches.JsonSerializer"},
        }
    }
else:
    CACHES = {
        "default": {
            "BACKEND": "backoffice.live.caches.JsonDatabaseCache",
            "LOCATION": "cache",
            # Django's own 300 would forget who has booked how often in the middle of a busy hour.
            "OPTIONS": {"MAX_ENTRIES": 10_000},
        }
    }

# The clusters' names. Inference has a cluster of its own, so that a mail never waits behind a batch of X-rays.
DEFAULT_CLUSTER = "default"
INFERENCE_CLUSTER = "inference"

# A task is locked from the moment it is prefetched, so `retry` must outlast every task ahead of it:
# retry > timeout * ceil((workers + queue_limit + 1) / workers).
Q_CLUSTER = {
    "name": DEFAULT_CLUSTER,
    "workers": 2,  # one for the import of a large file, of which there is never a second, and one for mail
    "queue_limit": 2,
    "timeout": 1800,  # the largest import takes a small part of it
    "retry": 5500,
    "poll": 0.5,
    "max_attempts": 5,
    "ack_failures": True,
    "catch_up": False,
    "save_limit": 1000,
    "label": _("Background jobs"),
    "redis" if REDIS_URL else "orm": REDIS_URL or "default",
    "ALT_CLUSTERS": {
        # One worker owns a device; it forks once and is not recycled, so the models stay loaded.
        INFERENCE_CLUSTER: {
            "workers": env.int("INFERENCE_WORKERS", default=1),
            "queue_limit": 1,
            "timeout": 900,
            "retry": 3000,
            "recycle": 10_000,
        },
    },
}


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """`203.0.113.7,10.0.0.0/8` → networks; an address alone is one."""
    try:
        return [ip_network(text.strip(), strict=False) for text in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}. Write it like 203.0.113.7,10.0.0.0/8.") from None


# -- The clinic -------------------------------------------------------------------------------------------------------

CLINIC_NAME = env.str("CLINIC_NAME", default="Riverside Clinic")
SERVED_AT = served_at(env.str("BIND", default=BIND))
# How patients reach the site: the links in mails begin with it, whoever caused them.
SITE_URL = env.str("SITE_URL", default=SERVED_AT).rstrip("/")
BOOKING_DAYS_AHEAD = env.int("BOOKING_DAYS_AHEAD", default=14)
BOOKING_MIN_SECONDS = env.int("BOOKING_MIN_SECONDS", default=2)
BOOKING_RATE_LIMIT = env.int("BOOKING_RATE_LIMIT", default=60)
BOOKING_RATE_LIMIT_PER_PERSON = env.int("BOOKING_RATE_LIMIT_PER_PERSON", default=10)
BOOKING_MOVES_LIMIT = env.int("BOOKING_MOVES_LIMIT", default=6)
REPORT_TRIES_LIMIT = env.int("REPORT_TRIES_LIMIT", default=10)
BOOKING_UNLIMITED_NETWORKS = networks("BOOKING_UNLIMITED_NETWORKS")
NATIONAL_ID_RULE = env.str("NATIONAL_ID_RULE", default="clinic.identity.taiwan_document")

# -- The second opinion -----------------------------------------------------------------------------------------------


def byte_size(name: str, default: str) -> int:
    """`8GB`, `512 MB` or plain bytes → bytes (powers of 1024, as memory is counted)."""
    text = env.str(name, default=default)
    number = text.strip().upper().removesuffix("B").strip()
    power = {"K": 1, "M": 2, "G": 3, "T": 4}.get(number[-1:], 0)
    try:
        return int(float(number[:-1] if power else number) * 1024**power)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={text!r} is not a size; write it like 8GB or 512MB.") from None


INFERENCE_DEVICE = env.str("INFERENCE_DEVICE", default="auto")
INFERENCE_MEMORY_LIMIT = byte_size("INFERENCE_MEMORY_LIMIT", default="8GB")
INFERENCE_HEATMAPS = env.bool("INFERENCE_HEATMAPS", default=True)
INFERENCE_TUNING = env.bool("INFERENCE_TUNING", default=True)
CONFIDENCE_THRESHOLD = env.float("CONFIDENCE_THRESHOLD", default=0.75)
PREDICTION_SET_COVERAGE = env.float("PREDICTION_SET_COVERAGE", default=0.9)
MAX_PREDICTIONS_PER_DAY = env.int("MAX_PREDICTIONS_PER_DAY", default=50)
MAX_BATCH_SIZE = env.int("MAX_BATCH_SIZE", default=32)
PREDICTION_LEASE_SECONDS = env.int("PREDICTION_LEASE_SECONDS", default=60)
PREDICTION_MAX_WAIT_MINUTES = env.int("PREDICTION_MAX_WAIT_MINUTES", default=10)
MAX_WAIT_HOURS = env.float("MAX_WAIT_HOURS", default=24)
URGENT_FINDINGS = env.list("URGENT_FINDINGS", default=["COVID"])
# What a file of weights may be, and what trying it may take: memory, and seconds of computing.
WEIGHTS_MAX_SIZE = byte_size("WEIGHTS_MAX_SIZE", default="1GB")
WEIGHTS_MEMORY_LIMIT = byte_size("WEIGHTS_MEMORY_LIMIT", default="4GB")
WEIGHTS_SECONDS = env.int("WEIGHTS_SECONDS", default=120)
REPORT_RETENTION_DAYS = env.int("REPORT_RETENTION_DAYS", default=365)

# -- Import and export ------------------------------------------------------------------------------------------------

IMPORT_LEASE_SECONDS = env.int("IMPORT_LEASE_SECONDS", default=120)

# -- Language and time ------------------------------------------------------------------------------------------------

LANGUAGE_CODE = env.str("CLINIC_LANGUAGE", default="en")  # for whoever asks for neither
LANGUAGES = [("en", _("English")), ("zh-hant", _("Traditional Chinese"))]
# The first wins: words of the templates of all apps, and what the libraries say in English alone.
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "libraries"]
TIME_ZONE = env.str("CLINIC_TIME_ZONE", default="Asia/Taipei")
USE_TZ = True
FORMAT_MODULE_PATH = ["backoffice.formats"]

# -- Files ------------------------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGE_URL = env.str("STORAGE_URL", default="")  # a store that speaks S3; else private files lie in DATA_DIR
STORAGES = {
    # Nothing uploaded is ever public: see backoffice/media.py.
    "default": {"BACKEND": "backoffice.web.remote_media.PrivateS3Storage", "OPTIONS": {"address": STORAGE_URL}}
    if STORAGE_URL
    else {"BACKEND": "backoffice.web.media.PrivateStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "backoffice.web.static_files.HashedStaticFiles"
    },
}
WHITENOISE_MANIFEST_STRICT = False  # vendored style sheets name source maps that they do not ship
MEDIA_ROOT = DATA_DIR / "media"
# Set where a proxy may send private files itself, once a view has said so: its internal location of MEDIA_ROOT.
X_ACCEL_LOCATION = env.str("X_ACCEL_LOCATION", default="")
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
FILE_UPLOAD_MAX_MEMORY_SIZE = 500_000  # bytes a file, so that the most files at once take 100 MB
DATA_UPLOAD_MAX_NUMBER_FILES = 200  # a day's films of a clinic; each waits in memory or as a temporary file
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000  # closing days posts a decision for each person who is booked on them

# Pictures and workbooks are read by children with these limits, as many at once as fit: see backoffice/files/.
FILE_MEMORY_LIMIT = byte_size("FILE_MEMORY_LIMIT", default="570MB")
FILE_SECONDS = env.int("FILE_SECONDS", default=8)  # of computing, not of waiting
FILES_AT_ONCE = env.int("FILES_AT_ONCE", default=0)  # 0: as many as a quarter of the memory holds, one for each core
PICTURE_MAX_PIXELS = env.int("PICTURE_MAX_PIXELS", default=64_000_000)
DICOM_MAX_ELEMENTS = env.int("DICOM_MAX_ELEMENTS", default=20_000)
XLSX_MAX_UNPACKED = byte_size("XLSX_MAX_UNPACKED", default="512MB")

# -- Backups ----------------------------------------------------------------------------------------------------------

BACKUP_FOLDER = Path(env.str("BACKUP_FOLDER", default=str(DATA_DIR / "backups")))
BACKUP_NIGHTLY = env.bool("BACKUP_NIGHTLY", default=True)
# Public keys: whoever has one of their private keys opens the archives, and this machine does not.
BACKUP_KEY = env.list("BACKUP_KEY", default=[])
BACKUP_PRIVATE_KEY_FILE = env.str("BACKUP_PRIVATE_KEY_FILE", default="")
BACKUP_KEEP_DAYS = env.int("BACKUP_KEEP_DAYS", default=7)
BACKUP_KEEP_WEEKS = env.int("BACKUP_KEEP_WEEKS", default=4)
BACKUP_KEEP_MONTHS = env.int("BACKUP_KEEP_MONTHS", default=6)

# -- Mail -------------------------------------------------------------------------------------------------------------

vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="clinic@localhost")
EMAIL_TIMEOUT = 20  # seconds; without one a silent mail server holds a worker until it is killed

# -- Security ---------------------------------------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "backoffice.access.passwords.NotTheClinicsWords"},
]
# Where who works here finds it, and from where alone, if any networks are named.
ADMIN_PATH = env.str("ADMIN_PATH", default="admin/")
if not re.fullmatch(r"/?[\w-]+(/[\w-]+)*/?", ADMIN_PATH, re.ASCII):
    raise ImproperlyConfigured(
        f"ADMIN_PATH={ADMIN_PATH!r} is no path; write it like back-office-7f3k/, or leave it out."
    )
ADMIN_PATH = ADMIN_PATH.strip("/") + "/"
ADMIN_NETWORKS = networks("ADMIN_NETWORKS")
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"  # where an address to go on to leads nowhere of ours

# A signed-in session ends after this long without work, and in any case after these hours.
SESSION_ENGINE = "backoffice.access.sessions"
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=30)
SESSION_MAX_HOURS = env.int("SESSION_MAX_HOURS", default=12)
SESSION_COOKIE_AGE = SESSION_MAX_HOURS * 3600

# Who guesses passwords is locked out with the name they guess at: never a whole address, which a clinic shares.
AUTHENTICATION_BACKENDS = ["backoffice.access.sign_in.Lockout", "django.contrib.auth.backends.ModelBackend"]
LOCKOUT_MINUTES = env.int("LOCKOUT_MINUTES", default=15)
AXES_FAILURE_LIMIT = env.int("LOCKOUT_AFTER_FAILURES", default=5)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=LOCKOUT_MINUTES)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # the page says how long: trying meanwhile makes it no longer
AXES_RESET_ON_SUCCESS = True
AXES_HANDLER = "backoffice.access.failed_sign_ins.BoundedHandler"
AXES_CLIENT_IP_CALLABLE = "backoffice.access.addresses.household"
AXES_LOCKOUT_CALLABLE = "backoffice.access.sign_in.locked_out"
AXES_ENABLE_ADMIN = False  # backoffice/admin/sign_ins.py shows what is worth reading, to read only
AXES_VERBOSE = False

OTP_TOTP_ISSUER = CLINIC_NAME

# How long the trail of who looked at what is kept, and who signed in; `purge` takes out what is older.
ACCESS_TRAIL_RETENTION_DAYS = env.int("ACCESS_TRAIL_RETENTION_DAYS", default=730)

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not DEBUG
CSRF_COOKIE_HTTPONLY = True  # each page has its token within
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY, LANGUAGE_COOKIE_SAMESITE = not DEBUG, True, "Lax"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]  # asked over plain HTTP from inside the machine room
# Asked for, and not there by itself: browsers keep to it for as long as it says, whatever becomes of the certificate.
SECURE_HSTS_SECONDS = env.int("HSTS_DAYS", default=0) * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", default=False)
# A list in every browser, which is hard to leave: for who owns the whole domain, and not for a check to ask for.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REFERRER_POLICY = "same-origin"  # a booking's address is its key: it must not leak to another site
X_FRAME_OPTIONS = "DENY"
BEHIND_PROXY = env.bool("DJANGO_BEHIND_PROXY", default=False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_FAILURE_VIEW = "backoffice.access.refused_forms.form_refused"
CSRF_TRUSTED_ORIGINS = env.list("DJANGO_TRUSTED_ORIGINS", default=[])

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}

# -- Metrics: nobody's, unless one of these is set ---------------------------------------------------------------------

METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS = [ip_network(text, strict=False) for text in env.list("METRICS_NETWORKS", default=[])]

# -- Logs: each line with its request's id, none with a patient's data: see backoffice/web/logs.py ---------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="text" if DEBUG else "json")
if LOG_FORMAT not in ("json", "text"):
    raise ImproperlyConfigured(f"LOG_FORMAT={LOG_FORMAT!r} is neither json nor text.")
SECURITY_LOG = env.str("SECURITY_LOG", default="")
logging.captureWarnings(True)  # Python's own too: to the logger py.warnings
logging.raiseExceptions = DEBUG  # Python would print what cannot be logged, as it was handed over


def logger_of(level: str = "INFO", handlers: Sequence[str] = ("stderr",)) -> dict[str, object]:
    return {"handlers": list(handlers), "level": level, "propagate": False}


WHO_TRIED = ("stderr", "security") if SECURITY_LOG else ("stderr",)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": f"backoffice.web.logs.{LOG_FORMAT.capitalize()}Formatter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "line"},
        # Opened anew where somebody has moved it away, such as logrotate.
        **(
            {
                "security": {
                    "class": "logging.handlers.WatchedFileHandler",
                    "formatter": "line",
                    "filename": SECURITY_LOG,
                }
            }
            if SECURITY_LOG
            else {}
        ),
    },
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "collimator.security": logger_of(handlers=WHO_TRIED),
        "django": logger_of(),
        "django.security": logger_of(handlers=WHO_TRIED),
        "django.server": logger_of("WARNING"),
        "environ": logger_of("WARNING"),  # nobody has to have a .env
        "axes": logger_of("WARNING"),
        # They tell sign by sign what a report is set with: whose it is, and what was found.
        "fontTools": logger_of("WARNING"),
        "fpdf": logger_of("WARNING"),
        # Every nudge is a line: right for an operator, but it would push the demo's addresses off the screen.
        "django-q": logger_of("WARNING" if DEBUG else "INFO"),
    },
}

# -- The admin's look -------------------------------------------------------------------------------------------------

from backoffice.look import JAZZMIN_SETTINGS, JAZZMIN_UI_TWEAKS  # noqa: E402, F401  (jazzmin reads them from here)
