"""What the page of a lead is made of, read once: a few statements, however long its history is."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.auth.models import User

from contacts.models import Contact, Edit, FollowUp, Merge, StatusChange, who_may_see
from sarah.models import SarahState, StateUpdate
from sarah.rules import COPIED, proposed_by

MAX_CONVERSATIONS = 20
MAX_MERGES = 5
RECENT_MESSAGES = 60
RECENT_EDITS = 200
MAX_PEOPLE = 200


@dataclass(kw_only=True)
class Known:
    """All lists have the newest first."""

    lead: Contact
    viewer: User
    conversations: list[SarahState]
    messages: list[StateUpdate]
    """The last ones, without their bodies."""
    edits: list[Edit]
    last_move: StatusChange | None
    step: FollowUp | None
    merges: list[Merge]
    """Leads that were merged into this one."""
    people: list[User]
    """To whom leads are given."""

    @property
    def conversation(self) -> SarahState | None:
        return self.conversations[0] if self.conversations else None

    @cached_property
    def said(self) -> dict[str, object]:
        """What Sarah says of the lead's fields, whoever holds them."""
        said: dict[str, object] = {}
        for state in reversed(self.conversations):
            untold = [] if state.told is None else [one for one in COPIED if one not in state.told]
            said |= {name: at for name, at in proposed_by(state).items() if name not in untold}
        return said

    @cached_property
    def last_edits(self) -> dict[str, Edit]:
        """By field."""
        return {edit.field: edit for edit in reversed(self.edits)}

    def heard_at(self, *names: str) -> datetime | None:
        """When a message told one of these (`extracted_data.goals`) last, if not long ago."""
        told = (
            one.received_at for one in self.messages if not one.changes.keys().isdisjoint(names)
        )
        return next(told, None)


def read(lead: Contact, viewer: Any) -> Known:
    conversations = list(
        SarahState.objects.of_lead(lead)
        .select_related("workspace")
        .order_by("-updated_at", "-pk")[:MAX_CONVERSATIONS]
    )
    messages = StateUpdate.objects.filter(state__in=[state.pk for state in conversations])
    newest = messages.order_by("-received_at", "-pk").defer("body")
    return Known(
        lead=lead,
        viewer=viewer,
        conversations=conversations,
        messages=list(newest[:RECENT_MESSAGES]),
        edits=list(lead.edits.all()[:RECENT_EDITS]),
        last_move=lead.status_changes.first(),
        merges=list(lead.merges.all()[:MAX_MERGES]),
        step=lead.follow_ups.open().select_related("assigned_to").first(),
        people=list(who_may_see(lead.workspace).order_by("username")[:MAX_PEOPLE]),
    )
