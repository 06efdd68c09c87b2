"""The model of alerts: what was noticed, until it is over."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra.visible import Reach, VisibleQuerySet
from monitoring.models.alert_settings import AlertSettings
from monitoring.models.causes import FailureGroup
from monitoring.models.failures import SyncFailure

MAX_TEXT = 500


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
