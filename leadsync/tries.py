"""The model of tries: how often something may be asked for, counted by all processes together."""

from datetime import timedelta

from django.db import models
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class TriesQuerySet(models.QuerySet["Tries"]):
    def take(self, what: str, *, most: int, within: timedelta) -> bool:
        """Use up one of `most` tries within that time; returns False if none is left.

        Two at once insert one row, and each counts on it.
        """
        digest, now = salted_hmac(__name__, what, algorithm="sha256").hexdigest(), timezone.now()
        self.filter(over_at__lte=now).delete()
        self.bulk_create([Tries(digest=digest, over_at=now + within)], ignore_conflicts=True)
        return bool(self.filter(digest=digest, count__lt=most).update(count=F("count") + 1))


class Tries(models.Model):
    """How often something was tried; by a digest, so that it names neither people nor addresses."""

    digest = models.CharField(max_length=64, unique=True)
    count = models.PositiveIntegerField(default=0)
    over_at = models.DateTimeField(db_index=True)
    """When it is forgotten."""

    objects = TriesQuerySet.as_manager()

    class Meta:
        verbose_name = _("tries")
        verbose_name_plural = _("tries")
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.pk}"
