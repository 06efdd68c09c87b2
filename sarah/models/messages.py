"""The journal: every accepted message as it was sent, and what it changed."""

from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from contacts.models import MAX_SCORE
from leadsync.infra.db import CAP
from leadsync.infra.requests import USABLE_ID, time_of
from leadsync.infra.visible import VisibleQuerySet
from leadsync.infra.writes import Collected
from sarah.models.choices import SyncReason
from sarah.models.states import SarahState


class Outcome(models.TextChoices):
    """The result of a message's sync: synced, or the bot's `syncReason`."""

    SYNCED = "synced", _("Synced")
    CONTACT_NOT_FOUND = SyncReason.CONTACT_NOT_FOUND.value, SyncReason.CONTACT_NOT_FOUND.label
    AMBIGUOUS_CONTACT = SyncReason.AMBIGUOUS_CONTACT.value, SyncReason.AMBIGUOUS_CONTACT.label
    WORKSPACE_NOT_FOUND = SyncReason.WORKSPACE_NOT_FOUND.value, SyncReason.WORKSPACE_NOT_FOUND.label
    EXCLUDED = SyncReason.EXCLUDED.value, SyncReason.EXCLUDED.label
    SYNC_ERROR = SyncReason.SYNC_ERROR.value, SyncReason.SYNC_ERROR.label


NOT_COUNTED = (Outcome.EXCLUDED, Outcome.CONTACT_NOT_FOUND)
"""Neither synced nor failed: that somebody who is no lead writes to Sarah is news."""


NEAR = timedelta(minutes=1)
"""The longest time between a request's id and the arrival of its message."""


class StateUpdateQuerySet(VisibleQuerySet["StateUpdate"]):
    workspace_path = "state__workspace"
    unowned = Q(state__workspace__isnull=True)

    def received_since(self, when: datetime, until: datetime | None = None) -> Self:
        received = self.filter(received_at__gte=when)
        return received.filter(received_at__lt=until) if until else received

    def counted(self) -> Self:
        """Messages that should have reached a lead: each was synced or failed, at that time."""
        return self.exclude(outcome__in=NOT_COUNTED)

    def of_request(self, named: str) -> Self:
        """Messages of this request; by time if the id begins with it: ids have no index."""
        if not USABLE_ID.fullmatch(named):
            return self.none()
        of_request, at = self.filter(request_id=named), time_of(named)
        if at:
            near = of_request.filter(received_at__range=(at - NEAR, at + NEAR))
            if near.exists():
                return near
        # All are read, and but once: a list counts them, too.
        return self.filter(pk__in=[*of_request.values_list("pk", flat=True)[:CAP]])

    def received_as(self, message_id: UUID, state: SarahState) -> "StateUpdate | None":
        """Return the message with this id, in whatever conversation with the same person."""
        same = self.filter(state__in=SarahState.objects.of(state.who), message_id=message_id)
        return same.select_related("state").first()


class StateUpdate(Collected):
    """One accepted message. Never edited; deleted only by age (`monitoring/pruning.py`)."""

    # PostgreSQL adds what the statement that writes the row has taken by then.
    postgresql_marks = {
        "duration_ms": "%s + EXTRACT(EPOCH FROM clock_timestamp() - statement_timestamp()) * 1000"
    }

    # Each index below begins with the key, so it needs none of its own.
    state = models.ForeignKey(
        SarahState,
        models.CASCADE,
        related_name="updates",
        db_index=False,
        verbose_name=_("conversation"),
    )
    message_id = models.UUIDField(_("message"), null=True, editable=False)
    """Made by us at arrival. Tells whether a message is in already when its COMMIT was not
    answered."""
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    key = models.ForeignKey(
        "leadsync.ApiKey",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="updates",
        db_index=False,
        verbose_name=_("API key"),
    )
    client_address = models.GenericIPAddressField(_("client address"), null=True, blank=True)
    body = models.TextField(_("body as sent"))
    changes = models.JSONField(
        _("what changed"), default=dict, blank=True, help_text=_("By field: before and after.")
    )
    lead_score = models.PositiveSmallIntegerField(_("score"), default=0)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    failure_group = models.ForeignKey(
        "monitoring.FailureGroup",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="updates",
        db_index=False,
        verbose_name=_("cause"),
    )
    warnings = models.JSONField(_("warnings"), default=dict, blank=True)
    duration_ms = models.PositiveIntegerField(
        _("milliseconds"),
        default=0,
        help_text=_("From the beginning of the request until COMMIT was sent."),
    )
    request_id = models.CharField(_("request"), max_length=64, blank=True)

    objects = StateUpdateQuerySet.as_manager()

    class Meta:
        verbose_name = _("message from Sarah")
        verbose_name_plural = _("messages from Sarah")
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=Outcome.values), name="state_update_outcome_is_known"
            ),
            models.CheckConstraint(
                condition=Q(lead_score__range=(0, MAX_SCORE)),
                name="state_update_score_is_between_0_and_100",
            ),
        ]
        # Measured at a million rows: each costs a message less than a hundredth of its time, and
        # without it a page takes 60 to 250 ms.
        indexes = [
            # "What came in lately?", "What is too old to keep?", and requests by their id's time.
            models.Index(fields=["-received_at"], name="state_update_by_time"),
            # "What did the bot say in this conversation?"
            models.Index(fields=["state", "-received_at"], name="state_update_by_state"),
            # "What did this leaked key change since Tuesday?"
            models.Index(
                fields=["key", "-received_at"],
                condition=Q(key__isnull=False),
                name="state_update_by_key",
            ),
            # "Which messages failed lately?" Nearly all are synced, and found by time.
            models.Index(
                fields=["outcome", "-received_at"],
                condition=~Q(outcome=Outcome.SYNCED),
                name="state_update_by_outcome",
            ),
            # "Which messages did this cause hit in the last 24 hours?"
            models.Index(
                fields=["failure_group", "-received_at"],
                condition=Q(failure_group__isnull=False),
                name="state_update_by_group",
            ),
        ]

    def __str__(self) -> str:
        return date_format(timezone.localtime(self.received_at), "j M Y, H:i:s")
