"""`/metrics`: the health of the sync in Prometheus' format."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from leadsync.api.json import AlwaysJSON
from leadsync.models import Scope
from monitoring.health.numbers import Backlog, Health, recent_health
from monitoring.health.problems import Code, Status
from monitoring.health.windows import Window

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class MetricsView(APIView):
    """Needs a key for all workspaces with `failures:read`, unless LEADSYNC_METRICS_OPEN is on."""

    read_scope = write_scope = Scope.FAILURES_READ
    content_negotiation_class = AlwaysJSON  # for errors: Prometheus does not accept JSON

    def get_authenticators(self) -> list[Any]:
        return [] if settings.LEADSYNC_METRICS_OPEN else super().get_authenticators()

    def get_permissions(self) -> Sequence[Any]:
        return [] if settings.LEADSYNC_METRICS_OPEN else super().get_permissions()

    def get(self, request: Request) -> HttpResponse:
        key: Any = request.auth
        if key and key.workspace:
            raise PermissionDenied("This key is bound to a workspace. Use one for all workspaces.")
        registry = CollectorRegistry(auto_describe=False)
        registry.register(HealthCollector(recent_health()))
        return HttpResponse(generate_latest(registry), content_type=TEXT)


class HealthCollector(Collector):
    """Turns the health into gauges; all processes share the numbers, because the database counts
    them."""

    def __init__(self, health: Health) -> None:
        self.health = health

    def collect(self) -> Iterator[Metric]:
        health = self.health
        yield from self._verdict()
        if health.windows:
            yield from _traffic(health.windows)
        if health.open_failures:
            yield _by("open_failures", "Open sync failures.", {"kind": health.open_failures})
            yield self._age(
                "oldest_waiting", "Age of the oldest open failure.", health.oldest_waiting_at
            )
        if health.backlog:
            yield from self._queue(health.backlog)
        yield from self._background()

    def _verdict(self) -> Iterator[Metric]:
        found = {problem.code for problem in self.health.problems}
        status = self.health.status
        yield _one(
            "sync_degraded", "1 if something is wrong with the sync.", status == Status.DEGRADED
        )
        yield _one(
            "sync_recovering",
            "1 if what was wrong is over, and what it left behind is being worked.",
            status == Status.RECOVERING,
        )
        yield _by(
            "health_unreadable",
            "1 for each part that could not be read, and is left out here.",
            {"part": dict.fromkeys(self.health.vitals.unreadable, 1)},
        )
        yield _by(
            "sync_problem",
            "1 if the sync has this problem.",
            {"code": {code.value: code in found for code in Code}},
        )

    def _queue(self, backlog: Backlog) -> Iterator[Metric]:
        statuses = {
            "due": backlog.due,
            "scheduled": backlog.scheduled,
            "parked": backlog.parked,
            "excluded": backlog.excluded,
            **backlog.waiting,
        }
        yield _by(
            "backlog",
            "Conversations out of sync, counted up to 10,001 per status.",
            {"status": statuses},
        )
        due_at = self.health.vitals.oldest_due_at
        yield self._age("retry_delay", "How late the oldest retry is.", due_at)

    def _background(self) -> Iterator[Metric]:
        vitals = self.health.vitals
        spooled = vitals.spooled
        yield _one(
            "messages_stored", "Messages on this machine's disk, for the database.", spooled.stored
        )
        yield _one(
            "messages_refused",
            "Messages that neither the database nor this machine's disk could take.",
            spooled.refused,
        )
        if workers := vitals.workers:
            yield _one("workers_alive", "Background workers that are running.", workers.alive)
            yield _one("workers_dead", "Workers that were killed or hang.", workers.dead)
        if vitals.failing_deliveries is not None:
            yield _one(
                "alert_deliveries_failing",
                "Alerts that failed to arrive.",
                vitals.failing_deliveries,
            )
        if run := vitals.last_run:
            yield _one(
                "last_run_timestamp_seconds",
                "Last sign of life of the last reconciliation, Unix time.",
                run.beat_at.timestamp(),
            )
            for count in ("checked", "healed", "failed", "still_open"):
                yield _one(
                    f"last_run_{count}",
                    f"Conversations of the last reconciliation: {count.replace('_', ' ')}.",
                    getattr(run, count),
                )

    def _age(self, name: str, documentation: str, since: datetime | None) -> Metric:
        age = (self.health.vitals.at - since).total_seconds() if since else 0.0
        return _one(f"{name}_seconds", f"{documentation} 0 if there is none.", max(age, 0.0))


def _traffic(windows: Mapping[str, Window]) -> Iterator[Metric]:
    messages = _family("messages", "Messages received in the window.", "window", "outcome")
    ratio = _family("message_failure_ratio", "Share not synced, 0 to 1.", "window")
    speed = _family("message_duration_seconds", "Until COMMIT is sent.", "window", "statistic")
    for name, window in windows.items():
        for outcome, count in window.by_outcome.items():
            messages.add_metric([name, outcome], count)
        ratio.add_metric([name], window.ratio)
        for statistic in ("p50", "p95", "max"):
            if (milliseconds := getattr(window, f"{statistic}_ms")) is not None:
                speed.add_metric([name, statistic], milliseconds / 1000)
    yield from (messages, ratio, speed)


def _one(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"leadsync_{name}", documentation, value=value)


def _by(name: str, documentation: str, values: Mapping[str, Mapping[str, float]]) -> Metric:
    """A gauge with one label: `{label: {value of the label: number}}`."""
    ((label, numbers),) = values.items()
    family = _family(name, documentation, label)
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family


def _family(name: str, documentation: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"leadsync_{name}", documentation, labels=labels)
