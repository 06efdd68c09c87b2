"""Failures with one cause, as one thing that people talk about: seen, taken on, resolved, back."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from monitoring.kinds import Kind


class Source(models.TextChoices):
    SARAH = "sarah", _("Sarah")
    KAPSO = "kapso", _("Kapso")
    BACKGROUND = "background", _("Background work")


class FailureGroupQuerySet(models.QuerySet["FailureGroup"]):
    def id_of(self, *, source: str, kind: str, exception: str = "", function: str = "") -> int:
        """The group of this cause, made if it is the first failure of its kind."""
        cause = {
            "source": source,
            "kind": kind,
            "exception": exception[: self.model.MAX_EXCEPTION],
            "function": function[: self.model.MAX_FUNCTION],
        }
        known = self.filter(**cause).values_list("pk", flat=True)
        if not (pks := list(known)):
            self.bulk_create([self.model(**cause)], ignore_conflicts=True)  # two may be the first
            pks = list(known.all())
        return pks[0]


class FailureGroup(models.Model):
    """All failures of one cause: who looks after it, and whether it was thought to be over.

    Nothing is counted here: a row that every failing message writes to would queue them up behind
    each other. The numbers come from the failures, and whether a resolved group is back as well.
    """

    MAX_EXCEPTION = 100
    MAX_FUNCTION = 200

    source = models.CharField(_("source"), max_length=10, choices=Source)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    exception = models.CharField(_("exception"), max_length=MAX_EXCEPTION, blank=True)
    function = models.CharField(_("raised in"), max_length=MAX_FUNCTION, blank=True)
    created_at = models.DateTimeField(_("first seen"), default=timezone.now)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.CharField(_("acknowledged by"), max_length=150, blank=True)
    ignored_until = models.DateTimeField(_("ignored until"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.CharField(_("resolved by"), max_length=150, blank=True)
    note = models.TextField(_("note"), max_length=2000, blank=True)

    objects = FailureGroupQuerySet.as_manager()

    class Meta:
        verbose_name = _("failure group")
        verbose_name_plural = _("failure groups")
        permissions = [("handle_failuregroup", "Can acknowledge, ignore and resolve causes")]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "kind", "exception", "function"],
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
                condition=Q(resolved_at__isnull=True, resolved_by="")
                | Q(resolved_at__isnull=False) & ~Q(resolved_by=""),
                name="failure_group_is_resolved_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        where = ": ".join(filter(None, (self.exception, self.function)))
        return f"{self.get_kind_display()} ({where})" if where else str(self.get_kind_display())
