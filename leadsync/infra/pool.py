"""Connections of the pool to PostgreSQL, checked without a round trip before they are lent."""

import select
from typing import Any

import psycopg

CHECK = ""
"""What the pool's own check executes."""


class PooledConnection(psycopg.Connection[Any]):
    """A connection whose idle check asks its socket: whoever was hung up on has something to read.

    What this cannot see, such as a server that vanished, is found by the next statement, and every
    request that a bot may lose is tried again.
    """

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        if query != CHECK:
            return super().execute(query, *args, **kwargs)
        readable, _writable, _broken = select.select([self.fileno()], [], [], 0)
        if readable:
            return super().execute(query)
        return self.cursor()
