"""The log of sync failures: one open row per kind and lead, with repeats counted on it."""

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from leadsync.infra.requests import MAX_LENGTH, request_id
from leadsync.infra.visible import Reach, VisibleQuerySet, failures_within
from monitoring.fairness import Kept, least_worth
from monitoring.kinds import ABOUT_WORKSPACES, HEALED_BY_SYNC, MAX_NOTE, Kind, Source, advice_on
from monitoring.models.causes import FailureGroup

logger = logging.getLogger(__name__)

ROOM = 20
"""The log grows by one in this many rows over its limit, and is then cut to it."""


class Resolution(models.TextChoices):
    HEALED = "healed", _("Healed by itself")
    RETRIED = "retried", _("Retried")
    MANUAL = "manual", _("Resolved by hand")


def _storable(text: str) -> str:
    """Remove what PostgreSQL does not store: an exception's message may contain anything."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


class SyncFailureQuerySet(VisibleQuerySet["SyncFailure"]):
    def within(self, reach: Reach) -> Q:
        return failures_within(reach)

    def open(self) -> Self:
        return self.filter(resolved_at__isnull=True)

    def to_deal_with(self) -> Self:
        """The open ones that somebody should look at: not those of causes that are ignored for now,
        nor people who are no leads yet, which is news."""
        ignored = FailureGroup.objects.ignored().values("pk")
        return self.open().exclude(kind=Kind.CONTACT_NOT_FOUND).exclude(group__in=ignored)

    def last_seen_within(self, since: datetime, until: datetime | None) -> Self:
        seen = self.filter(last_seen_at__gte=since)
        return seen.filter(last_seen_at__lt=until) if until else seen

    def last_seen_before(self, when: datetime) -> Self:
        return self.filter(last_seen_at__lt=when)

    def retryable(self) -> Self:
        """The open ones that a retry can close: not those about what a bot sent wrongly."""
        return self.open().filter(kind__in=HEALED_BY_SYNC, state__isnull=False)

    def record(
        self,
        *,
        error: str,
        state_id: int | None = None,
        exception: str = "",
        function: str = "",
        subject: str = "",
        traceback: str = "",
        payload: Mapping[str, object] | None = None,
        is_retry: bool = False,
        sent_with: int | None = None,
        **key: str,
    ) -> int:
        """Count this on the open row with the same key, or add one; return the id of its cause.

        `key` is `source`, `kind` and, where known, `workspace_ref`, `contact_phone` and
        `fingerprint`; `exception` is the class of what was raised, and `function` where; `subject`
        tells the cause from others of its kind. A retry brings news of the error, but is no
        occurrence: nobody said anything.

        Counting comes first, so a repeat takes two statements. Of two first failures at once, one
        inserts; the insert of the other is ignored, and it counts up instead. The lock on the
        conversation rules that out for everything but two refused bodies of one key.
        """
        now = timezone.now()
        with transaction.atomic():
            if key["kind"] in ABOUT_WORKSPACES:
                subject = key.get("workspace_ref", "")
            cause_id = FailureGroup.objects.id_of(
                source=key["source"],
                kind=key["kind"],
                exception=exception,
                function=function,
                subject=subject,
            )
            news: dict[str, object] = {
                "group_id": cause_id,
                "state_id": state_id,
                "error": _storable(error)[: self.model.MAX_ERROR],
                "traceback": _storable(traceback)[-self.model.MAX_TRACEBACK :],
                "payload": payload or {},
            }
            seen: dict[str, object] = {"request_id": request_id.get(), "last_seen_at": now}
            seen |= {"sent_with": sent_with} if sent_with else {}
            once_more = {} if is_retry else {"occurrences": F("occurrences") + 1, **seen}
            repeated = self.open().filter(**key)
            if not repeated.update(**news, **once_more):
                first = self.model(**key, **news, **seen, created_at=now)
                self.bulk_create([first], ignore_conflicts=True)
                if state_id is None:
                    repeated.exclude(created_at=now).update(occurrences=F("occurrences") + 1)
                self.trim()
        return cause_id

    def trim(self) -> int:
        """Cut the log to LEADSYNC_MAX_FAILURES rows if it has 5 % more; returns how many went.

        A portion at once, because choosing the rows costs a failing message a third of its time.
        Resolved rows go first, then refused bodies, then the open ones; of each, always the one not
        seen for longest of the workspace, and there of the key, that has the most, so that no flood
        drives out the failures of others. No retry is lost with them: the queue is the
        conversation's state. The table is small, so the count is cheap. Rows that another request
        has locked are skipped.
        """
        limit = settings.LEADSYNC_MAX_FAILURES
        surplus = self.count() - limit
        if surplus <= limit // ROOM:
            return 0
        doomed = self.filter(pk__in=least_worth(self._kept(), surplus))
        with transaction.atomic():
            unlocked = doomed.select_for_update(skip_locked=True).values_list("pk", flat=True)
            trimmed, _rows = self.filter(pk__in=list(unlocked)).delete()
        logger.warning("Deleted %d sync failures over the limit of LEADSYNC_MAX_FAILURES.", trimmed)
        return trimmed

    def _kept(self) -> Iterator[Kept]:
        names = ("pk", "resolved_at", "kind", "workspace_ref", "sent_with", "last_seen_at")
        for pk, resolved_at, kind, home, sent_with, last_seen_at in self.values_list(*names):
            yield Kept(
                pk=pk,
                worth=0 if resolved_at else 1 if kind == Kind.REJECTED_PAYLOAD else 2,
                # A bot can make up any number of workspaces that do not exist: they are one.
                home="" if kind == Kind.WORKSPACE_NOT_FOUND else home,
                sent_with=sent_with,
                last_seen_at=last_seen_at,
            )

    def move_to(self, state: models.Model) -> int:
        """Move these to the conversation that absorbs theirs."""
        return self.update(state=state)

    def heal(self, *, resolution: str = Resolution.HEALED, by: str = "") -> int:
        """Close the open ones that a successful sync heals; return how many."""
        return (
            self.open()
            .filter(kind__in=HEALED_BY_SYNC)
            .update(resolved_at=timezone.now(), resolution=resolution, resolved_by=by)
        )

    def mark_sent(self, *, by: str) -> int:
        """Close the open ones of these, because `by` has sent their bodies again."""
        return self.open().update(
            resolved_at=timezone.now(), resolution=Resolution.RETRIED, resolved_by=by
        )

    def mark_resolved(
        self, *, as_seen: Mapping[int, datetime], by: str, note: str
    ) -> dict[int, int | None]:
        """Close those that are open and were not seen since `as_seen` (last seen by primary key).

        Returns the conversation of each. The caller holds the locks of the conversations and ends
        their retries (`sarah.resolve`).
        """
        locked = self.open().order_by("pk").select_for_update(no_key=True)
        found = locked.values_list("pk", "state_id", "last_seen_at")
        resolved: dict[int, int | None] = {
            pk: state_id for pk, state_id, when in found if when == as_seen[pk]
        }
        self.filter(pk__in=resolved).update(
            resolved_at=timezone.now(),
            resolution=Resolution.MANUAL,
            resolved_by=by,
            note=note,
        )
        return resolved


class SyncFailure(models.Model):
    """Something that kept a bot's message from reaching its lead, until it is resolved."""

    MAX_ERROR = 2_000
    MAX_TRACEBACK = 20_000

    source = models.CharField(_("source"), max_length=10, choices=Source)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    workspace_ref = models.CharField(_("workspace"), max_length=64, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=16, blank=True)
    fingerprint = models.CharField(_("fingerprint"), max_length=64, blank=True)
    group = models.ForeignKey(
        FailureGroup,
        models.PROTECT,
        related_name="failures",
        verbose_name=_("cause"),
    )
    state = models.ForeignKey(
        "sarah.SarahState",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="failures",
        verbose_name=_("conversation"),
    )
    error = models.TextField(_("error"))
    traceback = models.TextField(_("traceback"), blank=True)
    payload = models.JSONField(_("payload"), default=dict, blank=True)
    request_id = models.CharField(_("request"), max_length=MAX_LENGTH, blank=True)
    sent_with = models.BigIntegerField(null=True, editable=False)
    """The id of the API key, without a look at whether that is still there."""
    occurrences = models.PositiveIntegerField(_("times"), default=1)
    created_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.CharField(_("resolved by"), max_length=150, blank=True)
    resolution = models.CharField(_("resolution"), max_length=7, choices=Resolution, blank=True)
    note = models.TextField(_("note"), max_length=MAX_NOTE, blank=True)

    objects = SyncFailureQuerySet.as_manager()

    class Meta:
        verbose_name = _("sync failure")
        verbose_name_plural = _("sync failures")
        permissions = [
            ("resolve_syncfailure", "Can resolve sync failures"),
            ("retry_syncfailure", "Can try sync failures again"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "kind", "workspace_ref", "contact_phone", "fingerprint"],
                condition=Q(resolved_at__isnull=True),
                name="sync_failure_is_open_once_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values), name="sync_failure_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="sync_failure_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolution="")
                | Q(resolved_at__isnull=False, resolution__in=Resolution.values),
                name="sync_failure_resolved_at_goes_with_resolution",
            ),
            models.CheckConstraint(
                condition=Q(occurrences__gte=1), name="sync_failure_occurred_at_least_once"
            ),
        ]

    def __str__(self) -> str:
        seen = date_format(timezone.localtime(self.created_at), "j M Y, H:i:s")
        return f"{self.get_kind_display()} · {seen}"

    @property
    def advice(self) -> str:
        """What happened and what to do next, for staff."""
        return advice_on(source=self.source, kind=self.kind, is_crash=bool(self.traceback))
