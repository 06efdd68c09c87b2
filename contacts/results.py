"""What came of new leads: how far they came, by week, by source and by person."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Count
from django.utils import timezone

from contacts.models import Contact, ContactQuerySet
from contacts.models.standing import REACHED


@dataclass(slots=True)
class Tally:
    """How many leads came how far, and how many of those handed over were answered in time."""

    reached: Counter[str] = field(default_factory=Counter)
    in_time: int = 0
    late: int = 0

    @property
    def share(self) -> int | None:
        """Per cent answered in time."""
        total = self.in_time + self.late
        return round(100 * self.in_time / total) if total else None

    def add(self, reached: Iterator[str], in_time: bool | None) -> None:
        self.reached.update(reached)
        self.in_time += in_time is True
        self.late += in_time is False


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Of the leads that were added in a period: all of them, or the newest NEWEST."""

    everyone: Tally
    by_week: dict[date, Tally]
    """By its Monday."""
    by_source: dict[str, Tally]
    by_person: dict[int | None, Tally]
    """By the primary key of the owner."""
    median: timedelta | None
    """After which half of those answered were."""
    is_cut: bool
    since: datetime
    """When the first of them was added."""


NEWEST = 3_000
"""Leads that are summed up: enough for shares that are true, and few enough to be read at once."""


def results_of(leads: ContactQuerySet, *, since: datetime, now: datetime) -> Results:
    """Sum up the leads added since then; one statement over at most NEWEST of them."""
    everyone, first = Tally(), since
    by_week: dict[date, Tally] = defaultdict(Tally)
    by_source: dict[str, Tally] = defaultdict(Tally)
    by_person: dict[int | None, Tally] = defaultdict(Tally)
    rows = _rows(leads.added_since(since))
    waits: list[float] = []
    for created_at, source, person, handed_over_at, answer_by, answered_at, *counts in rows:
        day, first = timezone.localtime(created_at).date(), created_at
        groups = (
            everyone,
            by_week[day - timedelta(days=day.weekday())],
            by_source[source],
            by_person[person],
        )
        for tally in groups:
            reached = (one for one, count in zip(REACHED, counts, strict=True) if count)
            tally.add(reached, _in_time(answer_by, answered_at, now))
        if answered_at and handed_over_at:
            waits.append((answered_at - handed_over_at).total_seconds())
    return Results(
        everyone=everyone,
        by_week=dict(sorted(by_week.items(), reverse=True)),
        by_source=dict(by_source),
        by_person=dict(by_person),
        median=timedelta(seconds=median(waits)) if waits else None,
        is_cut=len(rows) >= NEWEST,
        since=first if len(rows) >= NEWEST else since,
    )


def _rows(added: ContactQuerySet) -> list[tuple[Any, ...]]:
    newest = added.order_by("-created_at", "-pk").values("pk")[:NEWEST]
    counts = {f"n_{one.value}": Count("pk", filter=reached) for one, reached in REACHED.items()}
    known = ("created_at", "source", "assigned_to", "handed_over_at", "answer_by", "answered_at")
    leads = Contact.objects.filter(pk__in=newest).order_by("-created_at").values("pk")
    return list(leads.annotate(**counts).values_list(*known, *counts))


def _in_time(
    answer_by: datetime | None, answered_at: datetime | None, now: datetime
) -> bool | None:
    """Whether a person answered in time; None if nobody has to, or still can."""
    if answer_by is None or (answered_at is None and now <= answer_by):
        return None
    return answered_at is not None and answered_at <= answer_by
