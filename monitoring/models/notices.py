"""Models of what people are told about leads: what each wants to hear, what happened, and the
messages about it. They keep nothing that a lead said: texts are written when they are sent."""

from datetime import datetime, time, timedelta, tzinfo
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact, Language, Workspace
from leadsync.infra.visible import VisibleQuerySet
from monitoring.models.alert_settings import Channel
from monitoring.models.webhooks import Webhook

DAY = timedelta(days=1)


class LeadEventKind(models.TextChoices):
    HANDED_OVER = "handed_over", _("A hot lead is handed over")
    ASSIGNED = "assigned", _("A lead is assigned to me")
    RUNNING_OUT = "running_out", _("The time to answer a lead has nearly run out")
    RE_ENGAGED = "re_engaged", _("An archived lead writes again")


class OwnQuerySet(VisibleQuerySet["NotificationPreferences"]):
    def visible_to(self, user: Any) -> Self:
        """Nobody sees those of others."""
        return self.filter(user=user.pk)


class NotificationPreferences(Webhook):
    """What a person wants to be told about leads, how, and when not. Who has none wants all, by
    e-mail."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="notification_preferences",
        editable=False,
    )
    muted = models.JSONField(default=list, blank=True)
    """Kinds of events that the person does not want."""
    by_email = models.BooleanField(_("by e-mail"), default=True)
    language = models.CharField(
        _("language"),
        max_length=2,
        choices=Language,
        blank=True,
        help_text=_("Empty: that of the workspace's country."),
    )
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(
        _("quiet until"),
        null=True,
        blank=True,
        help_text=_("By the clock of the lead's workspace. What happens meanwhile comes then."),
    )

    objects = OwnQuerySet.as_manager()

    class Meta:
        verbose_name = _("my notifications")
        verbose_name_plural = _("my notifications")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="notification_preferences_are_quiet_from_and_until",
                violation_error_message=_("Quiet hours need a beginning and an end."),
            ),
        ]

    def __str__(self) -> str:
        return str(_("My notifications"))

    @classmethod
    def of(cls, person: User) -> "NotificationPreferences":
        return cls.objects.filter(user=person).first() or cls(user=person)

    def channels_for(self, kind: str) -> list[str]:
        """How the person wants to be told of it."""
        if kind in self.muted:
            return []
        by_email = [Channel.EMAIL.value] * bool(self.by_email and self.user.email)
        return by_email + [Channel.WEBHOOK.value] * bool(self.webhook_url)

    def language_in(self, workspace: Workspace) -> str:
        return self.language or workspace.language

    def quiet_end(self, now: datetime, zone: tzinfo) -> datetime | None:
        """When the quiet hours end in which `now` is; None if it is in none."""
        start, end = self.quiet_from, self.quiet_until
        if start is None or end is None or start == end:
            return None
        local = now.astimezone(zone)
        if not _is_between(local.time(), start, end):
            return None
        ends = datetime.combine(local.date(), end, zone)
        return ends if ends > now else datetime.combine(local.date() + DAY, end, zone)


def _is_between(moment: time, start: time, end: time) -> bool:
    return start <= moment < end if start < end else moment >= start or moment < end


class LeadEvent(models.Model):
    """Something that happened with a lead and that the right person is told of, once."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="told_events")
    kind = models.CharField(max_length=11, choices=LeadEventKind)
    happened_at = models.DateTimeField()
    by = models.CharField(max_length=150, blank=True)
    """Who assigned the lead."""
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "kind", "happened_at"], name="lead_event_is_told_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=LeadEventKind.values), name="lead_event_kind_is_known"
            ),
        ]
        indexes = [
            # "What is too old to keep?"
            models.Index(fields=["created_at"], name="lead_event_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.contact_id}"

    def is_news_to(self, person: User) -> bool:
        """Whether it is still so, and still concerns this person."""
        lead = self.contact
        is_theirs = lead.assigned_to_id == person.pk or not lead.owner_at_work
        waits = lead.answer_by is not None and lead.answered_at is None
        match self.kind:
            case LeadEventKind.ASSIGNED:
                return lead.assigned_to_id == person.pk
            case LeadEventKind.RE_ENGAGED:
                return is_theirs and lead.re_engaged_at == self.happened_at
        return is_theirs and waits


class LeadMessageQuerySet(models.QuerySet["LeadMessage"]):
    def due(self) -> Self:
        """Those to be sent now by the database's clock, and leased by no worker."""
        return self.filter(next_attempt_at__lte=Now())


class LeadMessage(models.Model):
    """A message to one person about an event, with its delivery state."""

    event = models.ForeignKey(LeadEvent, models.CASCADE, related_name="messages")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="lead_messages"
    )
    channel = models.CharField(_("channel"), max_length=7, choices=Channel)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True)

    settings: NotificationPreferences
    """Of the person, while it is sent."""

    objects = LeadMessageQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["event", "person", "channel"], name="lead_message_is_sent_once"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="lead_message_channel_is_known"
            ),
        ]
        indexes = [
            # "What is still to be sent?"
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(next_attempt_at__isnull=False),
                name="lead_message_due",
            ),
            # "What was this person sent lately?"
            models.Index(
                fields=["person", "channel", "-delivered_at"], name="lead_message_by_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_channel_display()} #{self.pk}"

    @property
    def recipient(self) -> str:
        is_email = self.channel == Channel.EMAIL
        return self.person.email if is_email else self.settings.webhook_host
