"""The model of the messages that tell of alerts."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra.visible import VisibleQuerySet
from monitoring.models.alert_settings import AlertSettings, Channel
from monitoring.models.alerts import Alert

FAILING_FOR = timedelta(hours=24)
"""How long a delivery that failed counts against the health of the sync."""


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
