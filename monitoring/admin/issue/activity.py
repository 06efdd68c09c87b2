"""What happened with a cause or failure, the newest first; retries are told from occurrences."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Count, Max, Min, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsync.admin.html import ago
from monitoring.models import FailureGroup, Resolution, SyncFailure, SyncFailureQuerySet
from sarah.admin.who import title_of
from sarah.models import StateUpdate

SHOWN = 12
ENDED = {
    Resolution.HEALED: "healing",
    Resolution.RETRIED: "sync",
    Resolution.MANUAL: "check",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    at: datetime
    icon: str
    text: str
    url: str = ""

    @property
    def when(self) -> str:
        return ago(self.at)


def retries_of(failures: SyncFailureQuerySet) -> str:
    """Say how often these were retried by themselves; blank if never."""
    found = failures.aggregate(times=Sum("state__sync_attempts"), due=Min("state__next_sync_at"))
    times = found["times"] or 0
    if not times:
        return ""
    text = ngettext("Retried %(n)s time by itself", "Retried %(n)s times by itself", times)
    text %= {"n": intcomma(times)}
    if found["due"] is None:
        return _("%s; no further retry is due.") % text
    if found["due"] <= timezone.now():
        return _("%s; the next is due now.") % text
    return _("%(text)s; the next is due in %(time)s.") % {
        "text": text,
        "time": timeuntil(found["due"], depth=1),
    }


def activity_of(
    request: HttpRequest, cause: FailureGroup, failures: SyncFailureQuerySet, *, is_cause: bool
) -> list[Event]:
    """Return the newest events of these failures; of a cause, also what people did with it."""
    events = [*_closed(failures), *_first_and_last(failures)]
    if request.user.has_perm("sarah.view_stateupdate"):
        events += _messages(request, cause, failures, is_cause=is_cause)
    if is_cause and not cause.is_shared:
        events += _people(cause)
    return sorted(events, key=lambda event: event.at, reverse=True)[:SHOWN]


def _messages(
    request: HttpRequest, cause: FailureGroup, failures: SyncFailureQuerySet, *, is_cause: bool
) -> Iterator[Event]:
    """What each person said that did not get through: retries are not among it."""
    updates = StateUpdate.objects.visible_to(request.user).filter(failure_group=cause)
    if not is_cause:
        updates = updates.filter(state__in=failures.values("state"))
    by_person = updates.order_by().values("state").annotate(n=Count("pk"), last=Max("pk"))
    counted = {row["last"]: row["n"] for row in by_person.order_by("-last")[:SHOWN]}
    for update in updates.select_related("state__contact").filter(pk__in=counted):
        text = ngettext(
            "%(n)s message of %(who)s did not get through.",
            "%(n)s messages of %(who)s did not get through.",
            counted[update.pk],
        )
        yield Event(
            at=update.received_at,
            icon="chat_error",
            text=text % {"n": intcomma(counted[update.pk]), "who": title_of(update.state)},
            url=reverse("admin:sarah_stateupdate_change", args=[update.pk]),
        )


def _closed(failures: SyncFailureQuerySet) -> Iterator[Event]:
    closed = failures.filter(resolved_at__isnull=False).order_by("-resolved_at", "-pk")
    for failure in closed[:SHOWN]:
        at: Any = failure.resolved_at
        how = Resolution(failure.resolution)
        by = f" · {failure.resolved_by}" if failure.resolved_by else ""
        who = failure.contact_phone or failure
        yield Event(at=at, icon=ENDED[how], text=f"{who}: {how.label}{by}", url=_page(failure))


def _first_and_last(failures: SyncFailureQuerySet) -> Iterator[Event]:
    if first := failures.order_by("created_at", "pk").first():
        yield Event(at=first.created_at, icon="flag", text=_("Seen for the first time."))


def _people(cause: FailureGroup) -> Iterator[Event]:
    about = ContentType.objects.get_for_model(FailureGroup)
    entries = LogEntry.objects.filter(content_type=about, object_id=str(cause.pk))
    for entry in entries.select_related("user").order_by("-action_time")[:SHOWN]:
        text = f"{entry.user}: {_(entry.get_change_message())}"
        yield Event(at=entry.action_time, icon="person", text=text)


def _page(failure: SyncFailure) -> str:
    return reverse("admin:monitoring_syncfailure_change", args=[failure.pk])
