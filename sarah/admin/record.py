"""The page of a conversation: a record, as that of its lead."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from contacts.admin.record.entries import Entry, message_entry
from leadsync.admin.html import ago, temperature_pill
from sarah.admin.details import explain_sync, facts_of, failures_of
from sarah.admin.who import address_of, name_of, title_of
from sarah.models import SarahState, SyncReason

SHOWN_MESSAGES = 20
RETRY = "/sync-again"


def record_of(request: HttpRequest, state: SarahState, actions: list[Any]) -> dict[str, Any]:
    """Return what the page shows. To erase or to export is in the menu; a retry stands beside the
    sentence that calls for it."""
    is_behind = not state.synced_at and state.sync_reason != SyncReason.EXCLUDED
    retry = [one for one in actions if RETRY in str(one["path"])]
    may_see_failures = request.user.has_perm("monitoring.view_syncfailure")
    return {
        "name": title_of(state),
        "address": address_of(state) if name_of(state) else "",
        "temperature": temperature_pill(state.lead_temperature),
        "heard": ago(state.updated_at),
        "sync": explain_sync(state),
        "is_behind": is_behind,
        "retry": retry[0] if retry else None,
        "add_url": _add_url(request, state),
        "menu": [one for one in actions if one not in retry],
        "facts": facts_of(state),
        "failures": failures_of(state) if may_see_failures else [],
        "timeline": {"entries": _messages(state)},
    }


def _add_url(request: HttpRequest, state: SarahState) -> str:
    """Where to make a lead of somebody who is none yet; blank if that is not what is missing."""
    is_unknown = state.sync_reason == SyncReason.CONTACT_NOT_FOUND and state.workspace_id
    if not (is_unknown and request.user.has_perm("contacts.add_contact")):
        return ""
    return reverse("admin:contacts_contact_add_stranger", args=[state.pk])


def _messages(state: SarahState) -> list[Entry]:
    newest = state.updates.order_by("-received_at", "-pk").defer("body", "warnings")
    return [
        message_entry(at=one.received_at, changes=one.changes, outcome=one.outcome, key=one.pk)
        for one in newest[:SHOWN_MESSAGES]
    ]
