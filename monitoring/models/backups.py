"""Backups that were made, so that a night without one is noticed."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

LATE_AFTER = timedelta(hours=26)
"""A backup each night, which may take two hours longer than that of the night before."""

FIRST_AFTER = timedelta(days=3)
"""How long leads may be here before the first backup."""


class BackupQuerySet(models.QuerySet["Backup"]):
    def recent(self) -> Self:
        """Those of the last night, by the database's clock."""
        return self.filter(finished_at__gt=Now() - LATE_AFTER)


class Backup(models.Model):
    """The last backup that was made and could be restored."""

    file = models.CharField(_("file"), max_length=255)
    size = models.PositiveBigIntegerField(_("bytes"))
    finished_at = models.DateTimeField(_("finished"), db_default=Now())

    objects = BackupQuerySet.as_manager()

    class Meta:
        verbose_name = _("backup")
        verbose_name_plural = _("backups")
        ordering = ["-finished_at", "-pk"]

    def __str__(self) -> str:
        return self.file
