"""Numbers of leads: how many there are, how many are new, and why some were archived."""

from collections import Counter
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum
from django.utils import timezone

from contacts.models import Contact, Standing, StatusChange, Temperature, Workspace
from contacts.workflow import ArchiveReason, LeadStatus

ANSWERS_OF = timedelta(days=30)
MAX_PEOPLE = 100


def numbers_of(workspace: Workspace | None, *, now: datetime) -> dict[str, Any]:
    """Return the numbers of the leads of one workspace, or of all, in five statements."""
    here = Q(workspace=workspace) if workspace else Q()
    leads: Any = Contact.objects.filter(here)
    kinds = ("lead_status", "lead_temperature", "standing")
    counted = leads.with_standing().order_by().values(*kinds)
    groups = list(counted.annotate(count=Count("pk"), score=Sum("lead_score")))
    total = sum(group["count"] for group in groups)
    score = sum(group["score"] for group in groups)
    return {
        "total": total,
        "by_status": _by("lead_status", groups, LeadStatus.values),
        "by_standing": _by("standing", groups, Standing.values),
        "by_temperature": _by("lead_temperature", groups, Temperature.values),
        "average_score": round(score / total, 1) if total else None,
        "new": new_in(leads, now=now, zone=zone_of(workspace)),
        "archived_because": archived_because(workspace),
        "converted_by_person": converted_by_person(workspace),
        "answered": _answered(leads, since=now - ANSWERS_OF),
    }


def zone_of(workspace: Workspace | None) -> tzinfo:
    """The time zone of the workspace, else of this installation."""
    named = workspace.time_zone if workspace else ""
    return ZoneInfo(named) if named else timezone.get_default_timezone()


def new_in(leads: Any, *, now: datetime, zone: tzinfo) -> dict[str, dict[str, int]]:
    """Count the leads that were added today, this week and this month, and in the period before
    each."""
    periods = periods_at(now.astimezone(zone).date(), zone)
    counts = {
        f"{name}_{which}": Count("pk", filter=Q(created_at__gte=start, created_at__lt=end))
        for name, (before, begin, tomorrow) in periods.items()
        for which, start, end in (("now", begin, tomorrow), ("before", before, begin))
    }
    first = min(before for before, _begin, _end in periods.values())
    found = leads.added_since(first).aggregate(**counts)
    return {
        name: {"count": found[f"{name}_now"], "before": found[f"{name}_before"]} for name in periods
    }


def periods_at(today: date, zone: tzinfo) -> dict[str, tuple[datetime, datetime, datetime]]:
    """Return by name when the period before began, when this one began, and when today ends."""
    week, month = today - timedelta(days=today.weekday()), today.replace(day=1)
    begins = {
        "today": (today - timedelta(days=1), today),
        "week": (week - timedelta(days=7), week),
        "month": ((month - timedelta(days=1)).replace(day=1), month),
    }
    tomorrow = _midnight(today + timedelta(days=1), zone)
    return {
        name: (_midnight(before, zone), _midnight(begin, zone), tomorrow)
        for name, (before, begin) in begins.items()
    }


def archived_because(workspace: Workspace | None) -> dict[str, int]:
    """Count why the leads that are in the archive were put there."""
    moves = StatusChange.objects.filter(
        to=LeadStatus.ARCHIVED,
        is_undone=False,
        contact__lead_status=LeadStatus.ARCHIVED,
        contact__status_changed_at=F("at"),
    )
    if workspace:
        moves = moves.filter(contact__workspace=workspace)
    rows = moves.order_by().values_list("archive_reason").annotate(Count("pk"))
    counts = dict.fromkeys(ArchiveReason.values, 0) | dict(rows)
    return {reason or "unknown": count for reason, count in counts.items()}


def converted_by_person(workspace: Workspace | None) -> dict[str, int]:
    """Count the leads that a person converted and that are converted still, by that person."""
    here = Q(workspace=workspace) if workspace else Q()
    converted = Contact.objects.filter(here, lead_status=LeadStatus.CONVERTED)
    theirs = converted.filter(moved_by_person_at=F("status_changed_at")).order_by()
    rows = theirs.values_list("status_changed_by").annotate(count=Count("pk"))
    return dict(rows.order_by("-count", "status_changed_by")[:MAX_PEOPLE])


def _answered(leads: Any, *, since: datetime) -> dict[str, Any]:
    answers = leads.answers(since=since)
    middle = answers.median
    minutes = None if middle is None else round(middle.total_seconds() / 60, 1)
    return {
        "in_time": answers.in_time,
        "late": answers.late,
        "share_in_time": answers.share,
        "median_minutes": minutes,
        "by_person": answers.by_person,
    }


def _by(name: str, groups: list[dict[str, Any]], known: list[str]) -> dict[str, int]:
    counts = Counter(dict.fromkeys(known, 0))
    for group in groups:
        counts[group[name]] += group["count"]
    return dict(counts)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, zone)
