"""Failures and causes as pills and sentences, for their admin pages."""

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


MAX_PRETTY = 128 * 1024
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


def sparkline(trend: Trend, *, bar: int = BAR, gap: int = GAP, height: int = HEIGHT) -> SafeString:
    """Render one bar per hour of the last day, and the same in words for screen readers."""
    most = max(trend.hours)
    heights = [max(round(height * count / most), 2) if count else 1 for count in trend.hours]
    bars = (
        (number * (bar + gap), height - high, bar, high, "" if count else FAINT)
        for number, (count, high) in enumerate(zip(trend.hours, heights, strict=True))
    )
    width = len(trend.hours) * (bar + gap) - gap
    return format_html(
        '<svg class="ls-trend" role="img" aria-label="{}" width="{}" height="{}" '
        'viewBox="0 0 {} {}" fill="currentColor"><title>{}</title>{}</svg>',
        words := trend_in_words(trend),
        *(width, height, width, height),
        words,
        format_html_join("", '<rect x="{}" y="{}" width="{}" height="{}"{}/>', bars),
    )


def resolution_pill(failure: SyncFailure) -> SafeString:
    """Render whether it is open; if not, how it was closed."""
    if failure.resolved_at is None:
        return pill(_("Open"), "danger")
    return pill(Resolution(failure.resolution).label, "success")


def outcome_in_words(failure: SyncFailure) -> SafeString:
    """Say whether it is open, and how, by whom and when it was closed."""
    ended = resolution_pill(failure)
    if failure.resolved_at is None:
        return ended
    by = _("by %(name)s") % {"name": failure.resolved_by} if failure.resolved_by else ""
    at = ago(failure.resolved_at)
    return format_html('{} <span class="ls-aside">{} {}</span>', ended, by, at)


def pretty(payload: Mapping[str, object]) -> str:
    """Render the payload as indented JSON; a body kept as text is parsed first if possible.

    As it was sent if the indents make it longer than MAX_PRETTY: nested deeply, they are most of
    it. Lone surrogates, which no page can carry, are shown as their codes.
    """
    body = payload.get("body") if len(payload) == 1 else None
    try:
        shown = json.loads(body) if isinstance(body, str) else payload
        text = json.dumps(shown, indent=2, ensure_ascii=False)
        if len(text) > MAX_PRETTY:
            text = body if isinstance(body, str) else json.dumps(payload, ensure_ascii=False)
    except (ValueError, RecursionError):  # not JSON, or nested too deeply
        text = body if isinstance(body, str) else str(payload)
    return text.encode("utf-8", "backslashreplace").decode()
