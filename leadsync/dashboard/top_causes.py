"""The causes that hit most people, each with the button that ends it."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from leadsync.dashboard.scope import Scope
from monitoring.admin.details import sparkline
from monitoring.admin.filters import CauseStatusFilter
from monitoring.admin.issue.page import in_a_sentence, titled
from monitoring.admin.issue.primary import About, Button, help_for
from monitoring.admin.trends import trends_of
from monitoring.kinds import Kind
from monitoring.models import FailureGroup, SyncFailure

SHOWN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class TopCause:
    pk: int
    title: SafeString
    sentence: SafeString
    trend: SafeString
    url: str
    button: Button | None


def cause_section(scope: Scope, request: Any) -> dict[str, Any]:
    """Those that are open, the one that hits most people first; not people who are no leads yet,
    for whom the page has a line of its own."""
    seen: Any = FailureGroup.objects.visible_to(scope.user).failing(scope.user)
    current = seen.filter(status__in=CauseStatusFilter.TO_KNOW).exclude(kind=Kind.CONTACT_NOT_FOUND)
    if scope.workspace:
        here = SyncFailure.objects.open().filter(workspace_ref=scope.workspace.slug)
        current = current.filter(pk__in=here.values("group"))
    causes = list(current.order_by("-leads", "-last_seen_at", "-pk")[:SHOWN])
    trends = trends_of(causes)
    return {
        "causes": [_shown(request, cause, trends[cause.pk]) for cause in causes],
        "causes_url": reverse("admin:monitoring_failuregroup_changelist"),
    }


def _shown(request: Any, cause: Any, trend: Any) -> TopCause:
    page = reverse("admin:monitoring_failuregroup_change", args=[cause.pk])
    failures = SyncFailure.objects.visible_to(request.user).open().filter(group=cause)
    newest = failures.order_by("-last_seen_at", "-pk").values_list("pk", flat=True).first()
    about = About(
        source=cause.source,
        kind=cause.kind,
        subject=cause.subject,
        exception=cause.exception,
        is_cause=True,
        newest=newest,
    )
    return TopCause(
        pk=cause.pk,
        title=titled(cause.title),
        sentence=in_a_sentence(cause, people=cause.leads),
        trend=sparkline(trend),
        url=page,
        button=_one_click(help_for(request, about, failures).primary, page),
    )


def _one_click(button: Button | None, page: str) -> Button | None:
    """What asks something, or opens a dialog, is done on the cause's page."""
    if button and (button.choices or button.path):
        return Button(label=button.label, icon=button.icon, url=page)
    return button
