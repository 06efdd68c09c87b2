"""What people say about marketing: it goes to their lead, or waits at their address for one."""

from datetime import datetime
from functools import partial
from typing import Protocol

from django.db import transaction

from contacts.addresses import Address
from contacts.identity import LEADSYNC, locked_lead
from contacts.models import Contact, MarketingWord, Workspace
from leadsync.infra.waits import bounded_waits


class Said(Protocol):
    """Whether somebody wants no marketing, and in which order they said so."""

    @property
    def is_stopped(self) -> bool: ...
    @property
    def at(self) -> datetime: ...
    @property
    def sequence(self) -> int | None: ...


def changes_by(lead: Contact, said: Said) -> dict[str, object]:
    """What was said last counts, in whatever order it comes."""
    before, now = lead.marketing_sequence, said.sequence
    told_at = lead.marketing_told_at
    if before is not None and now is not None:
        is_news = now > before
    else:
        is_news = told_at is None or said.at > told_at
    if not is_news:
        return {}
    return {
        "marketing_stopped_at": said.at if said.is_stopped else None,
        "marketing_told_at": said.at,
        "marketing_sequence": before if now is None else now,
    }


def keep(said: Said, address: Address, workspace: Workspace) -> None:
    """Keep what somebody said who is no lead. The caller is in a transaction."""
    word = MarketingWord(
        workspace=workspace,
        contact_phone=address.phone,
        business_scoped_user_id=address.user_id,
        is_stopped=said.is_stopped,
        at=said.at,
        sequence=said.sequence,
    )
    MarketingWord.objects.bulk_create([word], ignore_conflicts=True)
    # Whoever is adding the lead right now could not see it, and we could not see the lead.
    transaction.on_commit(partial(heed, [address]), robust=True)


def move(former: Address, current: Address, workspace: Workspace) -> None:
    """Follow a person who is no lead to another address."""
    words = MarketingWord.objects.at_any_of([former]).filter(workspace=workspace)
    for word in list(words):
        word.delete()
        keep(word, current, workspace)


def heed(addresses: list[Address]) -> None:
    """Bring what was said at these addresses to whoever is a lead there by now."""
    waiting = MarketingWord.objects.at_any_of(addresses).select_related("workspace")
    for word in list(waiting.order_by("pk")):
        with bounded_waits():
            lead = locked_lead(word.address, word.workspace, by=LEADSYNC).lead
            if lead:
                lead.change(changes_by(lead, word), by=LEADSYNC)
                word.delete()
