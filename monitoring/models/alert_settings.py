"""The model of who is told of alerts, and from which limits on."""

from collections.abc import Callable

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from contacts.models import Language
from leadsync.infra.visible import VisibleQuerySet
from monitoring.limits import MAX_FAILURE_PERCENT, MIN_FAILURES, RATE_MINUTES, SILENT_AFTER_HOURS
from monitoring.models.webhooks import Webhook


class Channel(models.TextChoices):
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")


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
