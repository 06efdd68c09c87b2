"""Causes: groups of failures with one reason, which people acknowledge, ignore and resolve."""

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import (
    Case,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    Q,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra.visible import EVERYTHING, Reach, VisibleQuerySet, failures_within, reach_of
from monitoring.kinds import MAX_NOTE, Kind, Source, advice_on
from monitoring.titles import title_of


class GroupStatus(models.TextChoices):
    """The status of a cause; the latest event decides (`FailureGroupQuerySet.with_numbers`)."""

    OPEN = "open", _("Open")
    REGRESSED = "regressed", _("Back again")
    """A person resolved it, and it has been seen since."""
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    IGNORED = "ignored", _("Ignored")
    RESOLVED = "resolved", _("Resolved")
    HEALED = "healed", _("Healed")
    """None of its failures is open any more, and no person resolved it."""


class FailureGroupQuerySet(VisibleQuerySet["FailureGroup"]):
    def within(self, reach: Reach) -> Q:
        """Those with a failure that this person may see. A cause may have failures of workspaces
        that they do not know: `with_numbers` leaves these out."""
        log: Any = self.model.failures.rel.related_model
        failures = log.objects.filter(group=OuterRef("pk"))
        shown = Q(Exists(failures.filter(failures_within(reach))))
        return shown | ~Q(Exists(failures)) if reach.has_unowned else shown

    def handled_by(self, user: Any) -> Self:
        """Those whose status this person may set: none of their failures is hidden from them."""
        return self.visible_to(user).exclude(self._is_shared(user))

    def _is_shared(self, user: Any) -> Q:
        """Whether some of their failures are hidden from this person."""
        reach = reach_of(user) if user else EVERYTHING
        log: Any = self.model.failures.rel.related_model
        hidden = log.objects.filter(group=OuterRef("pk")).exclude(failures_within(reach))
        return Q(pk__in=[]) if reach.is_everything else Q(Exists(hidden))

    def with_numbers(self, user: Any = None) -> Self:
        """Annotate `open_failures`, `leads` (with open failures), `occurrences`, `last_seen_at`
        (null if its failures were deleted) and `status`, all from the failures that are kept and
        that `user` may see."""
        mine = failures_seen_by(user)
        is_open = Q(failures__resolved_at__isnull=True) & mine
        return self.annotate(
            open_failures=Count("failures", filter=is_open),
            leads=Count(WHO, filter=is_open, distinct=True),
            occurrences=Coalesce(Sum("failures__occurrences", filter=mine), 0),
            last_seen_at=Max("failures__last_seen_at", filter=mine),
            is_shared=ExpressionWrapper(self._is_shared(user), models.BooleanField()),
            open_seen_at=Max("failures__last_seen_at", filter=is_open),
        ).annotate(status=_status(timezone.now()))

    def failing(self, user: Any = None) -> Self:
        """Those with open failures, annotated with their numbers."""
        return self.with_numbers(user).filter(open_failures__gt=0)

    def acknowledge(self, *, by: str, note: str = "") -> int:
        """Record who looks after these causes; they are no longer ignored."""
        return self.update(
            acknowledged_at=timezone.now(),
            acknowledged_by=by,
            **NOT_IGNORED,
            **_if_given(note=note),
        )

    def ignore(self, *, until: datetime, by: str, note: str = "") -> int:
        """Hide these causes until then."""
        return self.update(ignored_until=until, ignored_by=by, **_if_given(note=note))

    def ignored(self) -> Self:
        return self.filter(ignored_until__gt=timezone.now())

    def reopen(self) -> int:
        """Clear acknowledgement, ignoring and resolution."""
        return self.update(**NOT_ACKNOWLEDGED, **NOT_IGNORED, **NOT_RESOLVED)

    def mark_resolved(self, *, by: str, note: str = "", at: datetime) -> int:
        """Record that these causes are over since `at`.

        The caller also closes their open failures (`sarah.resolve`); until then, and if one is seen
        again, the status shows it.
        """
        return self.update(
            resolved_at=at,
            resolved_by=by,
            **NOT_ACKNOWLEDGED,
            **NOT_IGNORED,
            **_if_given(note=note),
        )

    def id_of(
        self, *, source: str, kind: str, exception: str = "", function: str = "", subject: str = ""
    ) -> int:
        """Return the id of this cause; create it with its first failure.

        A bot can name any number of workspaces and fields: beyond MAX_SUBJECTS, all others are one.
        """
        cause = {
            "source": source,
            "kind": kind,
            "exception": exception[: self.model.MAX_EXCEPTION],
            "function": function[: self.model.MAX_FUNCTION],
            "subject": subject[: self.model.MAX_SUBJECT],
        }
        known = self.filter(**cause).values_list("pk", flat=True)
        if not (pks := list(known)):
            if subject and self.filter(kind=kind).count() > self.model.MAX_SUBJECTS:
                return self.id_of(source=source, kind=kind)
            self.bulk_create([self.model(**cause)], ignore_conflicts=True)  # two may be the first
            pks = list(known.all())
        return pks[0]


NOT_ACKNOWLEDGED = {"acknowledged_at": None, "acknowledged_by": ""}
NOT_IGNORED = {"ignored_until": None, "ignored_by": ""}
NOT_RESOLVED = {"resolved_at": None, "resolved_by": ""}


WHO = Case(
    When(failures__contact_phone__gt="", then="failures__contact_phone"),
    When(failures__state__isnull=False, then="failures__fingerprint"),
)
"""Whom a failure is about (null: nobody); who hides the phone is told by the id's fingerprint."""


def failures_seen_by(user: Any) -> Q:
    reach = reach_of(user) if user else EVERYTHING
    return Q() if reach.is_everything else failures_within(reach, "failures__")


def _if_given(**texts: str) -> dict[str, str]:
    return {name: text for name, text in texts.items() if text}


def _status(now: datetime) -> Case:
    """The rule for the status of a cause.

    Resolving clears the acknowledgement, so an acknowledgement is later than `resolved_at`.
    """
    seen_before = Q(last_seen_at__isnull=True) | Q(last_seen_at__lte=F("resolved_at"))
    return Case(
        When(
            Q(open_failures=0, resolved_at__isnull=False) & seen_before,
            then=Value(GroupStatus.RESOLVED),
        ),
        When(open_failures=0, then=Value(GroupStatus.HEALED)),
        When(ignored_until__gt=now, then=Value(GroupStatus.IGNORED)),
        When(acknowledged_at__isnull=False, then=Value(GroupStatus.ACKNOWLEDGED)),
        When(open_seen_at__gt=F("resolved_at"), then=Value(GroupStatus.REGRESSED)),
        default=Value(GroupStatus.OPEN),
        output_field=models.CharField(),
    )


class FailureGroup(models.Model):
    """A cause: a group of failures of one kind, exception, function and subject.

    Nothing is counted here: a row that every failing message updates would serialize them. The
    numbers come from the failures, and so does whether a resolved cause is back.
    """

    MAX_EXCEPTION = 100
    MAX_FUNCTION = 200
    MAX_SUBJECT = 100
    MAX_SUBJECTS = 50

    source = models.CharField(_("source"), max_length=10, choices=Source)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    exception = models.CharField(_("exception"), max_length=MAX_EXCEPTION, blank=True)
    function = models.CharField(_("raised in"), max_length=MAX_FUNCTION, blank=True)
    subject = models.CharField(
        _("about"), max_length=MAX_SUBJECT, blank=True, default="", db_default=""
    )
    """What tells it from others of its kind: a workspace, fields, or why it was refused."""
    created_at = models.DateTimeField(_("first seen"), default=timezone.now)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=150, blank=True)
    ignored_until = models.DateTimeField(_("ignored until"), null=True, blank=True)
    ignored_by = models.CharField(_("ignored by"), max_length=150, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.CharField(_("resolved by"), max_length=150, blank=True)
    note = models.TextField(_("note"), max_length=MAX_NOTE, blank=True)

    objects = FailureGroupQuerySet.as_manager()

    # Only on rows from `with_numbers()`:
    open_failures: int
    leads: int
    occurrences: int
    last_seen_at: datetime | None
    status: str
    is_shared: bool
    """Whether some of its failures are hidden from who looks: then what people say of it is, too,
    and its status is not theirs to set."""

    class Meta:
        verbose_name = _("cause of failures")
        verbose_name_plural = _("causes of failures")
        permissions = [("handle_failuregroup", "Can acknowledge, ignore and resolve causes")]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "kind", "exception", "function", "subject"],
                name="failure_group_is_unique_by_cause",
            ),
            models.CheckConstraint(
                condition=Q(source__in=Source.values), name="failure_group_source_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=Kind.values), name="failure_group_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by="")
                | Q(acknowledged_at__isnull=False) & ~Q(acknowledged_by=""),
                name="failure_group_is_acknowledged_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(ignored_until__isnull=True, ignored_by="")
                | Q(ignored_until__isnull=False) & ~Q(ignored_by=""),
                name="failure_group_is_ignored_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by="")
                | Q(resolved_at__isnull=False) & ~Q(resolved_by=""),
                name="failure_group_is_resolved_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        if self.subject:
            return self.title.replace("`", "")
        where = ": ".join(filter(None, (self.exception, self.function)))
        return f"{self.get_kind_display()} ({where})" if where else str(self.get_kind_display())

    @property
    def title(self) -> str:
        """The concrete reason, with names of programs in backticks."""
        return title_of(
            source=self.source, kind=self.kind, subject=self.subject, exception=self.exception
        )

    @property
    def advice(self) -> str:
        """What happened and what to do next, for staff."""
        return advice_on(source=self.source, kind=self.kind, is_crash=bool(self.exception))
