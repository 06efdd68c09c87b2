"""Moves conversations into a workspace that a person chose, because the bot did not say which."""

import time
from dataclasses import dataclass

from contacts.models import Workspace
from sarah.models import SarahStateQuerySet
from sarah.retry import AT_ONCE, PATIENCE, retry
from sarah.sync import SyncResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What came of it, in conversations; there was no time for those that are left."""

    synced: int
    still_failing: int
    left: int


def move_to(states: SarahStateQuerySet, workspace: Workspace, *, by: str) -> Moved:
    """Move those that have no workspace into this one, at the word of `by`, and sync them.

    Of somebody who is a lead in several, what Sarah says without naming one goes there from now on.
    """
    asked = list(states.filter(workspace__isnull=True).order_by("pk").values_list("pk", flat=True))
    ends_at = time.monotonic() + PATIENCE
    results: list[SyncResult | None] = []
    for pk in asked[:AT_ONCE]:
        if time.monotonic() > ends_at:
            break
        results.append(retry(pk, by=by, workspace=workspace))
    fine = [result.needs_no_retry for result in results if result]
    return Moved(synced=sum(fine), still_failing=fine.count(False), left=len(asked) - len(results))
