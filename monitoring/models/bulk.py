"""What a person asked for on many failures at once: a result for each, and a way to stop it."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from monitoring.models.failures import SyncFailure
from monitoring.models.groups import FailureGroup


class BulkAction(models.TextChoices):
    RETRY = "retry", _("Try again")
    RESOLVE = "resolve", _("Mark resolved")


class BulkResult(models.TextChoices):
    SYNCED = "synced", _("In sync now")
    STILL_FAILING = "still_failing", _("Still fails")
    RESOLVED = "resolved", _("Resolved")
    LEFT_ALONE = "left_alone", _("Left alone")
    """Over already, seen again since it was chosen, or nothing that a retry could mend."""


class BulkRun(models.Model):
    """One action on the failures that somebody chose, worked in small commits."""

    action = models.CharField(_("action"), max_length=7, choices=BulkAction)
    asked_by = models.CharField(_("asked by"), max_length=150)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    group = models.ForeignKey(
        FailureGroup,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="bulk_runs",
        verbose_name=_("failure group"),
    )
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    cancelled_by = models.CharField(_("cancelled by"), max_length=150, blank=True)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)

    class Meta:
        verbose_name = _("bulk run")
        verbose_name_plural = _("bulk runs")
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(action__in=BulkAction.values), name="bulk_run_action_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} · {self.asked_at:%Y-%m-%d %H:%M}"


class BulkItem(models.Model):
    """One failure of a bulk run, and what became of it."""

    run = models.ForeignKey(BulkRun, models.CASCADE, related_name="items")
    failure = models.ForeignKey(SyncFailure, models.SET_NULL, null=True, related_name="bulk_items")
    contact_phone = models.CharField(_("phone"), max_length=16, blank=True)
    seen_at = models.DateTimeField(_("last seen when chosen"))
    result = models.CharField(_("result"), max_length=13, choices=BulkResult, blank=True)
    worked_at = models.DateTimeField(_("worked"), null=True, blank=True)

    class Meta:
        verbose_name = _("item of a bulk run")
        verbose_name_plural = _("items of a bulk run")
        constraints = [
            models.CheckConstraint(
                condition=Q(result="", worked_at__isnull=True)
                | Q(result__in=BulkResult.values, worked_at__isnull=False),
                name="bulk_item_result_goes_with_its_time",
            ),
        ]
        indexes = [
            # "What is left to do?"
            models.Index(fields=["run", "id"], condition=Q(result=""), name="bulk_item_to_do"),
        ]

    def __str__(self) -> str:
        return f"#{self.failure_id}"
