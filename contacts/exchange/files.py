"""Writes and reads the rows of CSV and XLSX files, in constant memory."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import islice
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from contacts.exchange.cells import neutralised
from contacts.phones import E164

Cell = str | int | None

CSV, XLSX = "csv", "xlsx"
CONTENT_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MAX_XLSX_ROWS = 1_048_575
"""Spreadsheet programs show no more below the headers."""
BOM = "\ufeff"
"""Without it, Excel takes UTF-8 for the code page of its country."""
AT_ONCE = 500


class TooManyRows(ValueError):
    """The format holds fewer rows; the text says what to do."""


def csv_of(rows: Iterable[list[Cell]]) -> Iterator[str]:
    """Return these rows as the parts of a CSV file."""
    left, mark = iter(rows), BOM
    while some := list(islice(left, AT_ONCE)):
        yield mark + csv_part(some)
        mark = ""


def csv_part(rows: Iterable[Sequence[Cell]]) -> str:
    """Return these rows as they stand in a CSV file."""
    part = StringIO()
    csv.writer(part).writerows([_safe(cell) for cell in row] for row in rows)
    return part.getvalue()


def write_xlsx(rows: Iterable[list[Cell]], file: IO[bytes]) -> None:
    """Write these rows as the only sheet of an XLSX file. Raises TooManyRows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Leads")
    for number, row in enumerate(rows):
        if number > MAX_XLSX_ROWS:
            sheet.close()
            raise TooManyRows(f"XLSX holds at most {MAX_XLSX_ROWS} leads: use CSV.")
        sheet.append([_typed(sheet, cell) for cell in row])
    book.save(file)


def _safe(cell: Cell) -> Cell:
    return neutralised(cell) if isinstance(cell, str) else cell


def _typed(sheet: object, cell: Cell) -> object:
    """The cell as text, also where it looks like a number or a formula."""
    if not isinstance(cell, str):
        return cell
    text = cell if re.match(E164, cell) else neutralised(ILLEGAL_CHARACTERS_RE.sub("", cell))
    typed = WriteOnlyCell(sheet, text)
    typed.data_type, typed.number_format = "s", "@"
    return typed
