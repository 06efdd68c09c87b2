"""The model of a lead that is gone: who keeps a copy of the leads has to hear of it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from contacts.models.workspaces import Workspace

DEPARTURES_KEPT_FOR = timedelta(days=90)


class How(models.TextChoices):
    DELETED = "deleted"
    MERGED = "merged"


class DepartureQuerySet(models.QuerySet["Departure"]):
    def keep(self, leads: Iterable[tuple[int, int]]) -> None:
        """Record that these are being deleted; each is a lead's id and its workspace's."""
        self.bulk_create(
            self.model(lead_id=lead, workspace_id=workspace, how=How.DELETED)
            for lead, workspace in leads
        )

    def older_than(self, when: datetime) -> Self:
        return self.filter(at__lt=when)


class Departure(models.Model):
    """That a lead was deleted, or merged into another. Tells nothing of the person."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="departures", db_index=False
    )
    lead_id = models.BigIntegerField()
    how = models.CharField(max_length=7, choices=How)
    into_id = models.BigIntegerField(null=True)
    """The lead that it was merged into."""
    at = models.DateTimeField(default=timezone.now)

    objects = DepartureQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(how=How.DELETED, into_id__isnull=True)
                | Q(how=How.MERGED, into_id__isnull=False),
                name="departure_leads_somewhere_if_merged",
            ),
        ]
        indexes = [
            # "Which leads are gone since then?"
            models.Index(fields=["at", "id"], name="departure_by_time"),
        ]

    def __str__(self) -> str:
        return f"#{self.lead_id}"
