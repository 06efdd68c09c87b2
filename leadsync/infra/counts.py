"""Counts of several questions at once."""

from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection

from leadsync.infra.db import CAP


def capped_counts(*found: Any, most: int = CAP) -> list[int]:
    """Count the rows of each of these querysets, at most to one over `most`: in one statement."""
    columns, values = [], []
    for rows in found:
        try:
            sql, params = rows.order_by().values("pk")[: most + 1].query.sql_with_params()
        except EmptyResultSet:  # it is clear without asking that there are none
            columns.append("0")
        else:
            columns.append(f"(SELECT COUNT(*) FROM ({sql}) AS found)")  # noqa: S608 (Django's own)
            values.extend(params)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)}", values)
        return list(cursor.fetchone())
