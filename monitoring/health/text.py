"""Renders `sync_status` for a terminal: at most 100 columns, no phone numbers."""

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.timesince import timesince

from leadsync.infra.db import shown_count
from monitoring.health.diagnosis import Workers
from monitoring.health.numbers import SECONDS_TO_READ, Health, health
from monitoring.health.parts import Parts
from monitoring.models import Alert, FailureGroup, SyncRun

WIDTH = 100
MAX_CAUSES = 10
MAX_RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that `sync_status` shows."""

    health: Health
    causes: Sequence[FailureGroup]
    """Causes with open failures, last seen first."""
    runs: Sequence[SyncRun]
    open_alerts: int


def read_report() -> Report:
    parts = Parts(seconds=SECONDS_TO_READ)
    causes = FailureGroup.objects.failing().order_by("-last_seen_at", "-pk")[:MAX_CAUSES]
    runs = SyncRun.objects.all()[:MAX_RUNS]
    return Report(
        causes=parts.read("failures", lambda: list(causes), []),
        runs=parts.read("reconciliations", lambda: list(runs), []),
        open_alerts=parts.read("alerts", Alert.objects.open().count, 0),
        health=health(parts=parts),
    )


def report_lines(report: Report) -> Iterator[str]:
    health, now = report.health, report.health.vitals.at
    sections: list[tuple[str, str, Callable[[], Iterable[str]]]] = [
        ("Messages", "messages", lambda: _messages(health)),
        ("Open failures", "failures", lambda: _failures(health)),
        (
            "Causes of open failures, last seen first",
            "failures",
            lambda: _causes(report.causes, now),
        ),
        ("Backlog", "conversations", lambda: _backlog(health)),
        ("Workers", "workers", lambda: _workers(health)),
        ("Last reconciliations", "reconciliations", lambda: _runs(report.runs, now)),
        ("Alerts", "alerts", lambda: _alerts(report)),
    ]
    yield from _verdict(health)
    for title, part, lines in sections:
        is_known = part not in health.vitals.unreadable
        yield from _section(title, lines() if is_known else ["could not be read"])


def _verdict(health: Health) -> Iterator[str]:
    at = f"{health.vitals.at:%Y-%m-%d %H:%M:%S} UTC"
    if not health.problems:
        yield f"OK: the sync is healthy ({at})"
        return
    count = len(health.problems)
    yield f"{health.status.upper()}: {count} problem{'s' if count > 1 else ''} ({at})"
    for problem in health.problems:
        yield from textwrap.wrap(
            str(problem.text), WIDTH, initial_indent="  ! ", subsequent_indent="    "
        )


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    for line in list(lines) or ["none"]:
        yield f"  {line}".rstrip()[:WIDTH]


def _messages(health: Health) -> Iterator[str]:
    windows = (health.windows or {}).values()
    rows = {
        "": [name.replace("h", " h").replace("d", " d") for name in health.windows or {}],
        "received": [f"{window.messages:,}" for window in windows],
        "synced": [f"{window.synced:,}" for window in windows],
        "failed": [f"{window.failed:,}" for window in windows],
        "excluded": [f"{window.excluded:,}" for window in windows],
        "no leads yet": [f"{window.unknown:,}" for window in windows],
        "failure rate": [f"{window.ratio:.1%}" if window.messages else "-" for window in windows],
        "median": [_ms(window.p50_ms) for window in windows],
        "95 % within": [_ms(window.p95_ms) for window in windows],
        "slowest": [_ms(window.max_ms) for window in windows],
    }
    return _columns(([name, *cells] for name, cells in rows.items()), "<14 >12 >12 >12")


def _failures(health: Health) -> Iterator[str]:
    counts = {kind: count for kind, count in (health.open_failures or {}).items() if count}
    yield from _columns(([kind, f"{count:,}"] for kind, count in counts.items()), "<20 >6")
    if counts:
        yield f"oldest that a sync would heal: {_ago(health.oldest_waiting_at, health.vitals.at)}"


def _causes(causes: Sequence[Any], now: datetime) -> Iterator[str]:
    head = ["kind", "exception", "raised in", "status", "leads", "last seen"]
    rows = [
        [
            cause.kind,
            cause.exception or "-",
            ".".join(cause.function.split(".")[-2:]) or "-",
            cause.status,
            f"{cause.leads:,}",
            _ago(cause.last_seen_at, now),
        ]
        for cause in causes
    ]
    return _columns([head, *rows] if rows else [], "<19 <17 <24 <12 >5 >14")


def _backlog(health: Health) -> Iterator[str]:
    vitals = health.vitals
    if not (backlog := health.backlog):
        return iter(())
    is_late = vitals.oldest_due_at is not None and vitals.oldest_due_at <= vitals.at
    rows: list[tuple[str, int, str]] = [
        ("to retry now", backlog.due, f"since {_ago(vitals.oldest_due_at, vitals.at)}" * is_late),
        ("to retry later", backlog.scheduled, ""),
        ("need a person", backlog.parked, ""),
        *((why.replace("_", " "), count, "waiting") for why, count in backlog.waiting.items()),
        ("excluded", backlog.excluded, "opted out or test numbers"),
    ]
    return _columns(([what, shown_count(count), why] for what, count, why in rows), "<20 >8 <40")


def _workers(health: Health) -> Iterator[str]:
    workers = health.vitals.workers or Workers()
    if not (workers.alive or workers.dead):
        is_due = not workers.is_missing
        yield f"none is running: {'the next run is awaited' if is_due else 'nothing is retried'}"
        return
    last = _ago(workers.last_beat_at, health.vitals.at)
    yield f"{workers.alive} running, {workers.dead} vanished, last sign of life {last}"


def _runs(runs: Sequence[SyncRun], now: datetime) -> Iterator[str]:
    head = ["started (UTC)", "by", "took", "checked", "healed", "failed", "still open", "result"]
    rows = [
        [
            f"{run.started_at:%Y-%m-%d %H:%M}",
            run.trigger,
            _duration(run.started_at, run.finished_at or now),
            *(f"{count:,}" for count in (run.checked, run.healed, run.failed, run.still_open)),
            run.error or ("done" if run.finished_at else "under way"),
        ]
        for run in runs
    ]
    return _columns([head, *rows] if rows else [], "<16 <7 >10 >10 >7 >7 >10 <23")


def _alerts(report: Report) -> Iterator[str]:
    failing = shown_count(report.health.vitals.failing_deliveries or 0)
    yield f"{report.open_alerts} open, {failing} that could not be delivered"


def _columns(rows: Iterable[Sequence[str]], layout: str) -> Iterator[str]:
    """Align cells; a layout such as `<12 >6` gives alignment and width, longer text is cut."""
    cells = [(align_width, int(align_width[1:])) for align_width in layout.split()]
    for row in rows:
        yield " ".join(
            f"{text if len(text) <= width else text[: width - 1] + '…':{align}}"
            for text, (align, width) in zip(row, cells, strict=True)
        )


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{_duration(moment, now)} ago" if moment else "-"


def _duration(since: datetime, until: datetime) -> str:
    """In the largest unit that fits (“3 hours”); below a minute in seconds, which Django rounds."""
    if (seconds := int((until - since).total_seconds())) < 60:
        return f"{max(seconds, 0)} s"
    return timesince(since, until, depth=1).replace("\xa0", " ")


def _ms(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:,} ms"
