"""Alerts: what should make somebody look, who is told, and whether telling them worked."""

import secrets

from django.core.validators import MaxValueValidator, MinValueValidator, URLValidator
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Cause(models.TextChoices):
    NEW_GROUP = "new_group", _("New cause of failures")
    REGRESSION = "regression", _("Resolved cause is back")
    FAILURE_RATE = "failure_rate", _("Many messages fail")
    SILENCE = "silence", _("No messages")
    BACKLOG = "backlog", _("Retries pile up")
    REVOKED_KEY = "revoked_key", _("Revoked key in use")
    PLAIN_HTTP = "plain_http", _("Messages over plain HTTP")
    FLOOD = "flood", _("Flood of unknown numbers")


class AlertSettings(models.Model):
    """Who is told about a workspace, and from when on; the row without one is told about all."""

    workspace = models.OneToOneField(
        "contacts.Workspace",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="alert_settings",
        verbose_name=_("workspace"),
        help_text=_("Empty: for all workspaces, and for what belongs to none."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    emails = models.JSONField(_("e-mail addresses"), default=list, blank=True)
    webhook_url = models.CharField(
        _("webhook"), max_length=500, blank=True, validators=[URLValidator(["https", "http"])]
    )
    webhook_secret = models.CharField(
        _("webhook secret"), max_length=64, default=secrets.token_hex, editable=False
    )
    silent_after_hours = models.PositiveSmallIntegerField(
        _("hours without a message"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 30)],
    )
    max_failure_percent = models.PositiveSmallIntegerField(
        _("failing messages in per cent"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )

    class Meta:
        verbose_name = _("alert settings")
        verbose_name_plural = _("alert settings")
        constraints = [
            models.UniqueConstraint(
                # The same for every row without a workspace, so unique means: one.
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


class Alert(models.Model):
    """A cause that was noticed; open until it has not been noticed for a while."""

    cause = models.CharField(_("cause"), max_length=12, choices=Cause)
    subject = models.CharField(_("about"), max_length=100, blank=True)
    workspace = models.ForeignKey(
        "contacts.Workspace",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="alerts",
        verbose_name=_("workspace"),
    )
    text = models.CharField(_("text"), max_length=500)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    notified_at = models.DateTimeField(_("told"), null=True, blank=True)
    recovered_at = models.DateTimeField(_("recovered"), null=True, blank=True)

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
                condition=Q(cause__in=Cause.values), name="alert_cause_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.text


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")


class Event(models.TextChoices):
    RAISED = "raised", _("Alert")
    RECOVERED = "recovered", _("Recovered")
    TEST = "test", _("Test")


class AlertDelivery(models.Model):
    """One message to one recipient: sent, still to be sent, or why it could not be."""

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
