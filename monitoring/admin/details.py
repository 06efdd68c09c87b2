"""A failure in pills and words, for its page in the admin."""

import json
from collections.abc import Mapping

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from leadsync.admin.tools import ago, pill
from monitoring.kinds import Kind
from monitoring.models import Resolution, SyncFailure

KIND_COLOURS = dict.fromkeys(Kind.values, "warning") | {
    Kind.SYNC_ERROR: "danger",
    Kind.REJECTED_PAYLOAD: "danger",
    Kind.INVALID_PAYLOAD: "info",
}


def kind_pill(kind: str) -> SafeString:
    return pill(Kind(kind).label, KIND_COLOURS[kind])


def outcome_in_words(failure: SyncFailure) -> SafeString:
    """Whether it is open; if not, how it ended, by whom and when."""
    if failure.resolved_at is None:
        return pill(_("Open"), "danger")
    by = _("by %(name)s") % {"name": failure.resolved_by} if failure.resolved_by else ""
    return format_html(
        '{} <span class="ls-aside">{} {}</span>',
        pill(Resolution(failure.resolution).label, "success"),
        by,
        ago(failure.resolved_at),
    )


def pretty(payload: Mapping[str, object]) -> str:
    """The payload as indented JSON; a body kept as text is read first, where it can be.

    Halves of characters, which no page can carry, are shown as their codes.
    """
    body = payload.get("body") if len(payload) == 1 else None
    try:
        shown = json.loads(body) if isinstance(body, str) else payload
        text = json.dumps(shown, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):  # not JSON, or nested too deeply
        text = body if isinstance(body, str) else str(payload)
    return text.encode("utf-8", "backslashreplace").decode()
