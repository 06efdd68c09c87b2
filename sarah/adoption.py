"""How a conversation that waited for its workspace finds home, merging into one already there."""

from collections.abc import Sequence

from contacts.models import Workspace
from monitoring.models import SyncFailure
from sarah.merge import merge_facts
from sarah.models import SarahState, StateUpdate

TOLD_BY_THE_BOT = (
    "state",
    "lead_score",
    "lead_temperature",
    "language",
    "message_count",
    "last_message_at",
    "updated_at",
)


def adopt(states: Sequence[SarahState], workspace: Workspace | None) -> SarahState:
    """Make one conversation of those at one address, at home in `workspace` if there is one.

    The caller holds the rows' locks. The row that has a workspace stays; what was said later wins
    and fills up with what was said before; failures and the journal of the others are
    re-pointed to the survivor.
    """
    survivor, *others = sorted(states, key=lambda state: (state.workspace_id is None, state.pk))
    changes: dict[str, object] = {}
    for other in others:
        changes |= _set(survivor, _absorbed(survivor, other))
    if workspace and survivor.workspace_id is None:
        changes |= _set(survivor, {"workspace": workspace, "workspace_ref": ""})
    if changes:
        SarahState.objects.filter(pk=survivor.pk).update(**changes)
    if workspace:
        survivor.workspace = workspace  # the instance at hand saves the query for it
    return survivor


def _set(state: SarahState, values: dict[str, object]) -> dict[str, object]:
    for name, value in values.items():
        setattr(state, name, value)
    return values


def _absorbed(survivor: SarahState, other: SarahState) -> dict[str, object]:
    earlier, later = sorted((survivor, other), key=lambda state: state.updated_at)
    facts, _left_out = merge_facts(earlier.extracted_data, later.extracted_data)
    SyncFailure.objects.filter(state=other).move_to(survivor)
    StateUpdate.objects.filter(state=other).update(state=survivor)
    other.delete()
    return {name: getattr(later, name) for name in TOLD_BY_THE_BOT} | {
        "extracted_data": facts,
        "revision": max(survivor.revision, other.revision) + 1,
        "created_at": min(survivor.created_at, other.created_at),
        "sync_attempts": max(survivor.sync_attempts, other.sync_attempts),
    }
