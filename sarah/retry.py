"""Retries conversations: one, selected ones, or those that wait for a lead or workspace.

Each retry is one commit along the path of a bot's message, with the conversation as it is stored
now.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, takewhile

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from contacts import marketing
from contacts.models import Contact, Workspace
from contacts.quota import room_in
from leadsync.infra.db import BATCH_SIZE, batches, past_races
from leadsync.infra.waits import bounded_waits
from monitoring.models.failures import SyncFailureQuerySet
from sarah.addressing import adopt, is_the_only, workspace_for_ref, workspace_of
from sarah.models import WAITING, SarahState, SarahStateQuerySet, SyncReason, of_person
from sarah.sync import SyncResult

AT_ONCE, PATIENCE = 50, 5.0
"""How many conversations are retried, for about how many seconds, while a person waits."""
ENDS_WAITING = {
    *("phone", "workspace", "opted_out"),
    *("slug", "kapso_phone_number_id", "creates_contacts", "max_created_per_hour"),
    "test_numbers",
}
"""Fields of a lead or a workspace that decide whether a conversation reaches its lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """The result of a retry, in conversations: in sync now (or no retry needed, because the lead
    opted out), still failing, or due for the worker."""

    synced: int = 0
    still_failing: int = 0
    due: int = 0


def retry(state_id: int, *, by: str = "", workspace: Workspace | None = None) -> SyncResult | None:
    """Retry one conversation; None if it was deleted. `by` is the person who asked for it, and may
    have chosen the workspace that it belongs to."""
    return past_races(partial(_retry, state_id, by=by, chosen=workspace))


def retry_due(state_id: int) -> SyncResult | None:
    """Retry a leased conversation; None if a message, a person or another worker was faster.

    Each of them ends the lease, so an old retry cannot undo a newer sync.
    """
    return past_races(partial(_retry, state_id, is_due=True))


@transaction.atomic
def _retry(
    state_id: int, *, by: str = "", is_due: bool = False, chosen: Workspace | None = None
) -> SyncResult | None:
    state = _locked_at_home(state_id, chosen)
    if state is None or (is_due and not state.take_from_queue()):
        return None
    state.is_retry = True
    fields = state.mark_synced(retried_by=by)
    if chosen:
        state.workspace_chosen_at = timezone.now()
        fields += ("workspace_chosen_at",)
    state.save(update_fields=fields)
    return state.sync_result


def retry_each(states: SarahStateQuerySet, *, by: str = "") -> Iterator[SyncResult]:
    """Retry these conversations one by one, in constant memory."""
    return filter(None, (retry(pk, by=by) for pk in _pks(states)))


def retry_all(states: SarahStateQuerySet, *, by: str) -> Retried:
    """Retry these conversations now, on behalf of `by`."""
    return _tally(retry_each(states, by=by))


def retry_failures(failures: SyncFailureQuerySet, *, by: str) -> Retried:
    """Retry the conversations of these failures, each once, on behalf of `by`, as below."""
    return retry_soon(states_of(failures), by=by)


def retry_soon(states: SarahStateQuerySet, *, by: str) -> Retried:
    """Retry these conversations on behalf of `by`.

    All are made due first, so none is lost. As many as `by` can be made to wait for are retried at
    once, the others by the worker.
    """
    asked = list(states.order_by("pk").values_list("pk", flat=True))
    states.retry_now(by=by)
    ends_at = time.monotonic() + PATIENCE
    at_once = takewhile(lambda _pk: time.monotonic() < ends_at, asked[:AT_ONCE])
    results = [retry(pk, by=by) for pk in at_once]
    return replace(_tally(filter(None, results)), due=len(asked) - len(results))


def states_of(failures: SyncFailureQuerySet) -> SarahStateQuerySet:
    """The conversations whose retry may close these failures."""
    states = list(failures.retryable().values_list("state_id", flat=True))
    return SarahState.objects.filter(pk__in=states)


def _tally(results: Iterable[SyncResult]) -> Retried:
    fine = [result.needs_no_retry for result in results]
    return Retried(synced=sum(fine), still_failing=fine.count(False))


def heal_later(saved: Contact | Workspace, update_fields: Iterable[str] | None) -> None:
    """Retry what waits for this lead or workspace once it is committed."""
    if update_fields is None or ENDS_WAITING.intersection(update_fields):
        transaction.on_commit(lambda: heal_waiting(saved), robust=True)


