"""Settings, read from the environment; `.env.example` lists the variables.

A wrong value stops the start with an error that names the variable and what is allowed.
"""

import os
import zoneinfo
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from environs import Env, EnvError, validate

from contacts.phones import REGIONS
from leadsync.databases import SQLITE, database_of
from leadsync.infra.files import OTHERS, keep_private
from leadsync.theme import UNFOLD  # noqa: F401 (a setting)

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

os.umask(OTHERS)  # databases, spool and all else that we write
keep_private(VAR_DIR)

env = Env(eager=False)
env.read_env(BASE_DIR / ".env", recurse=False)

ORIGIN = validate.Regexp("^https?://", error="begin each with https://.")
SITE = "write an address such as https://leads.example.com, without a slash at its end."
LONG_WORD = "use 16 or more letters, digits, - and _."


def flag(name: str, default: bool) -> Any:
    told: Any = {"error_messages": {"invalid": "use one of 1/0, true/false, yes/no, on/off."}}
    return env.bool(name, default, **told)


def number(name: str, default: int, *, low: int, high: int | None = None) -> Any:
    told: Any = {"error_messages": {"invalid": "use a whole number."}}
    return env.int(name, default, validate=validate.Range(min=low, max=high), **told)


def text(name: str, default: str, *, like: str, allowed: str) -> Any:
    return env.str(name, default, validate=validate.Regexp(like, error=allowed))


def choice(name: str, default: str, among: Iterable[str], *, allowed: str | None = None) -> Any:
    return env.str(name, default, validate=validate.OneOf(among, error=allowed))


# Django

DEBUG = flag("DEBUG", False)
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
TIME_ZONE = choice(
    "TIME_ZONE",
    "Asia/Jakarta",
    zoneinfo.available_timezones(),
    allowed="use a zone such as Asia/Jakarta.",
)


# Database

DATABASE_URL = env.str("DATABASE_URL", f"sqlite:///{VAR_DIR / 'leadsync.sqlite3'}")
LEADSYNC_DB_POOL_SIZE = number("LEADSYNC_DB_POOL_SIZE", 8, low=1, high=500)
LEADSYNC_DB_DIRECT = flag("LEADSYNC_DB_DIRECT", False)
LEADSYNC_LOCK_TIMEOUT_MS = number("LEADSYNC_LOCK_TIMEOUT_MS", 500, low=10, high=4000)

DATABASES = {
    "default": database_of(
        DATABASE_URL,
        pool_size=LEADSYNC_DB_POOL_SIZE,
        is_direct=LEADSYNC_DB_DIRECT,
        lock_timeout_ms=LEADSYNC_LOCK_TIMEOUT_MS,
    )
}
if DATABASES["default"]["ENGINE"] == SQLITE:
    VAR_DIR.mkdir(exist_ok=True)
    DATABASES["default"]["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}


# Security

LEADSYNC_PROXY_SECRET = text(
    "LEADSYNC_PROXY_SECRET", "", like=r"\A([A-Za-z0-9_-]{16,})?\Z", allowed=LONG_WORD
)
LEADSYNC_TRUSTED_PROXIES = number("LEADSYNC_TRUSTED_PROXIES", 0, low=0, high=10) or int(
    bool(LEADSYNC_PROXY_SECRET)
)
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", not DEBUG)
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

LEADSYNC_DEFAULT_REGION = choice(
    "LEADSYNC_DEFAULT_REGION", "ID", REGIONS, allowed="use two capital letters, such as ID or SG."
)
LEADSYNC_STATUS_BY_STATE: Any = env.json("LEADSYNC_STATUS_BY_STATE", {})
LEADSYNC_MAX_FAILURES = number("LEADSYNC_MAX_FAILURES", 1000, low=1)
LEADSYNC_JOURNAL_DAYS = number("LEADSYNC_JOURNAL_DAYS", 90, low=1, high=3650)
LEADSYNC_JOURNAL_MAX_ROWS = number("LEADSYNC_JOURNAL_MAX_ROWS", 1_000_000, low=1000)
LEADSYNC_ERASURE_KEY = text(
    "LEADSYNC_ERASURE_KEY", "", like=r"(.{32,})?\Z", allowed="use 32 or more random characters."
)
LEADSYNC_METRICS_OPEN = flag("LEADSYNC_METRICS_OPEN", False)
LEADSYNC_FAILED_AUTH_RATE = text(
    "LEADSYNC_FAILED_AUTH_RATE",
    "30/min",
    like=r"^\d+/(sec|min|hour|day)$",
    allowed="use a rate such as 30/min.",
)
LEADSYNC_SPOOL_DIR = env.path("LEADSYNC_SPOOL_DIR", VAR_DIR / "spool")
LEADSYNC_SITE_URL = text("LEADSYNC_SITE_URL", "", like=r"(https?://[^/?#\s]+)?\Z", allowed=SITE)


# Kapso's API, for `kapso_backfill`

KAPSO_API_KEY = env.str("KAPSO_API_KEY", "")
KAPSO_API_URL = text(
    "KAPSO_API_URL", "https://api.kapso.ai", like=r"https?://[^/?#\s]+\Z", allowed=SITE
)


# E-mail, for alerts

EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_USE_SSL = flag("EMAIL_USE_SSL", False)
EMAIL_USE_TLS = flag("EMAIL_USE_TLS", not EMAIL_USE_SSL)
EMAIL_PORT = number("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587, low=1, high=65_535)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 4  # seconds: a worker that is sending still stops within five
DEFAULT_FROM_EMAIL = text(
    "DEFAULT_FROM_EMAIL",
    "LeadSync <leadsync@localhost>",
    like=r".*[^\s@]@[^\s@]+\Z",
    allowed="use a sender such as LeadSync <leads@example.com>.",
)
EMAIL_BACKEND = (
    "django.core.mail.backends.console.EmailBackend"
    if DEBUG and not EMAIL_HOST
    else "django.core.mail.backends.smtp.EmailBackend"
)
if EMAIL_USE_SSL and EMAIL_USE_TLS:
    raise ImproperlyConfigured("EMAIL_USE_SSL and EMAIL_USE_TLS exclude each other: set one.")


# Logs: no personal data, even if an exception's message carries some

LEADSYNC_LOG_LEVEL = choice("LEADSYNC_LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"])
LEADSYNC_LOG_FORMAT = choice("LEADSYNC_LOG_FORMAT", "text", ["text", "json"])
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
