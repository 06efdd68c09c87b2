"""Finding and healing drift: leads that are not what their conversation says they should be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from django.db.models import F

from contacts.models import Contact
from monitoring.models import Resolution, SyncFailure
from sarah import rules
from sarah.addressing import implied, named
from sarah.background import Broken, attempt
from sarah.flood import Places
from sarah.models import WAITING, SarahState, SyncReason
from sarah.resync import postpone, retry

BATCH_SIZE = 500


@dataclass(slots=True, kw_only=True)
class Drift:
    """What a reconciliation has seen so far, in conversations."""

    checked: int = 0
    drifted: int = 0
    healed: int = 0
    failed: int = 0
    still_open: int = 0
    """Waits for its lead, or a person resolved its failure: seen, and left alone."""

    @property
    def counts(self) -> dict[str, int]:
        """What goes on record (`monitoring.SyncRun`)."""
        return {
            "checked": self.checked,
            "healed": self.healed,
            "failed": self.failed,
            "still_open": self.still_open,
        }

    def __str__(self) -> str:
        return (
            f"Checked {self.checked}: {self.healed} healed, {self.failed} failed, "
            f"{self.still_open} still open."
        )


def reconcile(drift: Drift, *, dry_run: bool = False) -> Iterator[None]:
    """Sync again every conversation that drifted from its lead, one commit for each.

    Goes through all conversations by their key, counts into `drift` and pauses for its caller after
    each batch and each healed one: constant memory at any size, and safe to break off. `dry_run`
    writes nothing.
    """
    last = 0
    places = Places()
    states = SarahState.objects.select_related("workspace")
    while batch := list(states.filter(pk__gt=last).order_by("pk")[:BATCH_SIZE]):
        contacts, given_up = _contacts_of(batch), _given_up(batch)
        drift.checked += len(batch)
        for state in batch:
            contact = contacts.get((state.contact_phone, state.workspace_id))
            if state.pk in given_up:
                drift.still_open += 1
            elif dry_run:
                _count_if_drifted(state, contact, places, drift)
            elif _mend_if_drifted(state, contact, places, drift):
                yield
        last = batch[-1].pk
        yield


def has_drifted(state: SarahState, contact: Contact | None) -> bool:
    """Whether syncing this conversation to its lead now would change something. Pure.

    Without a lead it would: either a lead is created, or the conversation says that it has none.
    """
    if _is_test(state) or (contact and contact.opted_out):
        return state.sync_reason != SyncReason.EXCLUDED
    if contact is None or state.synced_at is None or state.synced_at < state.updated_at:
        return True
    return state.contact_id != contact.pk or bool(rules.changes_for(contact, state))


def _count_if_drifted(
    state: SarahState, contact: Contact | None, places: Places, drift: Drift
) -> bool:
    if contact is None and _still_waits(state, places):
        drift.still_open += 1
        return False
    drifted = has_drifted(state, contact)
    drift.drifted += drifted
    return drifted


def _mend_if_drifted(
    state: SarahState, contact: Contact | None, places: Places, drift: Drift
) -> bool:
    """Whether there was something to do; a conversation that breaks even the comparison goes to
    the queue, since it must not keep the rest from being reconciled."""
    check = partial(_count_if_drifted, state, contact, places, drift)
    what = f"the reconciliation of conversation {state.pk}"
    try:
        if drifted := attempt(check, what=what, state_id=state.pk):
            _heal(state, drift)
    except Broken:
        postpone(state.pk)
        drift.failed += 1
        return True
    return drifted


def _heal(state: SarahState, drift: Drift) -> None:
    what = f"the retry of conversation {state.pk}"
    result = attempt(partial(retry, state.pk), what=what, state_id=state.pk)
    if result and result.reason in (None, SyncReason.EXCLUDED):
        drift.healed += 1
    elif result:
        drift.failed += 1


def _still_waits(state: SarahState, places: Places) -> bool:
    """Whether the lead or the workspace that it waits for is still missing, or its turn to become
    a lead has not come."""
    if state.synced_at or state.sync_reason not in WAITING or _is_test(state):
        return False
    if state.workspace:
        return not (state.workspace.creates_contacts and places.take(state.workspace))
    ref = state.workspace_ref
    return (named(ref) if ref else implied(state.contact_phone)) is None


def _is_test(state: SarahState) -> bool:
    return state.workspace is not None and state.workspace.is_test_number(state.contact_phone)


def _contacts_of(states: Iterable[SarahState]) -> dict[tuple[str, int | None], Contact]:
    phones = [state.contact_phone for state in states]
    found = Contact.objects.filter(phone__in=phones)
    return {(contact.phone, contact.workspace_id): contact for contact in found}


def _given_up(states: Iterable[SarahState]) -> set[int]:
    """Those whose failure a person resolved since the bot's last message: they stay as they are."""
    resolved = SyncFailure.objects.filter(
        state__in=[state.pk for state in states if state.synced_at is None],
        resolution=Resolution.MANUAL,
        resolved_at__gte=F("state__updated_at"),
    )
    return set(resolved.values_list("state_id", flat=True))
