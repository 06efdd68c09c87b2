"""Refused messages, kept beside the log so that they can be sent again."""

from typing import Any, Self

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra.requests import MAX_LENGTH
from leadsync.infra.visible import Reach, VisibleQuerySet, failures_within
from leadsync.infra.waits import bounded_waits
from monitoring.models.failures import ROOM, SyncFailure, SyncFailureQuerySet


class Refusal(models.TextChoices):
    """What has to be put right before the message can be sent again."""

    BODY = "body", _("Unusable body")
    KEY = "key", _("Key without the right")
    CRASH = "crash", _("LeadSync failed")


class RefusedBodyQuerySet(VisibleQuerySet["RefusedBody"]):
    unowned = Q(failure__isnull=True)

    def within(self, reach: Reach) -> Q:
        mine = failures_within(reach, "failure__")
        return mine | self.unowned if reach.has_unowned else mine

    def keep(self, refused: "RefusedBody", **failure: Any) -> int:
        """Keep the body and count it on its key's open failure for this reason (`subject`); returns
        the id of the cause.

        An equal body is kept once. Two refusals of one key queue up for the failure's row.
        """
        key = {
            "source": failure.pop("source"),
            "kind": failure.pop("kind"),
            "workspace_ref": failure.pop("workspace_ref"),
            "contact_phone": "",
            "fingerprint": f"key {refused.key_id}: {failure.get('subject') or refused.refusal}",
        }
        with bounded_waits():  # the bot waits for its answer
            cause_id = SyncFailure.objects.record(**key, **failure, sent_with=refused.key_id)
            refused.failure = SyncFailure.objects.open().filter(**key).first()
            of_key = self.filter(key=refused.key_id)
            of_key.orphans().filter(refusal=refused.refusal).update(failure=refused.failure)
            self.bulk_create(
                [refused],
                update_conflicts=True,
                unique_fields=["key", "refusal", "digest"],
                update_fields=["failure", "error", "request_id", "received_at"],
            )
            of_key.trim()
        return cause_id

    def orphans(self) -> Self:
        """Those whose failure was deleted from the full log."""
        return self.filter(failure__isnull=True)

    def of_open_failures(self) -> Self:
        """Those that nobody has dealt with."""
        return self.filter(Q(failure__isnull=True) | Q(failure__resolved_at__isnull=True))

    def trim(self) -> None:
        """Delete the oldest of these beyond KEPT, a portion at once."""
        surplus = self.count() - self.model.KEPT
        if surplus > self.model.KEPT // ROOM:
            oldest = self.order_by("received_at", "pk").values_list("pk", flat=True)
            self.filter(pk__in=list(oldest[:surplus])).delete()


class RefusedBody(models.Model):
    """The body of a refused message, as it was sent; deleted once it is received, or by age."""

    KEPT = 1_000
    """The newest of each key."""
    KEPT_DAYS = 7

    # Each index below begins with the key, so it needs none of its own.
    key = models.ForeignKey("leadsync.ApiKey", models.SET_NULL, null=True, db_index=False)
    failure = models.ForeignKey(SyncFailure, models.SET_NULL, null=True, related_name="bodies")
    refusal = models.CharField(max_length=5, choices=Refusal)
    digest = models.CharField(max_length=64)
    body = models.BinaryField()
    contact_phone = models.CharField(max_length=16, blank=True)
    error = models.TextField()
    request_id = models.CharField(max_length=MAX_LENGTH, blank=True)
    received_at = models.DateTimeField(default=timezone.now)

    objects = RefusedBodyQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["key", "refusal", "digest"], name="refused_body_is_kept_once"
            ),
            models.CheckConstraint(
                condition=Q(refusal__in=Refusal.values), name="refused_body_refusal_is_known"
            ),
        ]
        indexes = [
            # "Which of this key's are the oldest?"
            models.Index(fields=["key", "received_at"], name="refused_body_by_key"),
            # "What is too old to keep?"
            models.Index(fields=["received_at"], name="refused_body_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.get_refusal_display()} #{self.pk}"


def close_sent(failures: SyncFailureQuerySet, *, by: str) -> int:
    """Close those of these failures of which no body is kept any more; returns how many.

    A refusal that counts on one of them at this moment holds its row, and keeps it open.
    """
    with transaction.atomic():
        locked = list(
            failures.open().order_by("pk").select_for_update().values_list("pk", flat=True)
        )
        empty = SyncFailure.objects.filter(pk__in=locked, bodies__isnull=True)
        return empty.mark_sent(by=by)
