"""Takes over conversations from another backend, in their midst: no bot forgets its leads."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from contacts.addresses import InvalidUserId
from contacts.erasure import is_erased
from contacts.exchange.importing import Outcome
from contacts.models import Workspace
from contacts.phones import InvalidPhone
from leadsync.infra.bodies import UnreadableBody, parse_body
from leadsync.infra.db import with_second_try
from leadsync.infra.waits import bounded_waits
from sarah.addressing import Address, find_address, locked_conversation
from sarah.facts import Unusable
from sarah.merge import merge, merge_facts
from sarah.models import SarahState
from sarah.reading import FIELDS, Message, read_message, read_time
from sarah.sync import SyncResult, save_guarded

REFUSALS = (UnreadableBody, InvalidPhone, InvalidUserId, Unusable)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenOver:
    """What came of a row; `error` says why it was refused, `result` is that of its sync."""

    outcome: Outcome
    error: str = ""
    result: SyncResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Former:
    """A conversation as the other backend knows it."""

    address: Address
    message: Message
    created_at: datetime
    updated_at: datetime


def take_over(row: bytes, *, workspace: Workspace | None, dry_run: bool = False) -> TakenOver:
    """Take over one conversation as a GET returns it, in one commit; into `workspace`, if given.

    What is known here already stays where it is newer. Nobody who was erased is brought back.
    """
    try:
        former = _read(row, workspace, now=timezone.now())
    except REFUSALS as error:
        return TakenOver(outcome=Outcome.REFUSED, error=str(error))
    return with_second_try(partial(_write, former, dry_run=dry_run))


def _read(row: bytes, workspace: Workspace | None, *, now: datetime) -> Former:
    body = parse_body(row)
    message = read_message(body, now=now)
    if lost := [name for name in FIELDS if name in message.warnings.keys() - message.fields.keys()]:
        raise Unusable(message.warnings[lost[0]])
    address = find_address(
        message.contact_phone,
        message.user_id,
        ref="" if workspace else message.workspace_ref,
        key_workspace=workspace,
    )
    if not address.who:
        raise Unusable("contact_phone is required")
    if any(is_erased(one) for one in address.who.identities):
        raise Unusable("This person was erased; a new message brings them back, an old one never.")
    updated_at = _time_in(body, "updated_at", now) or _time_in(body, "last_message_at", now) or now
    created_at = _time_in(body, "created_at", now) or updated_at
    return Former(address=address, message=message, created_at=created_at, updated_at=updated_at)


def _time_in(body: dict[str, object], name: str, now: datetime) -> datetime | None:
    moment = None if body.get(name) is None else read_time(body[name], now).value
    return moment if isinstance(moment, datetime) else None


def _write(former: Former, *, dry_run: bool) -> TakenOver:
    with bounded_waits():
        taken = _merge(former, locked_conversation(former.address))
        transaction.set_rollback(dry_run)
    return taken


def _merge(former: Former, known: SarahState | None) -> TakenOver:
    state = known or _new(former)
    state.is_import = True
    values, told = _news(state, former, is_known=known is not None)
    completed = state.complete(former.address.who)
    if known and not values and not completed:
        return TakenOver(outcome=Outcome.UNCHANGED)
    for name, value in values.items():
        setattr(state, name, value)
    state.created_at = min(state.created_at, former.created_at)
    state.updated_at = max(state.updated_at, former.updated_at)
    state.revision += 1
    fields = [*values, *completed, *state.hear(told), *state.mark_synced()]
    result = save_guarded(state, fields=[*fields, "created_at", "updated_at", "revision"])
    return TakenOver(outcome=Outcome.CHANGED if known else Outcome.ADDED, result=result)


def _news(state: SarahState, former: Former, *, is_known: bool) -> tuple[dict[str, object], list]:
    """What the other backend knows beyond what is known here, and the fields that it told.

    Who counted more messages has the memory: a bot that found none here has begun to count anew.
    Facts that were told later stay.
    """
    message = former.message
    heard = (message.fields.get("message_count", 0), former.updated_at)
    is_late = is_known and heard <= (state.message_count, state.updated_at)
    merged = merge(state, message, is_late=is_late)
    values = dict(merged.values)
    if is_known and former.updated_at < state.updated_at:
        facts, _left_out = merge_facts(state.extracted_data, message.facts, only_fill=True)
        values["extracted_data"] = facts
    values = {name: value for name, value in values.items() if getattr(state, name) != value}
    return values, list(merged.told)


def _new(former: Former) -> SarahState:
    address = former.address
    return SarahState(
        contact_phone=address.who.phone or None,
        business_scoped_user_id=address.who.user_id or None,
        workspace=address.workspace,
        workspace_ref="" if address.workspace else address.ref,
        told=[],
        created_at=former.created_at,
        updated_at=former.updated_at,
    )
