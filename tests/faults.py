"""Databases that misbehave on purpose for the length of a `with` block, and what we expect then."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import pytest
from django.db import OperationalError, connection

from leadsync import outage
from leadsync.infra.db import is_busy

postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")

LEADS = "contacts_contact"
CONVERSATIONS = "sarah_sarahstate"
FAILURES = "monitoring_syncfailure"
MESSAGE = "Budi Santoso of +6281234567890 is refused"
"""What the database says: an exception's message carries names and phones."""

REFUSE = f"RAISE EXCEPTION '{MESSAGE}';"
DEADLOCK = f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'deadlock_detected';"
# The signal is noticed at the next wait.
KILL = "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1);"


@contextmanager
def refusing(table: str) -> Iterator[None]:
    """The table refuses every write, on either database."""
    if connection.vendor == "postgresql":
        with failing(table, REFUSE):
            yield
        return
    try:
        for event in ("INSERT", "UPDATE"):
            _execute(
                f"CREATE TRIGGER fault_{table}_{event} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )
        yield
    finally:
        for event in ("INSERT", "UPDATE"):
            _execute(f"DROP TRIGGER IF EXISTS fault_{table}_{event}")


@contextmanager
def failing(
    table: str, statements: str, *, times: int | None = None, at_commit: bool = False
) -> Iterator[None]:
    """PostgreSQL: writes to the table run these PL/pgSQL statements, the first `times` or always.

    A sequence counts the times: it keeps its value when the transaction is lost.
    """
    fault = f"fault_{table}"
    kind, moment = "TRIGGER", "BEFORE INSERT OR UPDATE"
    timing = ""
    if at_commit:
        kind, moment, timing = "CONSTRAINT TRIGGER", "AFTER INSERT OR UPDATE", "INITIALLY DEFERRED"
    limit = f"IF nextval('{fault}') > {times} THEN RETURN NEW; END IF;" if times else ""
    try:
        _execute(f"CREATE SEQUENCE {fault}")
        _execute(
            f"CREATE FUNCTION {fault}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {limit} {statements} RETURN NEW; END $$"
        )
        _execute(
            f"CREATE {kind} {fault} {moment} ON {table} {timing} "
            f"FOR EACH ROW EXECUTE FUNCTION {fault}()"
        )
        yield
    finally:
        connection.close()  # it may have been killed
        _execute(f"DROP FUNCTION IF EXISTS {fault} CASCADE")
        _execute(f"DROP SEQUENCE IF EXISTS {fault}")


@contextmanager
def locked(statement: str) -> Iterator[None]:
    """Somebody else's transaction, which ran this statement, stays open."""
    holder = connection.copy()
    try:
        if connection.vendor == "postgresql":
            holder.set_autocommit(False)
            with holder.cursor() as cursor:  # a wait without an end must not hang the tests
                cursor.execute("SET idle_in_transaction_session_timeout = '120s'")
                cursor.execute(statement)
        else:
            with holder.cursor() as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                cursor.execute(statement)
        yield
    finally:
        with holder.cursor() as cursor:
            cursor.execute("ROLLBACK")
        holder.close()


@contextmanager
def lock_waits() -> Iterator[list[int]]:
    """For how many milliseconds each statement waits in vain for whoever holds a lock: as long as
    it has asked the database to, which does not depend on how busy this machine is."""
    limits = {
        "postgresql": "SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'",
        "sqlite": "PRAGMA busy_timeout",
    }
    waits = []

    def note(execute: Any, *statement: Any) -> Any:
        if statement[0].startswith(("ROLLBACK", "RELEASE")):  # where no question is answered
            return execute(*statement)
        asking = connection.connection.execute(limits[connection.vendor])
        ((limit,),) = asking.fetchall()
        try:
            return execute(*statement)
        except OperationalError as error:
            if is_busy(error):
                waits.append(limit)
            raise

    with connection.execute_wrapper(note):
        yield waits


@contextmanager
def database_away() -> Iterator[None]:
    """Nothing answers where the settings say that the database is."""
    settings = connection.settings_dict
    away = deepcopy(settings)
    if connection.vendor == "postgresql":
        away |= {"HOST": "127.0.0.1", "PORT": "1"}
        away["OPTIONS"]["pool"] = {"min_size": 0, "max_size": 1, "timeout": 0.1}
    else:
        away["NAME"] = "/nowhere/leadsync.sqlite3"
    _reconnect(away)
    try:
        yield
    finally:
        _reconnect(settings)
        outage.end()


def _reconnect(settings: dict) -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()
    connection.settings_dict = settings


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


SYNCED = 200, {"success": True, "sync": True}
SAVED_ONLY = 200, {"success": True, "sync": False, "syncReason": "sync_error"}
STORED = 200, {"success": True, "sync": False, "syncReason": "stored_for_later"}
NEWS = {
    "state": "handoff",
    "lead_score": 80,
    "lead_temperature": "hot",
    "extracted_data": {"name": "Budi Santoso", "business_type": "cafe"},
    "message_count": 4,
}


def told(answer: Any) -> tuple[int, Any]:
    """The status and the JSON of an answer; an error's `request_id` is the header's."""
    body = answer.json()
    if "code" in body:
        assert body.pop("request_id") == answer["X-Request-ID"]
    return answer.status_code, body


def assert_discreet(log: str) -> None:
    """No phone, name or exception's message; the statements of the test itself do not count."""
    lines = [line for line in log.splitlines() if "fault_" not in line]
    for secret in ("81234567890", "Budi", "Santoso", "is refused"):
        assert not [line for line in lines if secret in line]
