"""Taking a bot's message in, all of it or nothing, and telling what is remembered."""

from dataclasses import dataclass

from django.db import OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from contacts import phones
from contacts.models import Workspace
from monitoring.kinds import Kind
from sarah import resync
from sarah.addressing import Address, find_address, region_of
from sarah.adoption import adopt
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


def receive(message: Message, *, raw: bytes, key_workspace: Workspace | None) -> Receipt:
    """Commit one message of a bot, and sync it; `raw` is the body as it was sent.

    Raises InvalidPhone or ForeignWorkspace if the message has no address, and OperationalError or
    InterfaceError if it could not be committed; then it can be received again.
    """
    address = find_address(
        message.contact_phone, ref=message.workspace_ref, key_workspace=key_workspace
    )
    commits: list[None] = []
    with transaction.atomic():
        state = _locked(address) or _insert_and_lock(address)
        merged = merge(state, message)
        problems = message.warnings | merged.problems
        _save(state, merged.values)
        if problems:
            _record_problems(state, problems, raw)
        transaction.on_commit(lambda: commits.append(None))
    if not commits:
        raise NotCommitted("The message was not committed.")
    result = resync.look_again(state) or state.sync_result
    late = {"message_count": LATE} if merged.is_late else {}
    return Receipt(result=result, warnings=problems | late)


def recall(raw_phone: object, *, ref: str, key_workspace: Workspace | None) -> SarahState | None:
    """The conversation that a message to the same address would go on with.

    Without one, and if no workspace was named, the phone's newest conversation that the key may
    see. Raises InvalidPhone and ForeignWorkspace.
    """
    if key_workspace or ref:
        address = find_address(raw_phone, ref=ref, key_workspace=key_workspace)
        return _newest(address.states()).first()
    if phones.is_national(raw_phone):  # read in the region of the workspace it leads to
        phone = find_address(raw_phone, ref="", key_workspace=None).phone
    else:
        phone = phones.to_e164(raw_phone, region=region_of(None))
    states = list(_newest(Q(contact_phone=phone))[:2])
    if len(states) > 1:
        address = find_address(raw_phone, ref="", key_workspace=None)
        return _newest(address.states()).first() or states[0]
    return states[0] if states else None


def _newest(where: Q) -> QuerySet[SarahState]:
    return SarahState.objects.filter(where).select_related("workspace").order_by("-updated_at")


def _locked(address: Address) -> SarahState | None:
    """The conversation at this address, under the lock that messages of one lead queue up for."""
    states = list(
        SarahState.objects.select_for_update(no_key=True).filter(address.states()).order_by("pk")
    )
    return adopt(states, address.workspace) if states else None


def _insert_and_lock(address: Address) -> SarahState:
    """Insert-or-ignore: of two first messages at once, one inserts and both lock the same row."""
    ref = "" if address.workspace else address.ref
    state = SarahState(contact_phone=address.phone, workspace=address.workspace, workspace_ref=ref)
    SarahState.objects.bulk_create([state], ignore_conflicts=True)
    locked = _locked(address)
    if locked is None:
        # Its workspace has just appeared and taken it home: the second try finds it there.
        # SQLite's insert-or-ignore also passes over a violated check.
        raise NotCommitted("The conversation is not where it was to be inserted.")
    return locked


def _save(state: SarahState, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(state, name, value)
    state.revision += 1
    state.updated_at = timezone.now()
    state.save(update_fields=[*values, "revision", "updated_at", *state.mark_synced()])


def _record_problems(state: SarahState, problems: dict[str, str], raw: bytes) -> None:
    record_failure(
        kind=Kind.INVALID_PAYLOAD,
        error="\n".join(problems.values()),
        workspace_ref=state.workspace.slug if state.workspace else state.workspace_ref,
        contact_phone=state.contact_phone,
        state_id=state.pk,
        **as_evidence(raw),
    )
