"""Every setting of the product, read from the environment (README, "Settings")."""

from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# -- where and how ------------------------------------------------------------------------------------------------
DATA_DIR = Path(env.str("DATA_DIR", str(BASE_DIR / "var"))).resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)
if (DATA_DIR / "settings.env").is_file():  # of an installation on one machine; the environment comes first
    env.read_env(str(DATA_DIR / "settings.env"))
IN_ENVIRONMENT = frozenset(env.ENVIRON)  # names of what is set there: the settings page says where a value comes from
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Plain http is for one machine only (the demo, tests); everything else runs behind TLS.
SECURE = env.bool("SECURE", True)

ROOT_URLCONF = "alignadmin.urls"
WSGI_APPLICATION = "alignadmin.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "heroicons",
    "rest_framework",
    "alignadmin.mail",
    "alignadmin.search",
    "alignadmin.wake_ups",
    "alignadmin.audit",
    "alignadmin.preferences",
    "alignadmin.accounts",
    "alignadmin.notifications",
    "connectors",
    "mappings",
    "alignadmin.site",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "alignadmin.site.middleware.Noting",
    "alignadmin.site.middleware.OneReading",
    "alignadmin.site.middleware.BodyLimit",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # These three outside of all that may answer by itself, as a refused host is: each of its answers has their headers.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "alignadmin.site.middleware.NoStore",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "alignadmin.site.middleware.PlainText",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "alignadmin.site.middleware.SessionLimits",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "alignadmin.site.middleware.ViewersZone",
    "alignadmin.site.middleware.LastConnector",
    "alignadmin.site.disconnected.Disconnected",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "alignadmin.site.navigation.shell",
            ],
            "builtins": ["alignadmin.web.icons", "alignadmin.web.template_words"],
        },
    }
]

# -- database -----------------------------------------------------------------------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'alignadmin.sqlite3'}")
}
ON_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if ON_SQLITE:
    # Without IMMEDIATE, a reading transaction that then writes meets "database is locked"; FULL keeps the journal,
    # secrets and audit entries over a power loss.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # What is deleted is overwritten, so that a destroyed secret's ciphertext is gone from the file too.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;",
    }
    # A file, so that the threads and processes of a test see one database.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # No request may hold a lock or a connection for ever; the waits are those of SQLite above.
    limits = {"lock_timeout": 20, "statement_timeout": 60, "idle_in_transaction_session_timeout": 60}
    DATABASES["default"]["OPTIONS"] = {"options": " ".join(f"-c {name}={value}s" for name, value in limits.items())}
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", 60)
# Shared by all processes: the attempts to sign in are counted here, and nothing else.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "connectors_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # Django's 300 would push out live counters once many addresses try
    }
}

# -- people ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "alignadmin.accounts.signin.password_validators.MaximumLength"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 15}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["name", "email"]},
    },
    {"NAME": "alignadmin.accounts.signin.password_validators.Guessable"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "alignadmin.accounts.signin.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_RATE_LIMITS = {
    "login": None,  # allauth's own, which would hold up known browsers, too
    "sign_in": "30/m/ip",
    # A key is an account at one address, a browser that is known, or the codes of an account.
    "login_failed": "5/15m/key",
    "login_failed_address": "20/15m/ip",
    "login_failed_account": "30/h/key",  # from everywhere; 720 guesses a day are nothing against 15 characters
    "reauthenticate": "10/m/user",
    "reset_password": "20/15m/ip,3/15m/key",
    "owner_link": "20/15m/ip",  # guesses at a link of 256 bits, and entries through one
}
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXIES", 0)  # in front of us, each adding to X-Forwarded-For
# Whoever may approve, apply or configure signs in with a second factor; off is for the demo only.
MFA_REQUIRED = env.bool("MFA_REQUIRED", True)
MFA_ADAPTER = "alignadmin.accounts.signin.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "AlignAdmin"
MFA_TOTP_TOLERANCE = 1  # periods of 30 s that a phone's clock may be fast or slow
MFA_PASSKEY_LOGIN_ENABLED = True  # a key that checks its owner signs in alone; no password can be guessed on that way
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE
SOCIALACCOUNT_ADAPTER = "alignadmin.accounts.signin.adapters.ProviderAdapter"
SOCIALACCOUNT_STORE_TOKENS = False
OIDC_SERVER = env.str("OIDC_SERVER", "")  # https://login.acme.com/realms/acme; empty: only passwords
if OIDC_SERVER:
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "APPS": [
                {
                    "provider_id": "oidc",
                    "name": env.str("OIDC_NAME", "single sign-on"),
                    "client_id": env.str("OIDC_CLIENT_ID"),
                    "secret": env.str("OIDC_CLIENT_SECRET"),
                    "settings": {"server_url": OIDC_SERVER},
                }
            ],
            "OAUTH_PKCE_ENABLED": True,
        }
    }
