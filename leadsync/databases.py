"""How Django connects to SQLite and to PostgreSQL."""

from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from leadsync.infra.db import PooledConnection
from leadsync.infra.files import keep_private

SQLITE, POSTGRESQL = "django.db.backends.sqlite3", "django.db.backends.postgresql"


def database_of(
    url: str, *, pool_size: int, is_direct: bool, lock_timeout_ms: int
) -> dict[str, Any]:
    """Return the database with this URL as Django's settings have it.

    Direct is a connection without a pooler between: its session is ours alone.
    """
    try:
        database: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as error:
        raise ImproperlyConfigured(
            "DATABASE_URL is not usable: write sqlite:////absolute/path.sqlite3 or "
            "postgres://user:password@host:5432/name."
        ) from error
    if database["ENGINE"] == SQLITE:
        return database | _sqlite(database)
    if database["ENGINE"] == POSTGRESQL:
        return database | _postgresql(
            database, pool_size=pool_size, is_direct=is_direct, lock_timeout_ms=lock_timeout_ms
        )
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:// or postgres://.")


def _sqlite(database: dict[str, Any]) -> dict[str, Any]:
    if not str(database["NAME"]).startswith("/"):
        raise ImproperlyConfigured(
            "DATABASE_URL must name a file: sqlite:////absolute/path.sqlite3"
        )
    keep_private(*(Path(f"{database['NAME']}{end}") for end in ("", "-wal", "-shm")))
    return {
        "CONN_MAX_AGE": 60,  # closing the last one checkpoints the WAL, after each message
        # IMMEDIATE: with deferred transactions, two thirds of simultaneous read-then-write requests
        # fail with "database is locked". FULL: a message answered with 200 survives a power cut.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }


def _postgresql(
    database: dict[str, Any], *, pool_size: int, is_direct: bool, lock_timeout_ms: int
) -> dict[str, Any]:
    options = {
        **database.get("OPTIONS", {}),
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
            "max_size": pool_size,
            "timeout": 1,
            "reconnect_timeout": 2,
            "connection_class": PooledConnection,
        },
    }
    checked = {"CONN_HEALTH_CHECKS": True}  # the pool checks a connection before lending it
    if not is_direct:
        return {**checked, "OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": True}
    # All depend on the database session, which pgbouncer's transaction pooling mixes up.
    options |= {
        "options": f"-c statement_timeout=5000 -c lock_timeout={lock_timeout_ms}",
        "server_side_binding": True,
        "prepare_threshold": 5,
    }
    return {**checked, "OPTIONS": options}
