"""Imports leads row by row: what can be used is written, and the rest is told, each with its error.

An import is old data beside what bots and people say meanwhile. It writes over what no person
wrote; over a person's word only if told so. It brings back nobody who was erased.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from django.db import models, transaction
from django.db.models import Q

from contacts.addresses import Address
from contacts.exchange.reading import Import, Row, once, read_row, refused, without_erased
from contacts.identity import locked_lead
from contacts.models import HOLDABLE, AddressChange, Contact, Edit, Workspace
from contacts.models.edits import edits_of
from contacts.workflow import ArchiveReason, MoveRefused, Why
from leadsync.infra.db import BATCH_SIZE, with_second_try

SOURCE = "import"
"""The `source` of a lead whose row tells none."""
WHY = Why(text="Imported.", archived=ArchiveReason.OTHER)


class Outcome(models.TextChoices):
    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    row: Row
    outcome: Outcome
    is_kept: bool = False
    """Whether something of the row gave way to a person's word."""


@dataclass(slots=True)
class Written:
    """What a batch of rows writes, but for what each changes in its lead."""

    added: list[Contact] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """Counts what came of the rows."""

    outcomes: Counter[str] = field(default_factory=Counter)
    kept: int = 0

    def add(self, result: Result) -> None:
        self.outcomes[result.outcome] += 1
        self.kept += result.is_kept

    @property
    def refused(self) -> int:
        return self.outcomes[Outcome.REFUSED]


def import_leads(
    rows: Iterable[list[str]], how: Import, *, heal: Callable[[Sequence[Contact]], object]
) -> Iterator[Result]:
    """Import these rows, the headers left out, in small commits and constant memory.

    `heal` is called with the leads that were added, because no signal tells of them: conversations
    may wait for them.
    """
    left = iter(rows)
    with closing(sqlite3.connect("")) as seen:  # on disk: any number of rows may be remembered
        seen.execute("CREATE TABLE seen (identity TEXT PRIMARY KEY) WITHOUT ROWID")
        while batch := list(islice(left, BATCH_SIZE)):
            read = without_erased([once(read_row(cells, how), seen) for cells in batch])
            results, added = with_second_try(partial(_write, read, how))
            if added and not how.dry_run:
                heal(added)
            yield from results


def _write(rows: list[Row], how: Import) -> tuple[list[Result], list[Contact]]:
    """Write these rows in one transaction; in a dry run, take it back."""
    usable = [row for row in rows if not row.error]
    with transaction.atomic():
        known = _known([row.address for row in usable], how.workspace)
        written = Written()
        results = [_place(row, known, written, how) for row in rows]
        Contact.objects.bulk_create(written.added)
        Edit.objects.bulk_create(written.edits)
        transaction.set_rollback(how.dry_run)
    return results, written.added


def _known(addresses: list[Address], workspace: Workspace) -> dict[str, Contact | None]:
    """The leads there, locked, by phone and by id; None where only a former address is known."""
    identities = [one for address in addresses for one in address.identities]
    here = Q(phone__in=identities) | Q(business_scoped_user_id__in=identities)
    # Locked: a bot's message may be writing to them. In order: two imports may meet.
    leads = Contact.objects.select_for_update(no_key=True).filter(here, workspace=workspace)
    moves = AddressChange.objects.filter(workspace=workspace, former__in=identities)
    known: dict[str, Contact | None] = dict.fromkeys(moves.values_list("former", flat=True))
    return known | {one: lead for lead in leads.order_by("pk") for one in lead.address.identities}


def _place(row: Row, known: Mapping[str, Contact | None], written: Written, how: Import) -> Result:
    if row.error:
        return Result(row=row, outcome=Outcome.REFUSED)
    lead, is_joined = _lead_of(row.address, known, how)
    if lead is None:
        written.added.append(_new_lead(row, how))
        return Result(row=row, outcome=Outcome.ADDED)
    values = _writable(row, lead, how)
    is_kept = any(
        getattr(lead, name) != value for name, value in row.values.items() if name not in values
    )
    try:
        changed = _change(lead, values, written, how) or is_joined
    except MoveRefused as error:
        in_vain = refused(row, f"lead_status: {error.in_words}")
        return Result(row=in_vain, outcome=Outcome.REFUSED)
    outcome = Outcome.CHANGED if changed else Outcome.UNCHANGED
    return Result(row=row, outcome=outcome, is_kept=is_kept)


def _writable(row: Row, lead: Contact, how: Import) -> dict[str, object]:
    """What differs and gives way to no person's word; the file's name is a person's from now on."""
    values = {
        name: value
        for name, value in row.values.items()
        if getattr(lead, name) != value and (how.overwrite or not _is_a_persons(lead, name))
    }
    if "name" in values:
        values["staff_fields"] = [n for n in HOLDABLE if n in {*lead.staff_fields, "name"}]
    return values


def _change(
    lead: Contact, values: Mapping[str, object], written: Written, how: Import
) -> list[str]:
    """Change the lead by the word of the file's person, and keep what it said before."""
    before = {name: getattr(lead, name) for name in values}
    changed = lead.change(values, by=how.by, why=WHY)
    rows = edits_of(before, values, changed, by=how.by)
    written.edits.extend(Edit(contact=lead, **row) for row in rows)
    return changed


def _lead_of(
    address: Address, known: Mapping[str, Contact | None], how: Import
) -> tuple[Contact | None, bool]:
    """The lead at an address, and whether the file tells phone and id of it for the first time."""
    found = [known[one] for one in address.identities if one in known]
    if not found:
        return None, False
    [first, *others] = found
    if first and len(found) == len(address.identities) and all(one is first for one in others):
        return first, False
    there = locked_lead(address, how.workspace, by=how.by)
    return there.lead, there.is_joined


def _new_lead(row: Row, how: Import) -> Contact:
    """A new lead. Its name is a person's word; of its other facts Sarah may learn better."""
    return Contact(
        workspace=how.workspace,
        phone=row.address.phone or None,
        business_scoped_user_id=row.address.user_id or None,
        staff_fields=["name"] if "name" in row.values else [],
        **{"source": SOURCE, **row.values},
    )


def _is_a_persons(lead: Contact, name: str) -> bool:
    """Whether a person wrote the field: only people write what no bot may hold."""
    return name in lead.staff_fields if name in HOLDABLE else bool(getattr(lead, name))