def heal_waiting(saved: Contact | Workspace | Iterable[Contact]) -> int:
    """Retry what waited for this workspace or these leads; returns how many are in sync now.

    Saving a single one calls this by itself. Code that writes leads with `bulk_create()` or
    `update()` must call it, because those send no signal.

    As many as somebody can be made to wait for are retried at once; the others are made due for the
    worker, for as long again. The hourly reconciliation finds what is left of a million.
    """
    if not isinstance(saved, Workspace):
        saved = [saved] if isinstance(saved, Contact) else [*saved]
        marketing.heed([lead.address for lead in saved])
    waiting = _waiting_for(saved)
    ends_at = time.monotonic() + PATIENCE
    at_once = takewhile(lambda _turn: time.monotonic() < ends_at, range(AT_ONCE))
    results = [retry(pk) for _turn, pk in zip(at_once, waiting, strict=False)]
    while time.monotonic() < ends_at + PATIENCE and (rest := list(islice(waiting, BATCH_SIZE))):
        SarahState.objects.filter(pk__in=rest).sync_soon()
    return sum(result.synced for result in results if result)


def look_again(state: SarahState) -> SyncResult | None:
    """Retry a waiting conversation whose lead was committed during its own transaction.

    Whoever added the lead could not see the conversation yet, and we could not see the lead.
    """
    if state.workspace_ref:
        found = workspace_for_ref(state.workspace_ref) is not None
    else:
        homes = Contact.objects.at(state.who)
        if state.workspace:
            homes = homes.filter(workspace=state.workspace)
        found = len(homes.values("pk")[:2]) == 1
    return past_races(partial(_retry_soon, state.pk)) if found else None


def _retry_soon(state_id: int) -> SyncResult | None:
    with bounded_waits():
        return _retry(state_id)


def _waiting_for(saved: Workspace | list[Contact]) -> Iterator[int]:
    if isinstance(saved, Workspace):
        for states in _waiting_for_workspace(saved):
            yield from _pks(states)
        # No more than there is room for: in a flood, a million may be waiting.
        yield from islice(_pks(_waiting_for_quota(saved)), room_in(saved))
        return
    for batch in batches(saved):
        yield from _pks(_waiting_for_contacts(batch))


def _pks(states: SarahStateQuerySet) -> Iterator[int]:
    """The primary keys of these conversations, in constant memory: a retry may end that one is
    among them."""
    last = 0
    while batch := list(
        states.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]
    ):
        yield from batch
        last = batch[-1]


def _waiting_for_contacts(contacts: Iterable[Contact]) -> SarahStateQuerySet:
    """Those that wait for one of these leads, were excluded, or lost their lead."""
    workspaces = {contact.workspace_id for contact in contacts}
    ids = [contact.business_scoped_user_id for contact in contacts]
    people = Q(contact_phone__in=[contact.phone for contact in contacts])
    if any(ids):
        people |= Q(business_scoped_user_id__in=ids)
    here = people & (Q(workspace__isnull=True, workspace_ref="") | Q(workspace__in=workspaces))
    lead_is_gone = Q(contact__isnull=True, sync_reason="")
    return SarahState.objects.filter(
        here, lead_is_gone | Q(sync_reason__in=[*WAITING, SyncReason.EXCLUDED])
    )


def _waiting_for_workspace(workspace: Workspace) -> Iterator[SarahStateQuerySet]:
    """Those that wait for this workspace, or whose phone became or was a test number of it.

    Several small queries: one for all could use no index, and would read a million conversations
    whenever a workspace is saved.
    """
    refs = [workspace.slug, workspace.kapso_phone_number_id or workspace.slug]
    if is_the_only(workspace):
        refs.append("")
    yield SarahState.objects.filter(
        workspace__isnull=True, workspace_ref__in=refs, sync_reason__in=WAITING
    )
    here = SarahState.objects.filter(workspace=workspace)
    is_test = Q(contact_phone__in=workspace.test_numbers)
    yield here.filter(is_test).exclude(sync_reason=SyncReason.EXCLUDED)
    no_test = here.excluded().exclude(is_test).exclude(contact__opted_out=True)
    yield no_test.exclude(lead_deleted_at__gte=F("updated_at"))


def _waiting_for_quota(workspace: Workspace) -> SarahStateQuerySet:
    """Return conversations that become leads as soon as this workspace may create some."""
    unknown = SarahState.objects.filter(
        workspace=workspace,
        synced_at__isnull=True,
        sync_reason=SyncReason.CONTACT_NOT_FOUND,
        given_up_at__isnull=True,
    )
    return unknown if workspace.creates_contacts else unknown.none()


def _locked_at_home(state_id: int, chosen: Workspace | None = None) -> SarahState | None:
    """The conversation, locked, and moved to its workspace if that is known or chosen by now."""
    state = SarahState.objects.select_related("workspace").filter(pk=state_id).first()
    if state is None:
        return None
    here = Q(pk=state_id)
    if workspace := chosen or workspace_of(state):
        here |= of_person(state.who) & Q(workspace=workspace)
    found = SarahState.objects.select_for_update(no_key=True).filter(here).order_by("pk")
    states = [one for one in found if one.pk == state_id or one.may_be(state.who)]
    if chosen:  # the bot, or a colleague, may have said meanwhile that it belongs elsewhere
        states = [one for one in states if one.workspace_id in (None, chosen.pk)]
    return adopt(states, workspace) if states else None
