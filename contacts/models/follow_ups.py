"""The model of a next step: what is to be done for a lead, when, and by whom."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.contacts import Contact
from contacts.workflow import AuthorKind
from leadsync.infra.visible import OfLeadQuerySet

MAX_STEP = 300


class Outcome(models.TextChoices):
    """What became of a next step."""

    DONE = "done", _("Done")
    MOVED = "moved", _("Moved")
    """Another one took its place, mostly the same at another time."""
    DROPPED = "dropped", _("Dropped")


class FollowUpQuerySet(OfLeadQuerySet["FollowUp"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def due_before(self, when: datetime) -> Self:
        return self.open().filter(due_at__lt=when)

    def close(self, outcome: Outcome, *, by: str) -> int:
        """Close those of these that are open; returns how many."""
        return self.open().update(outcome=outcome, closed_at=timezone.now(), closed_by=by)

    def plan(
        self,
        lead: Contact,
        *,
        text: str,
        due_at: datetime,
        by: str,
        kind: AuthorKind = AuthorKind.PERSON,
        whose: User | None = None,
        is_all_day: bool = False,
    ) -> "FollowUp":
        """Make this the next step; one that is open gives way to it.

        Whose it is: the person named, else the one of the step that gives way, else the lead's.
        """
        with transaction.atomic():
            # Locked: two people, or a person and a bot, may plan at once.
            lead = Contact.objects.select_for_update(no_key=True).get(pk=lead.pk)
            former = self.open().filter(contact=lead).first()
            if former:
                self.filter(pk=former.pk).close(Outcome.MOVED, by=by)
            whose_id = former.assigned_to_id if former else lead.assigned_to_id
            return self.create(
                contact=lead,
                text=text,
                due_at=due_at,
                is_all_day=is_all_day,
                assigned_to_id=whose.pk if whose else whose_id,
                created_by=by,
                created_by_kind=kind,
            )

    def keep_one(self, one: Contact, other: Contact, *, by: str) -> None:
        """Of the open steps of two leads that become one, drop the later."""
        both = self.open().filter(contact__in=[one, other]).order_by("due_at", "pk")
        self.filter(pk__in=[step.pk for step in both[1:]]).close(Outcome.DROPPED, by=by)


class FollowUp(models.Model):
    """A next step. A lead has at most one that is open; the others are its history."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="follow_ups")
    text = models.CharField(_("what to do"), max_length=MAX_STEP)
    due_at = models.DateTimeField(_("due"))
    is_all_day = models.BooleanField(_("at any time of the day"), default=False)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="follow_ups",
        verbose_name=_("whose"),
    )
    created_by = models.CharField(_("planned by"), max_length=150)
    created_by_kind = models.CharField(max_length=6, choices=AuthorKind, default=AuthorKind.PERSON)
    created_at = models.DateTimeField(_("planned"), default=timezone.now, editable=False)
    outcome = models.CharField(_("outcome"), max_length=7, choices=Outcome, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.CharField(_("closed by"), max_length=150, blank=True)

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("next step")
        verbose_name_plural = _("next steps")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["contact"],
                condition=Q(closed_at__isnull=True),
                name="follow_up_is_the_only_open_one_of_its_lead",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, outcome="")
                | Q(closed_at__isnull=False, outcome__in=Outcome.values),
                name="follow_up_has_an_outcome_once_closed",
            ),
        ]
        indexes = [
            # "What is due?"
            models.Index(
                fields=["due_at"], condition=Q(closed_at__isnull=True), name="follow_up_due"
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def is_due(self) -> bool:
        return self.closed_at is None and self.due_at <= timezone.now()
