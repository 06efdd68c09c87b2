"""What the pages of a cause and of a failure show, in one shape."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from unfold.enums import ActionVariant

from leadsync.admin.html import ago, list_url
from monitoring.admin.details import kind_pill, sparkline, trend_in_words
from monitoring.admin.issue.activity import activity_of, retries_of
from monitoring.admin.issue.people import affected_by
from monitoring.admin.issue.primary import About, Help, help_for
from monitoring.admin.trends import Trend
from monitoring.kinds import HEALED_BY_SYNC
from monitoring.models import FailureGroup, SyncFailure, SyncFailureQuerySet

CODE = partial(format_html, "<code>{}</code>")
BARS = {"bar": 14, "gap": 3, "height": 56}


def titled(title: str) -> SafeString:
    """Render a title: what stands in backticks is code."""
    shown = enumerate(title.split("`"))
    return format_html_join("", "{}", ((CODE(part) if n % 2 else part,) for n, part in shown))


def plain(title: str) -> str:
    return title.replace("`", "")


def in_a_sentence(cause: Any, *, people: int) -> SafeString:
    """Say how many people a cause hits, since when and how often."""
    often = ngettext("%(n)s time", "%(n)s times", cause.occurrences or 1)
    parts = [
        ngettext("%(n)s person", "%(n)s people", people) % {"n": intcomma(people)}
        if people
        else "",
        _("since %s") % moment(cause.created_at),
        often % {"n": intcomma(cause.occurrences)},
        format_html(_("last {}"), ago(cause.last_seen_at)),
    ]
    return format_html_join(" · ", "{}", ((part,) for part in parts if part))


def shape(
    request: HttpRequest,
    cause: FailureGroup,
    failures: SyncFailureQuerySet,
    *,
    one: SyncFailure | None = None,
    actions: Iterable[dict[str, Any]],
    trend: Trend,
) -> dict[str, Any]:
    """Return what both pages show; `failures` are those of the cause that the person may see, and
    `one` is the failure whose page it is."""
    shown = failures.filter(pk=one.pk) if one else failures
    opened = shown.open()
    newest = opened.order_by("-last_seen_at", "-pk").values_list("pk", flat=True).first()
    about = About(
        source=cause.source,
        kind=cause.kind,
        subject=cause.subject,
        exception=cause.exception,
        is_cause=one is None,
        newest=newest,
    )
    found = help_for(request, about, opened)
    primary, others = _split(found, actions)
    return {
        "title": titled(cause.title),
        "culprit": cause.function,
        "kind": kind_pill(cause.kind),
        "advice": (one or cause).advice,
        "trend": sparkline(trend, **BARS) if any(trend.hours) else "",
        "trend_text": trend_in_words(trend),
        "help": found,
        "primary": primary,
        "actions": others,
        "affected": affected_by(opened, kind=cause.kind),
        "retries": retries_of(opened),
        "activity": activity_of(request, cause, shown, is_cause=one is None),
        "all_url": list_url("monitoring_syncfailure", group=cause.pk),
        "is_retryable": cause.kind in HEALED_BY_SYNC,
        "failures_url": reverse("admin:monitoring_syncfailure_changelist"),
        "back": ("failure", one.pk) if one else ("cause", cause.pk),
    }


def _split(help_: Help, actions: Iterable[dict[str, Any]]) -> tuple[Any, list[dict[str, Any]]]:
    """The primary button, and the page's other actions: that which it is stands not twice."""
    offered = list(actions)
    if help_.primary is None or not help_.primary.path:
        return help_.primary, offered
    path = f"/{help_.primary.path}"
    mine = [one for one in offered if str(one["path"]).rstrip("/").endswith(path)]
    others = [one for one in offered if one not in mine]
    if not mine:
        return None, others
    return {**mine[0], "variant": ActionVariant.PRIMARY, "is_action": True}, others


def moment(when: Any) -> str:
    return date_format(timezone.localtime(when), "j M, H:i")
