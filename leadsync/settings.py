"""Settings, read from the environment; `.env.example` lists the variables.

A wrong value stops the start with an error that names the variable and what is allowed.
"""

import os
import zoneinfo
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from environs import Env, EnvError, validate

from contacts.phones import REGIONS
from leadsync.infra.db import PooledConnection
from leadsync.infra.files import OTHERS, keep_private
from leadsync.theme import UNFOLD  # noqa: F401 (a setting)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

os.umask(OTHERS)  # databases, spool and all else that we write
keep_private(VAR_DIR)

env = Env(eager=False)
env.read_env(BASE_DIR / ".env", recurse=False)

BOOLEAN: Any = {"error_messages": {"invalid": "use one of 1/0, true/false, yes/no, on/off."}}
ORIGIN = validate.Regexp("^https?://", error="begin each with https://.")
SITE = "write an address such as https://leads.example.com, without a slash at its end."
NUMBER: Any = {"error_messages": {"invalid": "use a whole number."}}
LONG_WORD = "use 16 or more letters, digits, - and _."


# Django

DEBUG = env.bool("DEBUG", False, **BOOLEAN)
SECRET_KEY = env.str("SECRET_KEY", "only-for-development" if DEBUG else "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [".localhost", "127.0.0.1", "[::1]"], subcast=str.strip)
CSRF_TRUSTED_ORIGINS: list[str] = env.list(
    "CSRF_TRUSTED_ORIGINS", [], subcast=str.strip, validate=lambda hosts: list(map(ORIGIN, hosts))
)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "leadsync",
    "contacts",
    "sarah",
    "monitoring",
]
MIDDLEWARE = [
    "leadsync.infra.requests.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "leadsync.middleware.CompressionMiddleware",
    "leadsync.middleware.BodyLimitMiddleware",
    "leadsync.middleware.NoStoreMiddleware",
    "leadsync.middleware.AbsurdFilterMiddleware",
    "leadsync.middleware.ContentSecurityPolicyMiddleware",
    "leadsync.middleware.SessionMiddleware",
    "leadsync.middleware.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "leadsync.middleware.AuthenticationMiddleware",
    "leadsync.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
CSRF_FAILURE_VIEW = "leadsync.error_pages.csrf_failure"
ROOT_URLCONF = "leadsync.urls"
WSGI_APPLICATION = "leadsync.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "leadsync" / "templates"],  # before Unfold's own
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: refuses before a password is hashed
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]


# Language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("id", _("Indonesian"))]
LANGUAGE_COOKIE_AGE = 31_536_000  # a year: people choose once
FORMAT_MODULE_PATH = "leadsync.formats"
USE_TZ = True
TIME_ZONE = env.str(
    "TIME_ZONE",
    "Asia/Jakarta",
    validate=validate.OneOf(
        zoneinfo.available_timezones(), error="use a zone such as Asia/Jakarta."
    ),
)


# Database

DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'leadsync.sqlite3'}")
LEADSYNC_DB_POOL_SIZE = env.int(
    "LEADSYNC_DB_POOL_SIZE", 8, validate=validate.Range(min=1, max=500), **NUMBER
)
LEADSYNC_DB_DIRECT = env.bool("LEADSYNC_DB_DIRECT", False, **BOOLEAN)
LEADSYNC_LOCK_TIMEOUT_MS = env.int(
    "LEADSYNC_LOCK_TIMEOUT_MS", 500, validate=validate.Range(min=10, max=4000), **NUMBER
)

try:
    DATABASE: dict[str, Any] = dict(dj_database_url.parse(DATABASE_URL))
except ValueError as error:
    raise ImproperlyConfigured(
        "DATABASE_URL is not usable: write sqlite:////absolute/path.sqlite3 or "
        "postgres://user:password@host:5432/name."
    ) from error

