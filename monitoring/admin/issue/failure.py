"""The page of one failure, in the shape of its cause's."""

from collections.abc import Iterator
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsync.admin.html import NOTHING, admin_link, ago
from monitoring.admin.details import outcome_in_words
from monitoring.admin.issue.page import moment, shape
from monitoring.admin.issue.repairs import repair_form
from monitoring.admin.issue.sample import neighbours_of
from monitoring.admin.trends import trends_of
from monitoring.models import SyncFailure
from monitoring.sentences import in_words
from sarah.admin.who import address_of, title_of


def issue_of(request: HttpRequest, failure: SyncFailure, actions: Any) -> dict[str, Any]:
    """Return what the page of a failure shows."""
    cause: Any = failure.group
    cause.viewer = request.user
    alike = SyncFailure.objects.visible_to(request.user).filter(group=cause)
    trend = trends_of([cause])[cause.pk]
    shown = shape(request, cause, alike, one=failure, actions=actions, trend=trend)
    seen = ngettext(
        "Seen %(n)s time since %(when)s", "Seen %(n)s times since %(when)s", failure.occurrences
    )
    times = {"n": intcomma(failure.occurrences), "when": moment(failure.created_at)}
    return shown | {
        "status": outcome_in_words(failure),
        "error": in_words(failure.error),
        "sentence": seen % times,
        "trend_text": _("All of this cause: %s") % shown["trend_text"],
        "note": failure.note,
        "facts": list(_facts(request, failure)),
        "repair": repair_form(request, failure),
        "sample": neighbours_of(failure, alike.filter(resolved_at__isnull=True)),
    }


def _facts(request: HttpRequest, failure: SyncFailure) -> Iterator[tuple[str, Any]]:
    state: Any = failure.state
    if request.user.has_perm("monitoring.view_failuregroup"):
        yield _("Cause"), admin_link(failure.group, _("All that it hits"))
    yield _("Phone"), address_of(state) if state else failure.contact_phone or NOTHING
    if state and state.contact:
        yield _("Lead"), admin_link(state.contact)
    if state:
        yield _("Conversation"), admin_link(state, _("Conversation with %s") % title_of(state))
    yield _("Workspace"), failure.workspace_ref or NOTHING
    yield _("First seen"), ago(failure.created_at)
    yield _("Last seen"), ago(failure.last_seen_at)
    yield _("Source"), failure.get_source_display()
    if failure.request_id:
        yield _("Request"), _request(failure)


def _request(failure: SyncFailure) -> Any:
    """The request id, with a link to the message it came with if that was saved."""
    state: Any = failure.state
    sent = state.updates.filter(request_id=failure.request_id).first() if state else None
    return admin_link(sent, failure.request_id) if sent else failure.request_id
