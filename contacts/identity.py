"""Finds the lead at an address, also at one that the person had before, and moves it along.

An address is a phone, WhatsApp's user id, or both. What carries both joins what was known apart.
"""

from dataclasses import dataclass
from datetime import datetime

from contacts.addresses import Address
from contacts.models import AddressChange, AuthorKind, Contact, Workspace

MAX_MOVES = 10
"""How often a person may have moved on; no chain is followed for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where an address leads: the lead, locked, if there is one; and the address of today."""

    lead: Contact | None
    address: Address
    moved_at: datetime | None = None
    """When the person moved there, if the address is one of before."""


def locked_lead(address: Address, workspace: Workspace, *, by: str) -> Found:
    """Find the lead at this address; the half of it that the lead lacks is added, signed `by`."""
    found = Found(lead=_at(address, workspace), address=address)
    if found.lead is None:
        found = moved_lead(address, workspace)
    if found.lead:
        _complete(found.lead, found.address, by=by)
    return found


def moved_lead(address: Address, workspace: Workspace) -> Found:
    """Follow an address to the one that replaced it, if any.

    The id decides where there is one: a former number may be somebody else's by now.
    """
    moved_at = None
    for _move in range(MAX_MOVES):
        former = address.user_id or address.phone
        change = AddressChange.objects.filter(workspace=workspace, former=former).first()
        if change is None:
            break
        moved_at = change.at
        address = Address(
            phone=change.phone or address.phone, user_id=change.user_id or address.user_id
        )
    lead = _at(address, workspace) if moved_at else None
    return Found(lead=lead, address=address, moved_at=moved_at)


def addresses_of(lead: Contact) -> list[Address]:
    """The lead's address, and those that it had before."""
    found = [lead.address]
    for address in found:
        moves = AddressChange.objects.leading_to(address, workspace_id=lead.workspace_id)
        news = [one.before for one in moves[:MAX_MOVES] if one.before not in found]
        found += news[: MAX_MOVES - len(found)]
    return found


def move(
    former: Address, current: Address, workspace: Workspace, *, at: datetime, by: str
) -> Contact | None:
    """Remember that a person moved, and move the lead along if there is one."""
    AddressChange.objects.keep(former, current, workspace=workspace, at=at)
    lead = _at(former, workspace)
    if lead is None or _at(current, workspace) not in (None, lead):
        return lead
    gone = None if former.phone else lead.phone
    values = {
        "phone": current.phone or gone,
        "business_scoped_user_id": current.user_id or lead.business_scoped_user_id,
    }
    lead.change(values, by=by)
    note_move(lead, at=at)
    return lead


def note_move(lead: Contact, *, at: datetime) -> None:
    """Say in the lead's history that it moved, once."""
    text = "The number or WhatsApp id of this lead changed. What came from the former one is here."
    if not lead.notes.filter(text=text, created_at=at).exists():
        lead.notes.create(
            text=text, author="LeadSync", author_kind=AuthorKind.SYSTEM, created_at=at
        )


def _at(address: Address, workspace: Workspace) -> Contact | None:
    """The lead that has one half of the address, locked; of two the one with the phone."""
    leads = Contact.objects.select_for_update(no_key=True).at(address).filter(workspace=workspace)
    found = {lead.phone == address.phone: lead for lead in leads.order_by("pk")}
    return found.get(True) or found.get(False)


def _complete(lead: Contact, address: Address, *, by: str) -> None:
    """Give the lead the half of its address that it lacks, unless another lead has it."""
    lacking = {}
    if address.phone and not lead.phone:
        lacking["phone"] = address.phone
    if address.user_id and not lead.business_scoped_user_id:
        lacking["business_scoped_user_id"] = address.user_id
    for name, value in lacking.items():
        others = Contact.objects.filter(**{name: value}, workspace=lead.workspace_id)
        if not others.exists():
            lead.change({name: value}, by=by)
