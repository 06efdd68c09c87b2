"""The statements of a request, by PostgreSQL's own account of them (pg_stat_statements)."""

import re
from collections.abc import Callable
from typing import NamedTuple

from django.db import Error, connection

SHOWN = 90
COLUMNS = re.compile(r"SELECT (?!.{0,20}set_config).*? FROM ")
LISTED = """
    SELECT calls, mean_exec_time, query
    FROM pg_stat_statements JOIN pg_database ON dbid = pg_database.oid
    WHERE datname = current_database() AND query NOT LIKE '%%pg_stat_statements%%'
        AND query <> 'SELECT pg_backend_pid()'
    ORDER BY calls DESC, total_exec_time DESC
"""


class Statement(NamedTuple):
    per_request: float
    mean_ms: float
    sql: str


def statements_of(ask: Callable[[], float]) -> list[Statement] | None:
    """What `ask`, which returns its number of requests, had executed; None if nobody counts."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            cursor.execute("SELECT pg_stat_statements_reset()")
            requests = ask()
            cursor.execute(LISTED, [])
            rows = cursor.fetchall()
    except Error:
        return None
    return [Statement(calls / requests, mean, in_short(sql)) for calls, mean, sql in rows]


def in_short(sql: str) -> str:
    """The beginning of a statement, without the columns that it selects."""
    plain = " ".join(sql.replace('"', "").split())
    shown = COLUMNS.sub("SELECT … FROM ", plain)
    return f"{shown[:SHOWN]}…" if len(shown) > SHOWN else shown


def listed(statements: list[Statement]) -> str:
    """One line for each statement that is not an exception."""
    return "\n".join(
        f"    {one.per_request:5.2f} x {one.mean_ms:6.3f} ms  {one.sql}"
        for one in statements
        if one.per_request >= 0.05
    )
