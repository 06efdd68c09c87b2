"""The model of a feed: how a workspace gets Kapso's webhooks, and whether they come."""

import secrets
from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra.queries import CompiledQuery
from leadsync.infra.visible import VisibleQuerySet
from leadsync.infra.waits import bounded_waits

SEEN_EVERY = timedelta(minutes=1)
SEEING_WAITS_MS = 10
ROTATION = timedelta(days=7)
"""How long the secret before is taken as well, after a new one was made."""
MAX_SECRET = 200
MAX_EVENT = 100


class KapsoFeedQuerySet(VisibleQuerySet["KapsoFeed"]):
    def of(self, slug: str) -> "KapsoFeed | None":
        """The feed of a workspace. Waits no longer for a lock than anything else in a request."""
        return next(iter(_FEED(slug)), None)

    def not_seen_since(self, when: Any) -> Self:
        return self.filter(Q(last_event_at__isnull=True) | Q(last_event_at__lt=when))


class KapsoFeed(models.Model):
    """A workspace's feed: the secrets that sign it, and what came in last."""

    workspace = models.OneToOneField(
        "contacts.Workspace",
        models.CASCADE,
        related_name="kapso_feed",
        verbose_name=_("workspace"),
    )
    secret = models.CharField(_("secret"), max_length=MAX_SECRET, default=secrets.token_hex)
    previous_secret = models.CharField(
        _("secret before"), max_length=MAX_SECRET, blank=True, editable=False
    )
    rotated_at = models.DateTimeField(_("new secret made"), null=True, blank=True, editable=False)
    app_secret = models.CharField(
        _("Meta's app secret"),
        max_length=MAX_SECRET,
        blank=True,
        help_text=_("Only if Meta itself sends here, without Kapso: what signs its messages."),
    )
    verify_token = models.CharField(
        _("Meta's verify token"), max_length=MAX_SECRET, default=secrets.token_hex, editable=False
    )
    creates_leads = models.BooleanField(
        _("leads from incoming messages"),
        default=True,
        help_text=_("Whoever writes is a lead from the first message on."),
    )
    last_event = models.CharField(_("last event"), max_length=MAX_EVENT, blank=True, editable=False)
    last_event_at = models.DateTimeField(_("last event came"), null=True, blank=True)
    refused = models.PositiveIntegerField(_("refused"), default=0, editable=False)
    last_refused_at = models.DateTimeField(_("last refused"), null=True, blank=True)
    created_at = models.DateTimeField(_("set up"), default=timezone.now, editable=False)

    objects = KapsoFeedQuerySet.as_manager()

    class Meta:
        verbose_name = _("feed from Kapso")
        verbose_name_plural = _("feeds from Kapso")
        constraints = [
            models.CheckConstraint(
                condition=~Q(secret="") & ~Q(verify_token=""), name="kapso_feed_has_its_secrets"
            ),
        ]

    def __str__(self) -> str:
        return str(self.workspace)

    def valid_secrets(self) -> list[str]:
        """Whatever may have signed a delivery now."""
        lately = self.rotated_at is not None and timezone.now() - self.rotated_at < ROTATION
        before = self.previous_secret if lately else ""
        return [secret for secret in (self.secret, before, self.app_secret) if secret]

    def rotate(self) -> str:
        """Make a new secret and return it; the one before is taken for a week as well."""
        self.previous_secret, self.secret = self.secret, secrets.token_hex()
        self.rotated_at = timezone.now()
        self.save(update_fields=["previous_secret", "secret", "rotated_at"])
        return self.secret

    def see(self, event: str) -> None:
        """Note that an event came, once a minute: each of them would queue up for this row.

        Raises OperationalError if somebody holds the row: it is not worth waiting for.
        """
        now = timezone.now()
        if self.last_event_at is None or now - self.last_event_at > SEEN_EVERY:
            lately = KapsoFeed.objects.not_seen_since(now - SEEN_EVERY)
            with bounded_waits(SEEING_WAITS_MS):
                lately.filter(pk=self.pk).update(last_event=event[:MAX_EVENT], last_event_at=now)

    def refuse(self, count: int) -> None:
        """Count deliveries that nobody whom we know has signed; raises as `see` does."""
        with bounded_waits(SEEING_WAITS_MS):
            KapsoFeed.objects.filter(pk=self.pk).update(
                refused=F("refused") + count, last_refused_at=timezone.now()
            )


_FEED = CompiledQuery(
    lambda: KapsoFeed.objects.select_related("workspace").filter(workspace__slug="")
)
