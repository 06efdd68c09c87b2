"""What `sync_status` tells, and how it looks on a terminal: no phones, at most 100 columns."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitoring.models import Alert, FailureGroup
from sarah.api.health import health_json, run_json, utc
from sarah.diagnosis import Run, shown
from sarah.health import Health, Status, health, last_runs
from sarah.windows import Window

WIDTH = 100
MAX_GROUPS = 10
MAX_RUNS = 5
GROUP_FIELDS = (
    *("source", "kind", "exception", "function", "status"),
    *("leads", "occurrences", "last_seen_at"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything on the screen."""

    health: Health
    groups: Sequence[dict[str, Any]]
    """Causes of open failures, seen last first."""
    runs: Sequence[Run]
    open_alerts: int


def read_report() -> Report:
    groups: Any = FailureGroup.objects.with_numbers()
    groups = (
        groups.filter(open_failures__gt=0).order_by("-last_seen_at", "-pk").values(*GROUP_FIELDS)
    )
    return Report(
        health=health(),
        groups=list(groups.values(*GROUP_FIELDS)[:MAX_GROUPS]),
        runs=last_runs(MAX_RUNS),
        open_alerts=Alert.objects.open().count(),
    )


def report_json(report: Report) -> dict[str, object]:
    groups = [{**group, "last_seen_at": utc(group["last_seen_at"])} for group in report.groups]
    return health_json(report.health, of_all=True) | {
        "groups": groups,
        "runs": [run_json(run) for run in report.runs],
        "open_alerts": report.open_alerts,
    }


def report_lines(report: Report) -> Iterator[str]:
    now = report.health.vitals.at
    yield from _verdict(report.health)
    yield from _section("Messages", _messages(report.health.windows))
    yield from _section("Open failures", _failures(report.health))
    yield from _section("Causes of open failures, last seen first", _groups(report.groups, now))
    yield from _section("Backlog", _backlog(report.health))
    yield from _section("Workers", _workers(report.health))
    yield from _section("Last reconciliations", _runs(report.runs, now))
    yield from _section("Alerts", _alerts(report))


def _verdict(health: Health) -> Iterator[str]:
    at = f"{health.vitals.at:%Y-%m-%d %H:%M:%S} UTC"
    if health.status == Status.OK:
        yield f"OK: the sync is healthy ({at})"
        return
    count = len(health.problems)
    yield f"DEGRADED: {count} problem{'s' if count > 1 else ''} ({at})"
    for problem in health.problems:
        yield from textwrap.wrap(
            problem.text, WIDTH, initial_indent="  ! ", subsequent_indent="    "
        )


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield title
    for line in lines:
        yield f"  {line}".rstrip()[:WIDTH]


def _messages(windows: Sequence[Window]) -> Iterator[str]:
    names = {"1h": "1 h", "24h": "24 h", "7d": "7 d"}
    yield from columns(
        [
            ["", *(names[window.name] for window in windows)],
            ["received", *(f"{window.messages:,}" for window in windows)],
            ["synced", *(f"{window.synced:,}" for window in windows)],
            ["failed", *(f"{window.failed:,}" for window in windows)],
            ["excluded", *(f"{window.excluded:,}" for window in windows)],
            ["failure rate", *(_percent(window) for window in windows)],
            ["median", *(_ms(window.p50_ms) for window in windows)],
            ["95 % within", *(_ms(window.p95_ms) for window in windows)],
            ["slowest", *(_ms(window.max_ms) for window in windows)],
        ],
        widths=[14, 12, 12, 12],
        right={1, 2, 3},
    )


def _failures(health: Health) -> Iterator[str]:
    counts = {kind: count for kind, count in health.open_failures.items() if count}
    if not counts:
        yield "none"
        return
    yield from columns(
        [[kind, f"{count:,}"] for kind, count in counts.items()], widths=[20, 6], right={1}
    )
    yield f"oldest that a sync would heal: {ago(health.oldest_waiting_at, health.vitals.at)}"


def _groups(groups: Sequence[dict[str, Any]], now: datetime) -> Iterator[str]:
    if not groups:
        yield "none"
        return
    rows = [
        [
            group["kind"],
            group["exception"] or "-",
            tail(group["function"], 26) or "-",
            group["status"],
            f"{group['leads']:,}",
            ago(group["last_seen_at"], now),
        ]
        for group in groups
    ]
    head = ["kind", "exception", "raised in", "status", "leads", "last seen"]
    yield from columns([head, *rows], widths=[19, 17, 26, 12, 5, 11], right={4})


def _backlog(health: Health) -> Iterator[str]:
    backlog, due_at = health.backlog, health.vitals.oldest_due_at
    late = due_at is not None and due_at <= health.vitals.at
    rows = [
        ["to retry now", shown(backlog.due), f"since {ago(due_at, health.vitals.at)}" * late],
        ["to retry later", shown(backlog.scheduled), ""],
        ["need a person", shown(backlog.parked), ""],
        *([why.replace("_", " "), shown(n), "waiting"] for why, n in backlog.waiting.items()),
        ["excluded", shown(backlog.excluded), "opted out or test numbers"],
    ]
    yield from columns(rows, widths=[20, 8, 40], right={1})


def _workers(health: Health) -> Iterator[str]:
    workers = health.vitals.workers
    if not (workers.alive or workers.dead):
        yield "none is running: failed syncs are not tried again by themselves"
        return
    last = ago(workers.last_beat_at, health.vitals.at)
    yield f"{workers.alive} running, {workers.dead} vanished, last sign of life {last}"


def _runs(runs: Sequence[Run], now: datetime) -> Iterator[str]:
    if not runs:
        yield "none"
        return
    rows = [
        [
            f"{run.started_at:%Y-%m-%d %H:%M}",
            run.trigger,
            duration((run.finished_at or now) - run.started_at),
            *(f"{count:,}" for count in (run.checked, run.healed, run.failed, run.still_open)),
            run.error or ("done" if run.finished_at else "under way"),
        ]
        for run in runs
    ]
    head = ["started (UTC)", "by", "took", "checked", "healed", "failed", "still open", "result"]
    yield from columns([head, *rows], widths=[16, 7, 6, 10, 7, 7, 10, 27], right={2, 3, 4, 5, 6})


def _alerts(report: Report) -> Iterator[str]:
    failing = shown(report.health.vitals.failing_deliveries)
    yield f"{report.open_alerts} open, {failing} that could not be delivered"


def columns(
    rows: Iterable[Sequence[str]], *, widths: Sequence[int], right: set[int]
) -> Iterator[str]:
    """Rows of aligned cells; what is too long is cut."""
    for row in rows:
        cells = (
            cut(cell, width).rjust(width) if place in right else cut(cell, width).ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield " ".join(cells)


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def tail(text: str, width: int) -> str:
    """The end of a dotted name says more than its beginning."""
    return text if len(text) <= width else f"…{text[1 - width :]}"


def ago(moment: datetime | None, now: datetime) -> str:
    return f"{duration(now - moment)} ago" if moment else "-"


def duration(length: timedelta) -> str:
    """In the largest unit that fits: 4 s, 12 min, 3 h, 5 d."""
    seconds = max(int(length.total_seconds()), 0)
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= size * (2 if unit in ("d", "h") else 1):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _percent(window: Window) -> str:
    return f"{window.ratio:.1%}" if window.messages else "-"


def _ms(milliseconds: int | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:,} ms"
