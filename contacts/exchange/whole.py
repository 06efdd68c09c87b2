"""Imports a whole file, and returns what was refused as another."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO

from contacts.exchange.columns import ERROR
from contacts.exchange.files import BOM, csv_part
from contacts.exchange.importing import Outcome, Result, Tally, import_leads
from contacts.exchange.opening import headers_and_rows
from contacts.exchange.reading import Import
from contacts.models import Contact

Watch = Callable[[Iterator[Result], int], Iterable[Result]]


def import_file(
    source: IO[bytes],
    how: Import,
    refused: "RefusedFile",
    *,
    heal: Callable[[Sequence[Contact]], object],
    watch: Watch = lambda results, _total: results,
) -> Tally:
    """Import all rows of a file; `watch` sees the results pass, and knows how many will come.

    Raises UnreadableFile before anything is written: the file is read to its end first.
    """
    headers, rows = headers_and_rows(source)
    total = sum(1 for _row in rows)
    _headers, rows = headers_and_rows(source)
    tally = Tally()
    for result in watch(import_leads(rows, how, heal=heal), total):
        tally.add(result)
        if result.outcome == Outcome.REFUSED:
            refused.add(result, headers)
    return tally


class RefusedFile:
    """The file of refused rows: made with the first of them, never written over another."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def __enter__(self) -> "RefusedFile":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, result: Result, headers: list[str]) -> None:
        if self._file is None:
            self._file = self._new_file()
            names = [*(header for header in headers if header != ERROR), ERROR]
            self._file.write(BOM + csv_part([names]))
        self._file.write(csv_part([_to_correct(result, headers)]))

    def _new_file(self) -> IO[str]:
        first = self.path
        for number in count(2):
            try:
                made = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                return open(made, "w", encoding="utf-8", newline="")
            except FileExistsError:
                self.path = first.with_name(f"{first.stem}-{number}{first.suffix}")
        raise AssertionError


def _to_correct(result: Result, headers: list[str]) -> list[str]:
    """The row as it was, with its error: to be corrected, and imported again."""
    cells, width = result.row.cells, len(headers)
    padded = [*cells[:width], *[""] * (width - len(cells))]
    pairs = zip(headers, padded, strict=True)
    return [*(cell for name, cell in pairs if name != ERROR), result.row.error, *cells[width:]]