SESSION_IDLE = env.int("SESSION_IDLE", 30 * 60)  # seconds without a request of the person's own
SESSION_ABSOLUTE = env.int("SESSION_ABSOLUTE", 12 * 3600)
FRESH_SIGN_IN = env.int("FRESH_SIGN_IN", 10 * 60)  # for secrets, applies, exports and people
INVITATION_AGE = env.int("INVITATION_AGE", 7 * 24 * 3600)
PASSWORD_RESET_TIMEOUT = 3600

# -- e-mail ---------------------------------------------------------------------------------------------------------
EMAIL_URL = env.str("EMAIL_URL", "")  # smtp+tls://user:password@host:587; empty: nothing is sent, and pages say so
vars().update(env.email_url("EMAIL_URL", default="dummymail://"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", "alignadmin@localhost")
PUBLIC_ADDRESS = env.str("PUBLIC_ADDRESS", "http://localhost:8000")  # of the links in e-mails

# -- remote systems -------------------------------------------------------------------------------------------------
# "id:base64 of 32 bytes", the first seals, all open; never derived from SECRET_KEY.
SEAL_KEYS = env.list("SEAL_KEYS", default=[])
SEAL_KEYS_FILE = env.str("SEAL_KEYS_FILE", "")  # instead: the same entries, one a line, in a file only we may read
# host or host:port that may be private, loopback or plain http; everything else is https on public addresses.
ALLOWED_PRIVATE_HOSTS = env.list("ALLOWED_PRIVATE_HOSTS", default=[])
CONNECT_TIMEOUT = env.float("CONNECT_TIMEOUT", 3.0)
READ_TIMEOUT = env.float("READ_TIMEOUT", 15.0)
REQUEST_DEADLINE = env.float("REQUEST_DEADLINE", 20.0)
EGRESS_ADDRESSES = env.list("EGRESS_ADDRESSES", default=[])  # from which we call out: address or label=address
PREVIOUS_KEPT = env.float("PREVIOUS_KEPT", 24 * 3600.0)  # a replaced credential, before it is destroyed
PROBE_MAX_AGE = env.float("PROBE_MAX_AGE", 30 * 60.0)  # of the probe a switch relies on
CREDENTIAL_MAX_AGE_DAYS = env.int("CREDENTIAL_MAX_AGE_DAYS", 90)  # advised, of one without an expiry date
REMINDER_DAYS = env.list("REMINDER_DAYS", cast=int, default=[60, 30, 14, 7, 1])
REMINDER_RECIPIENTS = env.list("REMINDER_RECIPIENTS", default=[])  # besides owner and back-up owner
BUDGET_SLOTS = env.int("BUDGET_SLOTS", 540)
SITE_LIMIT = env.int("SITE_LIMIT", 600)  # requests in 60 s that Align documents to take; more slots do not start
BUDGET_RESERVED = env.int("BUDGET_RESERVED", 60)
BUDGET_WINDOW = env.float("BUDGET_WINDOW", 60.0)
BUDGET_GRACE = env.float("BUDGET_GRACE", 2.0)
BUDGET_BLOCK = env.float("BUDGET_BLOCK", 60.0)

# -- plan and apply -------------------------------------------------------------------------------------------------
APPLY_THREADS = env.int("APPLY_THREADS", 12)
APPLY_BATCH = env.int("APPLY_BATCH", 100)
APPLY_READ_MAX_AGE = env.float("APPLY_READ_MAX_AGE", 60.0)
PLAN_MAX_AGE = env.float("PLAN_MAX_AGE", 1800.0)
SENDING_GRACE = env.float("SENDING_GRACE", 5.0)
JOB_LEASE = env.float("JOB_LEASE", 30.0)
# Three beats in a lease and half a beat of patience, at least: else a job at work would be taken for one left alone.
JOB_HEARTBEAT = min(env.float("JOB_HEARTBEAT", 10.0), JOB_LEASE / 3)
JOB_HEARTBEAT_PATIENCE = min(env.float("JOB_HEARTBEAT_PATIENCE", 5.0), JOB_LEASE / 6)  # then a beat is given up
WORKER_THREADS = env.int("WORKER_THREADS", 4)
TICK = env.float("TICK", 5.0)
WORKER_SILENT_AFTER = env.float("WORKER_SILENT_AFTER", 60.0)  # of all workers, before pages and /readyz tell it
QUEUE_LATE_AFTER = env.float("QUEUE_LATE_AFTER", 900.0)  # of a job that waits for a worker, before /readyz tells it
READY_TOKEN = env.str("READY_TOKEN", "")  # who sends it as a bearer token gets the details of /readyz
DRIFT_CHECKS_KEPT_DAYS = env.int("DRIFT_CHECKS_KEPT_DAYS", 90)
CONTRACT_INTERVAL = env.float("CONTRACT_INTERVAL", 24 * 3600.0)  # between two looks at what Align answers
DIGEST_HOUR = env.int("DIGEST_HOUR", 6)  # UTC, of the e-mail about drift
DIGEST_RECIPIENTS = env.list("DIGEST_RECIPIENTS", default=None)  # None: those of reminders
AUDIT_INTERVAL = env.float("AUDIT_INTERVAL", 60.0)
CATALOGUE_INTERVAL = env.float("CATALOGUE_INTERVAL", 600.0)  # seconds between two readings of a site's lists; 0: never
CATALOGUE_SHARE = env.int("CATALOGUE_SHARE", 10)  # percent of the slots of bulk work that these readings may use
WEBHOOK_POLL_INTERVAL = env.float("WEBHOOK_POLL_INTERVAL", 60.0)  # seconds between two looks beside a webhook; 0: never
AGREEMENT_HOUR = env.int("AGREEMENT_HOUR", 1)  # UTC, at which all items are compared with their issues
AGREEMENT_POLL_INTERVAL = env.float("AGREEMENT_POLL_INTERVAL", 60.0)  # seconds between two looks at Align; 0: never
AGREEMENT_LEAST_LAG = env.float("AGREEMENT_LEAST_LAG", 300.0)  # seconds that a change may take at least to come over
# Live verification: seconds between two looks at the other system; after how many a change counts as not carried as
# usual, and how long it is looked for at most.
ROUND_TRIP_INTERVAL = env.float("ROUND_TRIP_INTERVAL", 5.0)
ROUND_TRIP_USUAL_LAG = env.float("ROUND_TRIP_USUAL_LAG", 300.0)
ROUND_TRIP_LONGEST = env.float("ROUND_TRIP_LONGEST", 600.0)
IN_USE_INTERVAL = env.float("IN_USE_INTERVAL", 3600.0)  # in which issues in unmapped statuses are counted; 0: never
AUDIT_CLOCK_SKEW = env.float("AUDIT_CLOCK_SKEW", 300.0)  # of Align's clock to ours, when lines are joined
AUDIT_MISSED = env.int("AUDIT_MISSED", 2)  # intervals without an intake, after which a gap is told
VERIFY_HOUR = env.int("VERIFY_HOUR", 2)  # UTC, of the nightly check of the whole history; below 0: never by the clock
CHECKPOINT_INTERVAL = env.float("CHECKPOINT_INTERVAL", 3600.0)
CHECKPOINT_FOLDER = Path(env.str("CHECKPOINT_FOLDER", str(DATA_DIR / "checkpoints")))
CHECKPOINT_URL = env.str("CHECKPOINT_URL", "")  # each checkpoint is posted there, too
CHECKPOINT_RECIPIENTS = env.list("CHECKPOINT_RECIPIENTS", default=[])
PACK_FOLDER = Path(env.str("PACK_FOLDER", str(DATA_DIR / "packs")))
PACK_KEPT = env.float("PACK_KEPT", 7 * 24 * 3600.0)  # a pack that somebody asked for; scheduled ones stay
QUERY_ROWS_KEPT = env.float("QUERY_ROWS_KEPT", 3600.0)  # rows that a query found, after its end
ARCHIVE_FOLDER = Path(env.str("ARCHIVE_FOLDER", str(DATA_DIR / "archives")))
RETENTION_MONTHS = env.int("RETENTION_MONTHS", 0)  # before entries may be archived away; 0: they stay, never under 12
AUDIT_OVERLAP = env.float("AUDIT_OVERLAP", 600.0)  # how far behind the newest line each intake starts

# -- web ------------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True  # allauth's pages; ours are English
DOCS = BASE_DIR / "docs"  # of this version, which the help shows
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "staticfiles"
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns about a missing folder at every start
STATICFILES_DIRS = [BASE_DIR / "static"]
# Without `collectstatic` (tests, the demo) files are served from where they are installed.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
MAX_BODY = env.int("MAX_BODY", 11 * 1024 * 1024)  # bytes of any request; pasted and uploaded log lines need most
DATA_UPLOAD_MAX_MEMORY_SIZE = 11 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # the list view of a large matrix has two selects a row
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
DEVICE_COOKIE_NAME = "__Host-device" if SECURE else "device"
SESSION_COOKIE_AGE = SESSION_ABSOLUTE
if ALLAUTH_TRUSTED_PROXY_COUNT:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # they end TLS, and set or remove this header
SECURE_SSL_REDIRECT = SECURE and env.bool("SSL_REDIRECT", True)
# Asked on this machine, behind the proxy that ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
FORM_RENDERER = "alignadmin.web.forms.Renderer"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["alignadmin.accounts.guard.HasRight"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "alignadmin.web.rest.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "alignadmin.web.rest.error_answer",
    "PAGE_SIZE": 100,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "AlignAdmin",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["alignadmin.accounts.guard.HasRight"],
    "ENUM_NAME_OVERRIDES": {
        "PlanStateEnum": "mappings.models.PlanState.choices",
        "ChangeStateEnum": "mappings.models.ChangeState.choices",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"()": "alignadmin.logs.OneLine", "format": "{asctime} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", "INFO")},
    "loggers": {
        "urllib3": {"level": "WARNING"},
    },
}
