"""Models of alerts, of who is told, and of the messages to them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Now
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts.models import Language
from leadsync.infra.visible import Reach, VisibleQuerySet
from monitoring.limits import (
    MAX_FAILURE_PERCENT,
    MIN_FAILURES,
    RATE_MINUTES,
    SILENT_AFTER_HOURS,
)
from monitoring.models.causes import FailureGroup
from monitoring.models.failures import SyncFailure
from monitoring.models.webhooks import Webhook

MAX_TEXT = 500
FAILING_FOR = timedelta(hours=24)
"""How long a delivery that failed counts against the health of the sync."""


class AlertKind(models.TextChoices):
    """The kinds of alert. Column and JSON key are called `cause`."""

    NEW_CAUSE = "new_group", _("New cause of failures")
    REGRESSION = "regression", _("Cause of failures is back")
    FAILURE_RATE = "failure_rate", _("Many messages fail")
    SILENCE = "silence", _("No messages")
    BACKLOG = "backlog", _("Retries pile up")
    REVOKED_KEY = "revoked_key", _("Revoked key in use")
    PLAIN_HTTP = "plain_http", _("Messages over plain HTTP")
    FLOOD = "flood", _("Flood of unknown numbers")
    BACKUP = "backup", _("No backup")
    DISK = "disk", _("Disk is filling up")
    LOCKOUT = "lockout", _("Guessed passwords")


ABOUT_CAUSES = (AlertKind.NEW_CAUSE, AlertKind.REGRESSION)
"""The subject of such an alert is the id of a cause of failures."""
ABOUT_KEYS = (AlertKind.REVOKED_KEY, AlertKind.PLAIN_HTTP)
"""The subject of such an alert is the prefix of a key."""
HAPPENING = (*ABOUT_KEYS, AlertKind.DISK, AlertKind.LOCKOUT)
"""Noticed by whom they happen to; over when they have not happened for a while."""


class AlertSettings(Webhook):
    """Recipients and limits for one workspace, or for all (the row without a workspace)."""

    workspace = models.OneToOneField(
        "contacts.Workspace",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_settings",
        verbose_name=_("workspace"),
        help_text=_("Empty: for all workspaces, and for alerts that belong to none."),
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("If off, nobody below is notified.")
    )
    emails = models.JSONField(_("e-mail addresses"), default=list, blank=True)
    language = models.CharField(
        _("language"),
        max_length=2,
        choices=Language,
        default=Language.ENGLISH,
        db_default=Language.ENGLISH,
        help_text=_("Of the alerts."),
    )
    silent_after_hours = models.PositiveSmallIntegerField(
        _("hours without a message"),
        default=SILENT_AFTER_HOURS,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 30)],
        help_text=_("Alert if a workspace that had messages before has had none for this long."),
    )
    max_failure_percent = models.PositiveSmallIntegerField(
        _("failing messages in per cent"),
        default=MAX_FAILURE_PERCENT,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=format_lazy(
            _(
                "Alert if more than this share of the messages of {minutes} minutes, and at least "
                "{failures}, fail."
            ),
            minutes=RATE_MINUTES,
            failures=MIN_FAILURES,
        ),
    )

    objects = VisibleQuerySet["AlertSettings"].as_manager()

    class Meta:
        verbose_name = _("alert settings")
        verbose_name_plural = _("alert settings")
        constraints = [
            models.UniqueConstraint(
                # A constant: at most one row without a workspace.
                Value(1),
                condition=Q(workspace__isnull=True),
                name="alert_settings_for_all_are_alone",
                violation_error_message=_("There are settings for all workspaces already."),
            ),
            models.CheckConstraint(
                condition=Q(silent_after_hours__range=(1, 24 * 30)),
                name="alert_settings_silence_is_an_hour_to_a_month",
            ),
            models.CheckConstraint(
                condition=Q(max_failure_percent__range=(1, 100)),
                name="alert_settings_rate_is_a_percentage",
            ),
        ]

    def __str__(self) -> str:
        return str(self.workspace or _("All workspaces"))

    @classmethod
    def limits(cls) -> "Callable[[int | None], AlertSettings]":
        """Return a function that gives the settings for a workspace: its own, else those for
        all."""
        by_workspace = {settings.workspace_id: settings for settings in cls.objects.all()}
        for_all = by_workspace.get(None) or cls()
        return lambda workspace_id: by_workspace.get(workspace_id, for_all)

    def recipients(self) -> list[tuple[str, str]]:
        """Channel and address of every recipient."""
        told = [(Channel.EMAIL.value, address) for address in self.emails]
        return told + [(Channel.WEBHOOK.value, self.webhook_host)] * bool(self.webhook_url)

    def forget_removed_recipients(self) -> None:
        """Delete undelivered messages to recipients that were removed: all of them if these
        settings are inactive, so that nobody gets them weeks later."""
        undelivered = self.deliveries.filter(delivered_at__isnull=True)
        recipients = self.recipients() if self.is_active else []
        for channel in Channel.values:
            kept = [name for of, name in recipients if of == channel]
            undelivered.filter(channel=channel).exclude(recipient__in=kept).delete()


class AlertQuerySet(VisibleQuerySet["Alert"]):
    unowned = Q(workspace__isnull=True) & ~Q(cause__in=ABOUT_CAUSES)

    def within(self, reach: Reach) -> Q:
        """Those of their workspaces, and those about a cause of failures that they may see."""
        causes = FailureGroup.objects.all()
        seen = causes.filter(causes.within(reach)).values_list(Cast("pk", models.CharField()))
        about_causes = Q(cause__in=ABOUT_CAUSES, workspace__isnull=True, subject__in=seen)
        return super().within(reach) | about_causes

    def open(self) -> Self:
        return self.filter(recovered_at__isnull=True)

    def to_deal_with(self) -> Self:
        """The open ones, but those about a cause that is ignored for now."""
        ignored = FailureGroup.objects.ignored().values_list(Cast("pk", models.CharField()))
        return self.open().exclude(cause__in=ABOUT_CAUSES, subject__in=ignored)

    def notice(
        self,
        kind: str,
        *,
        subject: str = "",
        workspace_id: int | None = None,
        text: str,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Open the alert, or note that it is still seen.

        If two workers notice it at once, the database keeps one open and ignores the second insert.
        """
        about, now = {"cause": kind, "subject": subject[:100]}, timezone.now()
        seen = {"text": text[:MAX_TEXT], "details": details, "last_seen_at": now}
        if not self.open().filter(**about).update(**seen):
            alert = self.model(**about, **seen, started_at=now, workspace_id=workspace_id)
            self.bulk_create([alert], ignore_conflicts=True)

    def told_since(self, when: datetime) -> Self:
        return self.filter(notified_at__gt=when)


