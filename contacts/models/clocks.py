"""The response clock of a lead: by when a person wants to have answered it, and when one did."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from contacts.models.choices import Temperature
from contacts.models.workspaces import Workspace

HOT_FROM, WARM_FROM = 70, 40
"""The scores of hot and warm leads, whatever their temperature says."""
RUNNING = Q(answer_by__isnull=False, answered_at__isnull=True)
IN_TIME = Q(answered_at__lte=F("answer_by"))
CLOCK = ("handed_over_at", "handed_over_as", "answer_by", "answered_at", "answered_by")
STOPPED = ("answered_at", "answered_by")


class ResponseClock(models.Model):
    """The columns. Only a handoff starts the clock (`sarah/rules.py`), only a person stops it."""

    handed_over_at = models.DateTimeField(_("handed over"), null=True, blank=True)
    handed_over_as = models.CharField(
        max_length=8, choices=Temperature, blank=True, default="", db_default=""
    )
    """Hot or warm: how soon the workspace wants to answer."""
    answer_by = models.DateTimeField(_("to be answered by"), null=True, blank=True)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    answered_by = models.CharField(
        _("answered by"), max_length=150, blank=True, default="", db_default=""
    )

    class Meta:
        abstract = True

    def stopped(self, *, by: str, at: datetime) -> dict[str, object]:
        """Return what changes in the columns because a person answered."""
        is_running = self.answer_by is not None and self.answered_at is None
        return {"answered_at": at, "answered_by": by} if is_running else {}


def started(
    temperature: str, score: int, workspace: Workspace | None, *, at: datetime
) -> dict[str, object]:
    """Return the columns of a lead that is handed over; nothing if nobody need hurry."""
    kind = kind_of(temperature, score)
    if workspace is None or kind is None:
        return {}
    answer_by = time_to_answer(kind, workspace, at=at)
    return {
        "handed_over_at": at,
        "handed_over_as": kind,
        "answer_by": answer_by,
        "answered_at": None,
        "answered_by": "",
    }


def late(now: datetime) -> Q:
    """Leads that were answered late, or should have been answered by now."""
    return Q(answered_at__gt=F("answer_by")) | Q(answered_at__isnull=True, answer_by__lt=now)


def kind_of(temperature: str, score: int) -> Temperature | None:
    if temperature == Temperature.HOT or score >= HOT_FROM:
        return Temperature.HOT
    if temperature == Temperature.WARM or score >= WARM_FROM:
        return Temperature.WARM
    return None


def time_to_answer(kind: str, workspace: Workspace, *, at: datetime) -> datetime:
    hot = kind == Temperature.HOT
    minutes = workspace.hot_minutes if hot else workspace.warm_minutes
    return workspace.work_time.after(at, timedelta(minutes=minutes))


def stopping(*, by: str, at: datetime) -> dict[str, Any]:
    """Return the same as `stopped` for an `update()` of several leads."""
    # What was said before the handoff is no answer to it.
    is_running = RUNNING & Q(handed_over_at__lte=at)
    return {
        "answered_at": Case(When(is_running, then=Value(at)), default=F("answered_at")),
        "answered_by": Case(When(is_running, then=Value(by)), default=F("answered_by")),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How leads that were handed over were answered; those still in time count nowhere."""

    in_time: int
    late: int
    median: timedelta | None
    by_person: dict[str, int]

    @property
    def share(self) -> int | None:
        """Per cent answered in time."""
        total = self.in_time + self.late
        return round(100 * self.in_time / total) if total else None


def answers_of(
    rows: Iterable[tuple[datetime, datetime, datetime | None, str]], *, now: datetime
) -> Answers:
    """Sum up clocks, each as `handed_over_at, answer_by, answered_at, answered_by`."""
    waits, in_time, late, by_person = [], 0, 0, Counter[str]()
    for handed_over_at, answer_by, answered_at, by in rows:
        if (answered_at or now) > answer_by:
            late += 1
        elif answered_at:
            in_time += 1
        if answered_at:
            waits.append(answered_at - handed_over_at)
            by_person[by] += 1
    middle = timedelta(seconds=median(wait.total_seconds() for wait in waits)) if waits else None
    return Answers(in_time=in_time, late=late, median=middle, by_person=dict(by_person))
