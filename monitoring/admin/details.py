"""Failures and causes in pills and words, for their pages in the admin."""

import json
from collections.abc import Mapping

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from leadsync.admin.html import ago, pill
from monitoring.admin.trends import Trend
from monitoring.kinds import Kind
from monitoring.models import GroupStatus, Resolution, SyncFailure

KIND_COLOURS = dict.fromkeys(Kind.values, "warning") | {
    Kind.SYNC_ERROR: "danger",
    Kind.REJECTED_PAYLOAD: "danger",
    Kind.INVALID_PAYLOAD: "info",
}
STATUS_COLOURS: dict[str, str] = {
    GroupStatus.OPEN: "danger",
    GroupStatus.REGRESSED: "danger",
    GroupStatus.ACKNOWLEDGED: "warning",
    GroupStatus.IGNORED: "",
    GroupStatus.RESOLVED: "success",
    GroupStatus.HEALED: "success",
}


FAINT = SafeString(' opacity=".35"')
BAR, GAP, HEIGHT = 4, 1, 24
"""Pixels of a trend's bars."""


def kind_pill(kind: str) -> SafeString:
    return pill(Kind(kind).label, KIND_COLOURS[kind])


def cause_pill(status: str) -> SafeString:
    return pill(GroupStatus(status).label, STATUS_COLOURS[status])


def trend_in_words(trend: Trend) -> str:
    counts = {"day": intcomma(trend.total), "hour": intcomma(trend.last_hour)}
    return _("%(day)s in 24 h, %(hour)s in the last hour") % counts


def sparkline(trend: Trend) -> SafeString:
    """A bar for each hour of the last day, and the same in words for who cannot see them."""
    most = max(trend.hours)
    heights = [max(round(HEIGHT * count / most), 2) if count else 1 for count in trend.hours]
    bars = (
        (number * (BAR + GAP), HEIGHT - height, BAR, height, "" if count else FAINT)
        for number, (count, height) in enumerate(zip(trend.hours, heights, strict=True))
    )
    return format_html(
        '<svg class="ls-trend" role="img" aria-label="{}" width="{}" height="{}" '
        'fill="currentColor"><title>{}</title>{}</svg>',
        words := trend_in_words(trend),
        len(trend.hours) * (BAR + GAP) - GAP,
        HEIGHT,
        words,
        format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"{}/>', bars),
    )


def resolution_pill(failure: SyncFailure) -> SafeString:
    """Whether it is open; if not, how it ended."""
    if failure.resolved_at is None:
        return pill(_("Open"), "danger")
    return pill(Resolution(failure.resolution).label, "success")


def outcome_in_words(failure: SyncFailure) -> SafeString:
    """The same, with by whom and when."""
    ended = resolution_pill(failure)
    if failure.resolved_at is None:
        return ended
    by = _("by %(name)s") % {"name": failure.resolved_by} if failure.resolved_by else ""
    at = ago(failure.resolved_at)
    return format_html('{} <span class="ls-aside">{} {}</span>', ended, by, at)


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
