"""Django settings. Every environment variable that the product knows is read here, and only here.

Unset secrets are generated at first start and kept in `DATA_DIR`; nothing has a default that a stranger knows.
"""

import os
import sys
import tempfile
import warnings
from pathlib import Path

from omniroute.env import bind_address, data_dir, env, made, under_test
from omniroute.net import is_loopback, is_private
from omniroute.secrets import read_or_create

BASE_DIR = Path(__file__).resolve().parent.parent

# ---- Where things are -------------------------------------------------------------------------------------------
DATA_DIR = made(Path(tempfile.mkdtemp(prefix="omniroute-test-")) if under_test() else data_dir())
PORT = env.number("PORT", default=20128)
HOST = bind_address()
BASE_URL = env.address("BASE_URL") or env.address("NEXT_PUBLIC_BASE_URL") or f"http://localhost:{PORT}"
PROVIDERS_FILE = Path(env.str("OMNIROUTE_PROVIDERS_FILE", default="") or DATA_DIR / "providers.toml")

# ---- Secrets ----------------------------------------------------------------------------------------------------
SECRET_KEY = env.str("JWT_SECRET", default="") or read_or_create(DATA_DIR / "secret.key")
API_KEY_SECRET = env.str("API_KEY_SECRET", default="") or read_or_create(DATA_DIR / "api-key-secret.key")
ENCRYPTION_KEYS = env.list("ENCRYPTION_KEYS", default=[]) or [read_or_create(DATA_DIR / "encryption.key")]
GEMINI_CLI_OAUTH_CLIENT_SECRET = env.str("GEMINI_CLI_OAUTH_CLIENT_SECRET", default="")
IFLOW_OAUTH_CLIENT_SECRET = env.str("IFLOW_OAUTH_CLIENT_SECRET", default="")
INITIAL_PASSWORD = env.str("INITIAL_PASSWORD", default="")

# ---- The gateway ------------------------------------------------------------------------------------------------
REQUIRE_API_KEY = env.flag("REQUIRE_API_KEY", default=False) or not is_loopback(HOST)
"""Bound to more than loopback, a key is always required."""
ENABLE_REQUEST_LOGS = env.flag("ENABLE_REQUEST_LOGS", default=False)
MAX_BODY_BYTES = env.number("MAX_BODY_MB", default=32) * 1024 * 1024
SHUTDOWN_GRACE_S = env.number("SHUTDOWN_GRACE_SECONDS", default=30)
TRUSTED_PROXIES = env.proxies("TRUSTED_PROXIES")
"""Addresses whose X-Forwarded-For is believed. Anybody else could claim to be local."""
REDIS_URL = env.address("REDIS_URL")
ENVIRONMENT_PROXIES = {
    "http": env.str("http_proxy", default="") or env.str("HTTP_PROXY", default=""),
    "https": env.str("https_proxy", default="") or env.str("HTTPS_PROXY", default=""),
    "all": env.str("all_proxy", default="") or env.str("ALL_PROXY", default=""),
}
NO_PROXY = env.list("no_proxy", default=[]) or env.list("NO_PROXY", default=[])
SEMANTIC_CACHE_MAX_SIZE = env.number("SEMANTIC_CACHE_MAX_SIZE", default=500)
SEMANTIC_CACHE_TTL_MS = env.number("SEMANTIC_CACHE_TTL_MS", default=3600000)
PROXY_TEST_URL = env.str("PROXY_TEST_URL", default="https://api64.ipify.org?format=json")
"""Answers with the address that the question came from."""
CLOUD_URL = env.str("CLOUD_URL", default="")

