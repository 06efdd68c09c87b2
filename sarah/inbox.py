"""Taking a bot's message in, all of it or nothing, and telling what is remembered."""

from dataclasses import dataclass

from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from contacts import phones
from contacts.compiled import CompiledQuery
from contacts.models import Workspace
from monitoring.kinds import Kind
from sarah import journal, resync
from sarah.addressing import Address, find_address, region_of
from sarah.adoption import adopt
from sarah.journal import Origin
from sarah.merge import LATE, merge
from sarah.models import SarahState
from sarah.payload import Message, as_evidence
from sarah.sync import SyncResult, record_failure


class NotCommitted(OperationalError):
    """The transaction ended without an error and without a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that a message is committed: what its sync came to, and what the bot should know."""

    result: SyncResult
    warnings: dict[str, str]


def receive(
    message: Message, *, raw: bytes, key_workspace: Workspace | None, origin: Origin
) -> Receipt:
    """Commit one message of a bot, sync it and write it down; `raw` is the body as it was sent.

    Raises InvalidPhone or ForeignWorkspace if the message has no address, and OperationalError,
    InterfaceError or IntegrityError if it could not be committed; then it can be received again.
    """
    address = find_address(
        message.contact_phone, ref=message.workspace_ref, key_workspace=key_workspace
    )
    commits: list[None] = []
    with transaction.atomic():
        state = _locked(address) or _new(address)
        merged = merge(state, message)
        problems = message.warnings | merged.problems
        warnings = problems | ({"message_count": LATE} if merged.is_late else {})
        before = {name: getattr(state, name) for name in merged.values}
        _save(state, merged.values)
        if problems:
            _record_problems(state, problems, raw)
        journal.write_down(state, raw=raw, before=before, warnings=warnings, origin=origin)
        transaction.on_commit(lambda: commits.append(None))
    if not commits:
        raise NotCommitted("The message was not committed.")
    result = resync.look_again(state) or state.sync_result
    return Receipt(result=result, warnings=warnings)


def recall(raw_phone: object, *, ref: str, key_workspace: Workspace | None) -> SarahState | None:
    """The conversation that a message to the same address would go on with.

    Without one, and if no workspace was named, the phone's newest conversation that the key may
    see. Raises InvalidPhone and ForeignWorkspace.
    """
    address = None
    if key_workspace or ref or phones.is_national(raw_phone):
        address = find_address(raw_phone, ref=ref, key_workspace=key_workspace)
    phone = address.phone if address else phones.to_e164(raw_phone, region=region_of(None))
    newest_first: list[SarahState] = _of_phone(phone)
    if len(newest_first) > 1 and address is None:
        address = find_address(raw_phone, ref="", key_workspace=None)
    for state in newest_first:
        if address and address.is_home_of(state):
            return state
    return None if key_workspace or ref else next(iter(newest_first), None)


_of_phone = CompiledQuery(
    lambda: (
        SarahState.objects.filter(contact_phone="")
        .select_related("workspace")
        .order_by("-updated_at")
    )
)
_at_home_or_waiting = CompiledQuery(
    lambda: (
        SarahState.objects.select_for_update(no_key=True)
        .filter(
            Q(workspace=0) | Q(workspace__isnull=True, workspace_ref__in=["1", "2"]),
            contact_phone="",
        )
        .order_by("pk")
    )
)


def _locked(address: Address) -> SarahState | None:
    """The conversation at this address, under the lock that messages of one lead queue up for."""
    workspace_id = address.workspace.pk if address.workspace else None
    states = _at_home_or_waiting(workspace_id, *address.waiting_refs, address.phone)
    return adopt(states, address.workspace) if states else None


def _new(address: Address) -> SarahState:
    """A conversation that begins; of two first messages at once, the later one's insert fails, and
    its second try finds the row."""
    return SarahState(
        contact_phone=address.phone,
        workspace=address.workspace,
        workspace_ref="" if address.workspace else address.ref,
    )


def _save(state: SarahState, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(state, name, value)
    state.revision += 1
    state.updated_at = timezone.now()
    written = [*values, "revision", "updated_at", *state.mark_synced()]
    if state._state.adding:
        state.save(force_insert=True)
    else:
        state.save(update_fields=written)


def _record_problems(state: SarahState, problems: dict[str, str], raw: bytes) -> None:
    record_failure(
        kind=Kind.INVALID_PAYLOAD,
        error="\n".join(problems.values()),
        workspace_ref=state.workspace.slug if state.workspace else state.workspace_ref,
        contact_phone=state.contact_phone,
        state_id=state.pk,
        **as_evidence(raw),
    )