if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    if not str(DATABASE["NAME"]).startswith("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL must name a file: sqlite:////absolute/path.sqlite3"
        )
    VAR_DIR.mkdir(exist_ok=True)
    keep_private(*(Path(f"{DATABASE['NAME']}{end}") for end in ("", "-wal", "-shm")))
    DATABASE["CONN_MAX_AGE"] = 60  # closing the last one checkpoints the WAL, after each message
    # IMMEDIATE: with deferred transactions, two thirds of simultaneous read-then-write requests
    # fail with "database is locked". FULL: a message answered with 200 survives a power cut.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
    DATABASE["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
elif DATABASE["ENGINE"] == "django.db.backends.postgresql":
    DATABASE["CONN_HEALTH_CHECKS"] = True  # the pool checks a connection before lending it
    CONNECT_OPTIONS = f"-c statement_timeout=5000 -c lock_timeout={LEADSYNC_LOCK_TIMEOUT_MS}"
    DATABASE["OPTIONS"] = {
        **DATABASE.get("OPTIONS", {}),
        "connect_timeout": 3,
        # Where packets vanish, a statement fails within three seconds instead of a quarter of an
        # hour, and a bot, which waits for five, is answered: what was sent must be acknowledged
        # within two, and whom we wait for is asked after two. A busy database's kernel answers.
        "tcp_user_timeout": 2000,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 2,
        # Short: the pool doubles its pauses while the database is away, up to `reconnect_timeout`.
        "pool": {
            "min_size": 1,
            "max_size": LEADSYNC_DB_POOL_SIZE,
            "timeout": 1,
            "reconnect_timeout": 2,
            "connection_class": PooledConnection,
        },
    }
    if LEADSYNC_DB_DIRECT:
        # All depend on the database session, which pgbouncer's transaction pooling mixes up.
        DATABASE["OPTIONS"] |= {
            "options": CONNECT_OPTIONS,
            "server_side_binding": True,
            "prepare_threshold": 5,
        }
    else:
        DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = True
else:
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:// or postgres://.")

DATABASES = {"default": DATABASE}


# Security

LEADSYNC_PROXY_SECRET = env.str(
    "LEADSYNC_PROXY_SECRET",
    "",
    validate=validate.Regexp(r"\A([A-Za-z0-9_-]{16,})?\Z", error=LONG_WORD),
)
LEADSYNC_TRUSTED_PROXIES = env.int(
    "LEADSYNC_TRUSTED_PROXIES", 0, validate=validate.Range(min=0, max=10), **NUMBER
) or int(bool(LEADSYNC_PROXY_SECRET))
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", not DEBUG, **BOOLEAN)
# Prometheus and load balancers connect inside the network, without TLS.
SECURE_REDIRECT_EXEMPT = [
    *(r"^sarah/state/?$", r"^webhooks/kapso/", r"^healthz$", r"^readyz$", r"^metrics$")
]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if LEADSYNC_TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600  # seconds: how long a link to choose a password is valid
OTP_TOTP_ISSUER = "LeadSync"
AXES_HANDLER = "leadsync.lockout.Handler"
AXES_FAILURE_LIMIT = 1  # of what the handler returns: whether to wait
AXES_COOLOFF_TIME = timedelta(days=1)  # older failures are forgotten
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_LOCKOUT_CALLABLE = "leadsync.admin.login.too_many"
AXES_CLIENT_IP_CALLABLE = "leadsync.infra.requests.client_network"
AXES_CLIENT_STR_CALLABLE = "leadsync.lockout.in_logs"
AXES_ENABLE_ADMIN = False  # its pages are ours
AXES_VERBOSE = False
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        # A form may end in another site only by its redirects: the chat of a lead.
        "form-action": [SELF, "https://wa.me", "https://api.whatsapp.com"],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
        "manifest-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
    }
}


# Static files

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [("unfold/fonts", BASE_DIR / "leadsync" / "fonts")]  # a tenth of Unfold's
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "leadsync.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = True  # also serves what `collectstatic` has not collected yet


# API

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["leadsync.api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["leadsync.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "leadsync.api.lists.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "leadsync.api.errors.exception_handler",
    "NUM_PROXIES": LEADSYNC_TRUSTED_PROXIES,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "LeadSync",
    "DESCRIPTION": "The lead database for WhatsApp bots.",
    "VERSION": "1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "LeadStatusEnum": "contacts.workflow.LeadStatus",
        "ArchiveReasonEnum": "contacts.workflow.ArchiveReason",
        "AuthorKindEnum": "contacts.workflow.AuthorKind",
        "NoteKindEnum": "contacts.models.NoteKind",
        "KindEnum": "monitoring.kinds.Kind",
    },
}


# LeadSync