class Alert(models.Model):
    """A problem that was noticed; open until it is over."""

    cause = models.CharField(_("what"), max_length=12, choices=AlertKind)
    subject = models.CharField(_("about"), max_length=100, blank=True)
    workspace = models.ForeignKey(
        "contacts.Workspace",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="alerts",
        verbose_name=_("workspace"),
    )
    text = models.CharField(_("text"), max_length=MAX_TEXT)
    details = models.JSONField(
        null=True, editable=False, help_text=_("What its text says, to say it in any language.")
    )
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    notified_at = models.DateTimeField(_("told"), null=True, blank=True)
    recovered_at = models.DateTimeField(_("recovered"), null=True, blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["cause", "subject"],
                condition=Q(recovered_at__isnull=True),
                name="alert_is_open_once_per_cause",
            ),
            models.CheckConstraint(
                condition=Q(cause__in=AlertKind.values), name="alert_cause_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.get_cause_display()

    def audience(self) -> models.QuerySet[AlertSettings]:
        """The active settings that it concerns: those for all, and those of its workspaces."""
        about = Q(workspace__isnull=True) | Q(workspace=self.workspace_id)
        if self.cause in ABOUT_CAUSES:
            failures = SyncFailure.objects.open().filter(group=int(self.subject))
            about |= Q(workspace__slug__in=failures.values("workspace_ref"))
        return AlertSettings.objects.filter(about, is_active=True).order_by("pk")


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")


class Event(models.TextChoices):
    RAISED = "raised", _("Alert")
    RECOVERED = "recovered", _("Recovered")
    TEST = "test", _("Test")


class AlertDeliveryQuerySet(VisibleQuerySet["AlertDelivery"]):
    workspace_path = "settings__workspace"

    def due(self) -> Self:
        """Those to be sent now by the database's clock, and leased by no worker."""
        return self.filter(next_attempt_at__lte=Now(), settings__is_active=True)

    def failing(self) -> Self:
        """Those of the last 24 hours that were tried and did not arrive, unless a later message
        reached the same recipient."""
        since = AlertDelivery.objects.filter(
            settings=OuterRef("settings"),
            channel=OuterRef("channel"),
            recipient=OuterRef("recipient"),
            delivered_at__gte=OuterRef("created_at"),
        )
        undelivered = self.filter(delivered_at__isnull=True, settings__is_active=True)
        return undelivered.filter(
            ~Exists(since), created_at__gte=timezone.now() - FAILING_FOR
        ).exclude(error="")


class AlertDelivery(models.Model):
    """One message to one recipient, with its delivery state.

    A webhook is named by its host: its URL may contain a secret, and stands in the settings.
    """

    settings = models.ForeignKey(AlertSettings, models.CASCADE, related_name="deliveries")
    alert = models.ForeignKey(Alert, models.CASCADE, null=True, related_name="deliveries")
    event = models.CharField(_("event"), max_length=9, choices=Event)
    channel = models.CharField(_("channel"), max_length=7, choices=Channel)
    recipient = models.CharField(_("to"), max_length=500)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)

    objects = AlertDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert delivery")
        verbose_name_plural = _("alert deliveries")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(event__in=Event.values) & Q(channel__in=Channel.values),
                name="alert_delivery_event_and_channel_are_known",
            ),
        ]
        indexes = [
            # "What is still to be sent?"
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="alert_delivery_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} · {self.get_channel_display()}"
