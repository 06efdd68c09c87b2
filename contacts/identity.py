"""Finds the lead at an address, also at one that the person had before, and moves it along.

An address is a phone, WhatsApp's user id, or both. What carries both joins what was known apart.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from contacts import merging
from contacts.addresses import Address
from contacts.models import AddressChange, AuthorKind, Contact, Workspace

LEADSYNC = "LeadSync"
MAX_MOVES = 10
"""How often a person may have moved on; no chain is followed for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where an address leads: the lead, locked, if there is one; and the address of today."""

    lead: Contact | None
    address: Address
    moved_at: datetime | None = None
    """When the person moved there, if the address is one of before."""
    is_joined: bool = False
    """Whether phone and id were known apart until now."""


def locked_lead(address: Address, workspace: Workspace, *, by: str) -> Found:
    """Find the lead at this address; the half of it that the lead lacks is added, signed `by`."""
    found = _at(address, workspace, by=by)
    if found.lead is None:
        found = moved_lead(address, workspace)
    if found.lead and _complete(found.lead, found.address, by=by):
        return replace(found, is_joined=True)
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
        if address.phone and address.user_id and change.phone:  # a number that went with the id
            AddressChange.objects.keep(address, change.now, workspace=workspace, at=change.at)
        address = Address(
            phone=change.phone or address.phone, user_id=change.user_id or address.user_id
        )
    if moved_at is None:
        return Found(lead=None, address=address)
    return replace(_at(address, workspace, by=LEADSYNC), moved_at=moved_at)


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
    lead = _at(former, workspace, by=by).lead
    there = _at(current, workspace, by=by).lead
    if lead and there and lead.pk != there.pk:
        return merging.join(there, lead, by=by) or there
    if lead is None or there:
        return lead or there
    gone = None if former.phone else lead.phone
    before = lead.address
    values = {
        "phone": current.phone or gone,
        "business_scoped_user_id": current.user_id or lead.business_scoped_user_id,
    }
    lead.change(values, by=by)
    AddressChange.objects.keep(before, lead.address, workspace=workspace, at=at)
    note_move(lead, at=at)
    return lead


def note_move(lead: Contact, *, at: datetime) -> None:
    """Say in the lead's history that it moved, once."""
    text = "The number or WhatsApp id of this lead changed. What came from the former one is here."
    if not lead.notes.filter(text=text, created_at=at).exists():
        lead.notes.create(text=text, author=LEADSYNC, author_kind=AuthorKind.SYSTEM, created_at=at)


def _at(address: Address, workspace: Workspace, *, by: str) -> Found:
    """The lead with this phone, this id, or both, locked.

    Two leads of which each has one half are one person: they are joined, or a person is asked. Of
    two that are known in full, the id decides.
    """
    leads = Contact.objects.select_for_update(no_key=True).at(address).filter(workspace=workspace)
    match list(leads.order_by("pk")):
        case []:
            return Found(lead=None, address=address)
        case [lead]:
            return Found(lead=lead, address=address)
        case [*pair]:
            by_phone, by_id = sorted(pair, key=lambda lead: lead.phone != address.phone)
    if by_phone.business_scoped_user_id:
        return Found(lead=by_id, address=address)
    joined = merging.join(by_phone, by_id, by=by)
    return Found(lead=joined or by_phone, address=address, is_joined=joined is not None)


def _complete(lead: Contact, address: Address, *, by: str) -> bool:
    """Give the lead the half of its address that it lacks, unless another lead has it."""
    lacking = {}
    if address.phone and not lead.phone:
        lacking["phone"] = address.phone
    if address.user_id and not lead.business_scoped_user_id:
        lacking["business_scoped_user_id"] = address.user_id
    for name, value in lacking.items():
        others = Contact.objects.filter(**{name: value}, workspace=lead.workspace_id)
        if others.exists():
            return False
        lead.change({name: value}, by=by)
    return bool(lacking)
