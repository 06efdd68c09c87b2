"""Reads the rows of an import: of whom each tells, and what; or why it cannot be used."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.utils.translation import gettext as _

from contacts.addresses import Address, InvalidUserId, read_address
from contacts.erasure import erased_among
from contacts.exchange.columns import ADDRESS, WORKSPACE, UnusableCell, people_by_name, read_cell
from contacts.models import Workspace
from contacts.phones import InvalidPhone


@dataclass(frozen=True, kw_only=True)
class Import:
    """How a file is to be imported. `columns` are fields by position, `width` counts the
    headers, `by` is the person."""

    workspace: Workspace
    columns: Mapping[int, str]
    width: int
    by: str
    overwrite: bool = False
    """Also over what people wrote."""
    dry_run: bool = False

    @cached_property
    def people(self) -> Mapping[str, int]:
        return people_by_name(self.workspace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of the file as far as it could be read; `error` is blank if all of it could."""

    cells: list[str]
    address: Address = field(default_factory=Address)
    values: Mapping[str, object] = field(default_factory=dict)
    error: str = ""


def read_row(cells: list[str], how: Import) -> Row:
    """Read a row; its error names each cell that cannot be used."""
    told = {name: cells[at] for at, name in how.columns.items() if at < len(cells)}
    told = {name: cell for name, cell in told.items() if cell.strip()}
    values, errors = {}, []
    address = Address()
    try:
        address = read_address(
            *(told.get(name) for name in ADDRESS), region=how.workspace.region, from_person=True
        )
        if not address:
            errors.append(_("A lead needs a phone or a WhatsApp user id."))
    except (InvalidPhone, InvalidUserId) as error:
        errors.append(_(str(error)))
    if len(cells) > how.width and any(cell.strip() for cell in cells[how.width :]):
        errors.append(_("This row has more cells than there are headers."))
    if not how.workspace.answers_to(told.get(WORKSPACE, how.workspace.slug)):
        errors.append(_("This row is of another workspace."))
    for name in told.keys() - {*ADDRESS, WORKSPACE}:
        try:
            column, value = read_cell(name, told[name], how.people)
            values[column] = value
        except UnusableCell as error:
            errors.append(f"{name}: {error}")
    return Row(cells=cells, address=address, values=values, error=" ".join(sorted(errors)))


def once(row: Row, seen: sqlite3.Connection) -> Row:
    """Refuse a person whom an earlier row told of: else each import would change the lead twice."""
    added = [
        seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", [identity]).rowcount
        for identity in row.address.identities
        if not row.error
    ]
    if all(added):
        return row
    return refused(row, _("Another row above is about the same person."))


def without_erased(rows: list[Row]) -> list[Row]:
    """Refuse who was erased: nothing old brings them back, a person may."""
    erased = erased_among(one for row in rows for one in row.address.identities)
    text = _("This person was erased. If they asked to come back, add them by hand.")
    return [
        refused(row, text) if erased.intersection(row.address.identities) else row for row in rows
    ]


def refused(row: Row, error: str) -> Row:
    return Row(cells=row.cells, error=row.error or error)
