"""Reads the rows of CSV and XLSX files as texts, one at a time."""

import csv
from codecs import iterdecode
from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from typing import IO
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from django.utils.translation import gettext as _
from openpyxl import load_workbook

from contacts.exchange.cells import restored

ZIP = b"PK\x03\x04"
MAX_UNPACKED = 256 * 1024 * 1024
"""Bytes; the texts of an XLSX file are all read at once."""
MAX_COLUMNS = 200
BROKEN = (BadZipFile, ParseError, KeyError, ValueError, TypeError, AttributeError, OSError)
"""What openpyxl raises for files that are no XLSX, or broken ones."""


class UnreadableFile(ValueError):
    """The file cannot be read; the text says why and what to do."""


def read_rows(file: IO[bytes]) -> Iterator[list[str]]:
    """Yield the headers and then each row that is not blank. Raises UnreadableFile.

    Cells are texts as they stood before an export neutralised them.
    """
    file.seek(0)
    rows = _xlsx_rows if file.read(len(ZIP)) == ZIP else _csv_rows
    file.seek(0)
    for row in rows(file):
        cells = [restored(_text(cell)) for cell in row[:MAX_COLUMNS]]
        if any(cell.strip() for cell in cells):
            yield cells


def headers_and_rows(file: IO[bytes]) -> tuple[list[str], Iterator[list[str]]]:
    """Return the headers, and the rows below them. Raises UnreadableFile, also while reading."""
    rows = read_rows(file)
    headers = next(rows, None)
    if headers is None:
        raise UnreadableFile(_("The file is empty."))
    return [header.strip() for header in headers], rows


def _csv_rows(file: IO[bytes]) -> Iterator[list[str]]:
    lines = iterdecode(file, "utf-8-sig")
    try:
        first = next(lines, "")
        delimiter = max(",;\t", key=first.count)
        yield from csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    except UnicodeDecodeError:
        raise UnreadableFile(_("This is no UTF-8: save it as “CSV UTF-8” or as XLSX.")) from None
    except csv.Error as error:
        raise UnreadableFile(_("This is no CSV that can be read (%s).") % error) from None


def _xlsx_rows(file: IO[bytes]) -> Iterator[tuple[object, ...]]:
    try:
        with ZipFile(file) as packed:
            if sum(part.file_size for part in packed.infolist()) > MAX_UNPACKED:
                raise UnreadableFile(_("This XLSX is too large: save it as “CSV UTF-8”."))
        book = load_workbook(file, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # as the file tells them, they may be wrong
        yield from sheet.iter_rows(values_only=True)
    except UnreadableFile:
        raise
    except BROKEN:
        raise UnreadableFile(_("This XLSX is broken: save it again, or as “CSV UTF-8”.")) from None


def _text(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime() | date():
            return cell.isoformat()
    return str(cell)
