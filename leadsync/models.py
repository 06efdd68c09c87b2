"""The models of API keys, and of how people get into the admin."""

from datetime import timedelta
from typing import Self

from axes.models import AccessAttempt
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models import Language
from leadsync import keys
from leadsync.infra.queries import Belief, CompiledQuery
from leadsync.infra.visible import UnownedQuerySet, VisibleQuerySet
from leadsync.infra.waits import bounded_waits
from leadsync.tries import Tries  # noqa: F401 (a model)


class Scope(models.TextChoices):
    STATES_WRITE = "states:write", _("Conversations: read and write")
    LEADS_READ = "leads:read", _("Leads: read")
    LEADS_WRITE = "leads:write", _("Leads: write")
    FAILURES_READ = "failures:read", _("Failures: read")
    FAILURES_WRITE = "failures:write", _("Failures: resolve and retry")


ONE_SCOPE = f"({'|'.join(Scope.values)})"
SCOPES = f"^{ONE_SCOPE}( {ONE_SCOPE})*$"
UNUSED = tuple(
    f"user__{column}"
    for column in ("password", "email", "first_name", "last_name", "last_login", "date_joined")
)
"""Columns of a bot's account that no request of the bot reads."""
USE_RECORDED_EVERY = timedelta(minutes=1)
USE_WAITS_MS = 10
ANSWERS_KEPT_FOR = timedelta(hours=24)


class ApiKeyQuerySet(VisibleQuerySet["ApiKey"]):
    def valid(self) -> Self:
        """Return keys that are neither revoked nor expired; `is_valid` also checks the account."""
        return self.filter(revoked_at__isnull=True).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
        )

    def find(self, sent: str) -> "ApiKey | None":
        """Return the sent key, valid or not, with bot and workspace; no query for junk.

        A process believes what it has read for a second.
        """
        return _believed(keys.digest(sent)) if keys.is_wellformed(sent) else None

    def with_digest(self, digest: str) -> "ApiKey | None":
        """Return the key with this digest, valid or not, with bot and workspace: one query."""
        return next(iter(_with_digest(digest)), None)

    def revoke(self) -> int:
        """Revoke these keys; return how many were not revoked before."""
        return self.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())


class ApiKey(models.Model):
    """A bot's key. It acts as `user`, within `scopes`, and only in `workspace` if it has one."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_keys", verbose_name=_("bot")
    )
    digest = models.CharField(_("digest"), max_length=64, unique=True, editable=False)
    prefix = models.CharField(_("begins with"), max_length=keys.SHOWN_LENGTH, editable=False)
    scopes = models.CharField(
        _("scopes"), max_length=200, help_text=_("Separated by single spaces.")
    )
    workspace = models.ForeignKey(
        "contacts.Workspace",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="api_keys",
        verbose_name=_("workspace"),
        help_text=_("The key can read and change only this workspace; empty: all workspaces."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    is_remembered = False
    """Whether the database could not be asked (`outage.py`): workspace and bot are not known."""

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        permissions = [("revoke_apikey", "Can revoke API keys")]
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__regex=SCOPES),
                name="api_key_scopes_are_known",
                violation_error_message=_("Write known scopes, separated by single spaces."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.prefix}…"

    @property
    def is_valid(self) -> bool:
        return (
            self.revoked_at is None
            and (self.expires_at is None or self.expires_at > timezone.now())
            and self.user.is_active
        )

    def allows(self, scope: str) -> bool:
        return scope in self.scopes.split()

    def record_use(self) -> None:
        """Record that the key was used, at most once a minute; raises OperationalError if locked.

        A bot's GET does not wait for whoever writes.
        """
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > USE_RECORDED_EVERY:
            self.last_used_at = now  # this instance may be believed for a while
            with bounded_waits(USE_WAITS_MS):
                ApiKey.objects.filter(pk=self.pk).update(last_used_at=now)


_with_digest = CompiledQuery(
    lambda: ApiKey.objects.filter(digest="").select_related("user", "workspace").defer(*UNUSED)
)
_believed: Belief[str, ApiKey] = Belief(ApiKey.objects.with_digest)


class IdempotentAnswerQuerySet(models.QuerySet["IdempotentAnswer"]):
    def claim(self, digest: str, request: str) -> tuple["IdempotentAnswer", bool]:
        """Return the answer to the first request with this key, and whether this is the first.

        Of two at once the second waits for the transaction of the first.
        """
        self.filter(digest=digest).expired().delete()
        return self.get_or_create(digest=digest, defaults={"request": request})

    def expired(self) -> Self:
        return self.filter(created_at__lt=timezone.now() - ANSWERS_KEPT_FOR)


class IdempotentAnswer(models.Model):
    """The first answer to a write with an `Idempotency-Key`. Its body names nobody: ids only."""

    digest = models.CharField(max_length=64, unique=True)
    """Of the bot and its key."""
    request = models.CharField(max_length=64)
    """Digest of the request, to refuse another one with the same key."""
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = IdempotentAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("answer to a repeatable request")
        verbose_name_plural = _("answers to repeatable requests")
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.pk}"

    def keep(self, status: int, body: object) -> None:
        self.status, self.body = status, body
        self.save(update_fields=["status", "body"])


class FailedLogin(AccessAttempt):
    """What somebody got wrong at the admin's log-in, by account, address and browser."""

    objects = UnownedQuerySet["FailedLogin"].as_manager()

    class Meta:
        proxy = True
        verbose_name = _("failed log-in")
        verbose_name_plural = _("failed log-ins")
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return f"{self.username} · {self.ip_address}"


class Dismissal(models.Model):
    """That a person wants to see something no more, such as the checklist of a new installation."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="dismissals")
    what = models.CharField(max_length=40)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("dismissed hint")
        verbose_name_plural = _("dismissed hints")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["user", "what"], name="dismissal_is_made_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.what}"


class Invitation(models.Model):
    """That somebody was asked to join. Their account has no password until they choose one."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="invitation", primary_key=True
    )
    by = models.CharField(_("invited by"), max_length=150)
    language = models.CharField(_("language"), max_length=2, choices=Language)
    sent_at = models.DateTimeField(_("sent"), default=timezone.now)
    joined_at = models.DateTimeField(_("joined"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.user)


class LogIn(models.Model):
    """Where somebody is logged in: a session, and what it was opened with."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="log_ins")
    session_key = models.CharField(max_length=40, unique=True)
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    browser = models.CharField(_("browser"), max_length=100, blank=True)
    at = models.DateTimeField(_("logged in"), default=timezone.now)

    class Meta:
        verbose_name = _("log-in")
        verbose_name_plural = _("log-ins")
        default_permissions = ()
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"#{self.pk}"
