"""Reconciles: finds leads that differ from what their conversation says, and syncs them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from django.db.models import Q

from contacts.models import AddressChange, Contact
from contacts.quota import HourlyQuota
from leadsync.infra.db import BATCH_SIZE
from sarah import rules
from sarah.addressing import workspace_of
from sarah.guards import JobFailed, run_guarded
from sarah.models import WAITING, SarahState, SyncReason
from sarah.queue import postpone
from sarah.retry import retry


@dataclass(slots=True, kw_only=True)
class Drift:
    """What a reconciliation has counted so far, in conversations."""

    checked: int = 0
    healed: int = 0
    failed: int = 0
    still_open: int = 0
    """Waits for its lead or for a person, or one has given up on it: checked, and left alone."""

    def __str__(self) -> str:
        return (
            f"Checked {self.checked}: {self.healed} healed, {self.failed} failed, "
            f"{self.still_open} still open."
        )


def reconcile(drift: Drift, *, dry_run: bool = False) -> Iterator[None]:
    """Sync every conversation whose lead has drifted, one commit each.

    Walks all conversations by primary key, counts into `drift`, and yields to its caller after each
    batch and each sync: constant memory, safe to break off. `dry_run` writes nothing, and counts as
    healed what it would sync.
    """
    last = 0
    quota = HourlyQuota()
    states = SarahState.objects.select_related("workspace")
    while batch := list(states.filter(pk__gt=last).order_by("pk")[:BATCH_SIZE]):
        contacts = _contacts_of(batch)
        drift.checked += len(batch)
        for state in batch:
            people = [contacts.get((one, state.workspace_id)) for one in state.who.identities]
            contact = next(filter(None, people), None)
            if state.waits_for_a_person:
                drift.still_open += 1
            elif dry_run:
                drift.healed += _count_if_drifted(state, contact, quota, drift)
            elif _heal_if_drifted(state, contact, quota, drift):
                yield
        last = batch[-1].pk
        yield


def has_drifted(state: SarahState, contact: Contact | None) -> bool:
    """Whether syncing this conversation now would change something. Pure.

    Without a lead it would: either a lead is created, or the conversation is marked.
    """
    is_unwanted = contact.opted_out if contact else state.lost_its_lead
    if is_unwanted or _is_test(state):
        return state.sync_reason != SyncReason.EXCLUDED or state.may_have_open_failures
    if contact is None or state.is_behind:
        return True
    return state.contact_id != contact.pk or bool(rules.changes_for(contact, state))


def _count_if_drifted(
    state: SarahState, contact: Contact | None, quota: HourlyQuota, drift: Drift
) -> bool:
    if contact is None and _still_waits(state, quota):
        drift.still_open += 1
        return False
    return has_drifted(state, contact)


def _heal_if_drifted(
    state: SarahState, contact: Contact | None, quota: HourlyQuota, drift: Drift
) -> bool:
    """Sync the conversation if it has drifted; returns whether there was something to do.

    One that fails even in the comparison goes to the queue: it must not stop the others.
    """
    check = partial(_count_if_drifted, state, contact, quota, drift)
    try:
        what = f"the reconciliation of conversation {state.pk}"
        if not run_guarded(check, what=what, state_id=state.pk):
            return False
        what = f"the retry of conversation {state.pk}"
        result = run_guarded(partial(retry, state.pk), what=what, state_id=state.pk)
    except JobFailed:
        postpone(state.pk)
        drift.failed += 1
        return True
    if result:
        drift.healed += result.needs_no_retry
        drift.failed += not result.needs_no_retry
    return True


def _still_waits(state: SarahState, quota: HourlyQuota) -> bool:
    """Whether the lead or workspace it waits for is still missing, or the quota is used up."""
    if state.synced_at or state.sync_reason not in WAITING or _is_test(state):
        return False
    if state.workspace:
        return not (state.workspace.creates_contacts and quota.claim(state.workspace))
    return workspace_of(state) is None


def _is_test(state: SarahState) -> bool:
    return state.workspace is not None and state.workspace.is_test_number(state.contact_phone)


def _contacts_of(states: Iterable[SarahState]) -> dict[tuple[str, int], Contact]:
    """The leads by phone and by id, each with its workspace."""
    phones = [state.contact_phone for state in states if state.contact_phone]
    ids = [state.business_scoped_user_id for state in states if state.business_scoped_user_id]
    people = Q(phone__in=phones)
    if ids:
        people |= Q(business_scoped_user_id__in=ids)
    found = {
        (one, lead.workspace_id): lead
        for lead in Contact.objects.filter(people)
        for one in lead.address.identities
    }
    return _moved_on([*phones, *ids]) | found


def _moved_on(identities: list[str]) -> dict[tuple[str, int], Contact]:
    """The leads that had these before: their conversations are not adrift."""
    moves = AddressChange.objects.filter(former__in=identities)
    found = {
        (one.former, one.workspace_id): Contact.objects.at(one.now)
        .filter(workspace=one.workspace_id)
        .first()
        for one in moves
    }
    return {place: lead for place, lead in found.items() if lead}
