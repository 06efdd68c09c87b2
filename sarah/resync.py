"""Syncing again what is out of sync: on a person's word, or because what it waited for is there."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice

from django.db import IntegrityError, transaction
from django.db.models import Q

from contacts.models import Contact, Workspace
from monitoring.models import SyncFailureQuerySet
from sarah import waiting
from sarah.addressing import implied, named
from sarah.adoption import adopt
from sarah.flood import room_in
from sarah.models import WAITING, SarahState, SarahStateQuerySet, SyncReason
from sarah.sync import SyncResult, mark_out_of_sync

BATCH_SIZE = 500
MAX_RACES = 5
ENDS_WAITING = {
    *("phone", "workspace", "opted_out"),
    *("slug", "kapso_phone_number_id", "creates_contacts", "max_created_per_hour"),
    "test_numbers",
}
"""The fields of a lead or a workspace that decide whether a conversation reaches its lead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What trying failures again came to: conversations that are in sync now (or need none, since
    their lead opted out) and that still fail, and failures that could not be tried again."""

    synced: int
    still_failing: int
    not_eligible: int


def retry(state_id: int, *, by: str = "") -> SyncResult | None:
    """Sync one conversation again, as it is stored now; None if it is gone.

    One commit, along the same path as a bot's message. `by` is the person who asked for it.
    """
    return _past_races(lambda: _retry(state_id, by=by))


def _retry(state_id: int, *, by: str) -> SyncResult | None:
    with transaction.atomic():
        state = _locked_at_home(state_id)
        if state is None:
            return None
        state.retried_by = by
        state.save(update_fields=state.mark_synced())
    return state.sync_result


def retry_due(state_id: int) -> SyncResult | None:
    """Sync a leased conversation again; None if a message, a person or another worker was faster.

    Each of them ends the lease, so an old retry cannot get in the way of a newer sync.
    """
    return _past_races(lambda: _retry_due(state_id))


def _retry_due(state_id: int) -> SyncResult | None:
    with transaction.atomic():
        state = _locked_at_home(state_id)
        if state is None or not (state.leased_until and state.next_sync_at):
            return None
        state.next_sync_at = None  # due by the database's clock, whatever ours says
        state.save(update_fields=state.mark_synced())
    return state.sync_result


def postpone(state_id: int) -> None:
    """Put off the retry of a conversation that broke outside of its guarded sync."""
    with transaction.atomic():
        for state in SarahState.objects.select_for_update(no_key=True).filter(pk=state_id):
            state.next_sync_at = None  # this attempt is used up
            mark_out_of_sync(state, SyncReason.SYNC_ERROR)
            SarahState.objects.filter(pk=state_id).update(leased_until=None)


def _past_races(run: Callable[[], SyncResult | None]) -> SyncResult | None:
    """Try again where a message has opened a conversation just where this one was to move."""
    for _race in range(MAX_RACES):
        try:
            return run()
        except IntegrityError:
            continue
    return run()


def backfill(states: SarahStateQuerySet, *, by: str = "") -> Iterator[SyncResult]:
    """Sync these conversations again, one commit each, in constant memory however many they are."""
    last = 0
    while batch := list(
        states.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH_SIZE]
    ):
        for pk in batch:
            if result := retry(pk, by=by):
                yield result
        last = batch[-1]


def retry_failures(failures: SyncFailureQuerySet, *, by: str) -> Retried:
    """Sync the conversations of these failures again, each once, on the word of `by`.

    Not eligible are failures that are resolved, belong to no conversation, or are about what a bot
    sent: no sync can mend those.
    """
    not_eligible = failures.count() - failures.retryable().count()
    return retry_all(states_of(failures), by=by, not_eligible=not_eligible)


def states_of(failures: SyncFailureQuerySet) -> SarahStateQuerySet:
    """The conversations whose sync may mend these failures."""
    states = list(failures.retryable().values_list("state_id", flat=True))
    return SarahState.objects.filter(pk__in=states)


def retry_all(states: SarahStateQuerySet, *, by: str, not_eligible: int = 0) -> Retried:
    """Sync these conversations again, on the word of `by`."""
    results = [result.is_fine for result in backfill(states, by=by)]
    return Retried(
        synced=sum(results), still_failing=results.count(False), not_eligible=not_eligible
    )


def heal_later(saved: Contact | Workspace, update_fields: Iterable[str] | None) -> None:
    """Heal what waits for this lead or workspace, once it is committed."""
    if update_fields is None or ENDS_WAITING.intersection(update_fields):
        transaction.on_commit(partial(heal_waiting, saved), robust=True)


def heal_waiting(saved: Contact | Workspace | Iterable[Contact]) -> int:
    """Sync what waited for this workspace or these leads; returns how many conversations healed.

    Saving one calls this by itself. Whoever writes leads with `bulk_create()` or `update()` calls
    it with them, since those send no signal.
    """
    if isinstance(saved, Workspace):
        return _heal_workspace(saved)
    contacts = [saved] if isinstance(saved, Contact) else list(saved)
    healed = 0
    for start in range(0, len(contacts), BATCH_SIZE):
        healed += _heal(waiting.for_contacts(contacts[start : start + BATCH_SIZE]))
    return healed


def look_again(state: SarahState) -> SyncResult | None:
    """Retry a conversation whose lead was committed while its own transaction was under way.

    Whoever added the lead could not see the conversation yet, and we could not see the lead.
    """
    if state.sync_reason not in WAITING:
        return None
    if state.workspace_ref:
        found = named(state.workspace_ref) is not None
    else:
        homes = Contact.objects.filter(phone=state.contact_phone)
        if state.workspace:
            homes = homes.filter(workspace=state.workspace)
        found = len(homes.values("pk")[:2]) == 1
    return retry(state.pk) if found else None


def _heal(states: SarahStateQuerySet) -> int:
    return sum(result.synced for result in backfill(states))


def _heal_workspace(workspace: Workspace) -> int:
    healed = sum(_heal(states) for states in waiting.for_workspace(workspace))
    # No more than there is room for: in a flood, a million may wait for their turn.
    in_turn = islice(backfill(waiting.for_its_turn(workspace)), room_in(workspace))
    return healed + sum(result.synced for result in in_turn)


def _locked_at_home(state_id: int) -> SarahState | None:
    """The conversation under its lock, adopted by its workspace if that can be told by now."""
    state = SarahState.objects.select_related("workspace").filter(pk=state_id).first()
    if state is None:
        return None
    workspace = state.workspace
    if workspace is None:
        ref, phone = state.workspace_ref, state.contact_phone
        workspace = named(ref) if ref else implied(phone)
    here = Q(pk=state_id)
    if workspace:
        here |= Q(contact_phone=state.contact_phone, workspace=workspace)
    states = list(SarahState.objects.select_for_update(no_key=True).filter(here).order_by("pk"))
    return adopt(states, workspace) if states else None