LEADSYNC_DEFAULT_REGION = env.str(
    "LEADSYNC_DEFAULT_REGION",
    "ID",
    validate=validate.OneOf(REGIONS, error="use two capital letters, such as ID or SG."),
)
LEADSYNC_STATUS_BY_STATE: Any = env.json("LEADSYNC_STATUS_BY_STATE", {})
LEADSYNC_MAX_FAILURES = env.int(
    "LEADSYNC_MAX_FAILURES", 1000, validate=validate.Range(min=1), **NUMBER
)
LEADSYNC_JOURNAL_DAYS = env.int(
    "LEADSYNC_JOURNAL_DAYS", 90, validate=validate.Range(min=1, max=3650), **NUMBER
)
LEADSYNC_JOURNAL_MAX_ROWS = env.int(
    "LEADSYNC_JOURNAL_MAX_ROWS", 1_000_000, validate=validate.Range(min=1000), **NUMBER
)
LEADSYNC_ERASURE_KEY = env.str(
    "LEADSYNC_ERASURE_KEY",
    "",
    validate=validate.Regexp(r"(.{32,})?\Z", error="use 32 or more random characters."),
)
LEADSYNC_METRICS_OPEN = env.bool("LEADSYNC_METRICS_OPEN", False, **BOOLEAN)
LEADSYNC_FAILED_AUTH_RATE = env.str(
    "LEADSYNC_FAILED_AUTH_RATE",
    "30/min",
    validate=validate.Regexp(r"^\d+/(sec|min|hour|day)$", error="use a rate such as 30/min."),
)
LEADSYNC_SPOOL_DIR = env.path("LEADSYNC_SPOOL_DIR", VAR_DIR / "spool")
LEADSYNC_SITE_URL = env.str(
    "LEADSYNC_SITE_URL", "", validate=validate.Regexp(r"(https?://[^/?#\s]+)?\Z", error=SITE)
)


# Kapso's API, for `kapso_backfill`

KAPSO_API_KEY = env.str("KAPSO_API_KEY", "")
KAPSO_API_URL = env.str(
    "KAPSO_API_URL",
    "https://api.kapso.ai",
    validate=validate.Regexp(r"https?://[^/?#\s]+\Z", error=SITE),
)


# E-mail, for alerts

EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", False, **BOOLEAN)
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", not EMAIL_USE_SSL, **BOOLEAN)
EMAIL_PORT = env.int(
    "EMAIL_PORT",
    465 if EMAIL_USE_SSL else 587,
    validate=validate.Range(min=1, max=65_535),
    **NUMBER,
)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 4  # seconds: a worker that is sending still stops within five
DEFAULT_FROM_EMAIL = env.str(
    "DEFAULT_FROM_EMAIL",
    "LeadSync <leadsync@localhost>",
    validate=validate.Regexp(
        r".*[^\s@]@[^\s@]+\Z", error="use a sender such as LeadSync <leads@example.com>."
    ),
)
EMAIL_BACKEND = (
    "django.core.mail.backends.console.EmailBackend"
    if DEBUG and not EMAIL_HOST
    else "django.core.mail.backends.smtp.EmailBackend"
)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("EMAIL_USE_SSL and EMAIL_USE_TLS exclude each other: set one.")


# Logs: no personal data, even if an exception's message carries some

LEADSYNC_LOG_LEVEL = env.str(
    "LEADSYNC_LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
)
LEADSYNC_LOG_FORMAT = env.str(
    "LEADSYNC_LOG_FORMAT", "text", validate=validate.OneOf(["text", "json"])
)
FORMATTER = "JSONFormatter" if LEADSYNC_LOG_FORMAT == "json" else "DiscreetFormatter"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"discreet": {"()": f"leadsync.infra.logs.{FORMATTER}"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "discreet"}},
    "root": {"handlers": ["stderr"], "level": LEADSYNC_LOG_LEVEL},
    "loggers": {
        # Django attaches handlers of its own to these two; send their records to ours.
        "django": {"handlers": [], "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "axes": {"level": "WARNING"},  # not each step of each log-in
    },
}

try:
    env.seal()
except EnvError as error:
    raise ImproperlyConfigured(f"The environment is not usable: {error}") from error
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is required when DEBUG is off: set it to 50 or more random characters."
    )
if not DEBUG and (len(SECRET_KEY) < 32 or SECRET_KEY.startswith("django-insecure-")):
    raise ImproperlyConfigured(
        "SECRET_KEY is too short or well known: set it to 50 or more random characters."
    )