# ---- Command-line tools -----------------------------------------------------------------------------------------
CLI_ALLOW_CONFIG_WRITES = env.flag(
    "CLI_ALLOW_CONFIG_WRITES", default=is_private(HOST, BASE_URL, TRUSTED_PROXIES)
)
"""Whether the admin and the management API write the tools' settings. Who serves others would write into a home that
is not theirs, so it is off there."""
CLI_CONFIG_HOME = Path(env.str("CLI_CONFIG_HOME", default="") or Path.home()).expanduser().absolute()
CLI_EXTRA_PATHS = env.list("CLI_EXTRA_PATHS", default=[])
CLI_BINARIES = {
    name: path for name, path in env.ENVIRON.items() if name.startswith("CLI_") and name.endswith("_BIN")
}
"""By the variable's name: where a tool's program is."""
CLI_FOLDERS = {
    name: env.ENVIRON[name]
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "LLM_USER_PATH", "XDG_CONFIG_HOME")
    if env.ENVIRON.get(name) and not env.ENVIRON.get("CLI_CONFIG_HOME")
}
"""The tools' own variables, which move their settings out of the home folder."""

# ---- Django -----------------------------------------------------------------------------------------------------
DEBUG = env.own_flag("DEBUG")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"])
AUTH_COOKIE_SECURE = env.flag("AUTH_COOKIE_SECURE", default=False)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
if BASE_URL.startswith("https://"):
    CSRF_TRUSTED_ORIGINS = [*CSRF_TRUSTED_ORIGINS, BASE_URL.rstrip("/")]
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "unfold.contrib.inlines",
    "omniroute.apps.OmniRouteConfig",
    "omniroute.apps.OmniRouteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    # Daphne serves `runserver`. Everywhere else its Twisted would only cost 17 MB a process.
    *(["daphne"] if "runserver" in sys.argv else []),
    "django.contrib.staticfiles",
    "channels",
    "django_q",
    "ninja",
    "resilience",
    "providers",
    "combos",
    "billing",
    "gateway",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "omniroute.addresses.without_nul",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "omniroute.viewer.in_viewers_zone",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "omniroute.urls"
ASGI_APPLICATION = "omniroute.asgi.application"
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
            ]
        },
    }
]
APPEND_SLASH = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # a combo's form has five fields a target

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
SESSION_COOKIE_NAME = "omniroute_session"
CSRF_COOKIE_NAME = "omniroute_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = AUTH_COOKIE_SECURE
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = env.zone("TZ", default="UTC")
USE_I18N = True
FORMAT_MODULE_PATH = "omniroute.formats"

STATIC_URL = "/static/"
STATIC_ROOT = made(DATA_DIR / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
# WhiteNoise opens static files itself; Django would warn once that it reads them whole, which their size allows.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")

# ---- Database ---------------------------------------------------------------------------------------------------
DATABASES = {
    "default": env.db_url_config(
        env.address("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'omniroute.sqlite3'}")
    )
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE takes the write lock when a transaction begins, where it can wait for it; DEFERRED would fail at the
    # first write inside of it. NORMAL under WAL survives the death of the process, which is what accounting promises.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    if not under_test():
        # Unfold imports PostgreSQL's fields wherever its driver is installed: 10 MB a process, for nothing here.
        sys.modules.setdefault("psycopg", None)  # type: ignore[arg-type]  # "not to be imported"
else:
    _database["CONN_MAX_AGE"] = 300
    _database["CONN_HEALTH_CHECKS"] = True

# ---- Several processes ------------------------------------------------------------------------------------------
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

Q_CLUSTER = {
    "name": "omniroute",
    "workers": env.number("JOB_WORKERS", default=1),
    "timeout": 300,
    "retry": 360,
    "max_attempts": 3,
    "catch_up": False,
    "save_limit": 200,
    "label": "Background jobs",
    "poll": 2,  # seconds; the database broker asks this often, and each question is a read
    **({"redis": REDIS_URL} if REDIS_URL else {"orm": "default"}),
}

# ---- Logging ----------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"}},
    "filters": {
        "refused_sockets": {"()": "omniroute.logs.RefusedSockets"},
        "refusals": {"()": "omniroute.logs.Refusals"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}},
    "root": {"handlers": ["console"], "level": env.level("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django-q": {"level": "WARNING"},
        "uvicorn.error": {"filters": ["refused_sockets"]},
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
    },
}

from omniroute.unfold import UNFOLD  # noqa: E402, F401  (the admin's look, a table of its own)

SILENCED_SYSTEM_CHECKS: list[str] = []
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "omniroute.settings")
