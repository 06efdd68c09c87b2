"""Models of a lead's history: status changes and notes."""

from typing import Any, Self

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.contacts import Contact
from contacts.workflow import MAX_REASON, UNDOABLE_FOR, ArchiveReason, AuthorKind, LeadStatus
from leadsync.infra.visible import OfLeadQuerySet
from leadsync.infra.writes import Collected


class StatusChangeQuerySet(OfLeadQuerySet["StatusChange"]):
    def undoable(self, *, by: str) -> Self:
        """The moves that this person may still take back: the last one of a lead, made just now."""
        return self.filter(
            by=by,
            actor_kind=AuthorKind.PERSON,
            at__gt=timezone.now() - UNDOABLE_FOR,
            is_undone=False,
            before__isnull=False,
            contact__status_changed_at=F("at"),
            contact__lead_status=F("to"),
        )


class StatusChange(Collected):
    """One change of a lead's status. Never edited."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="status_changes")
    # `from` is a keyword.
    from_status = models.CharField(_("from"), max_length=9, choices=LeadStatus)
    to = models.CharField(_("to"), max_length=9, choices=LeadStatus)
    by = models.CharField(_("by"), max_length=150)
    # Blank: recorded by a former release.
    actor_kind = models.CharField(
        _("changed by"), max_length=6, choices=AuthorKind, blank=True, default="", db_default=""
    )
    reason = models.CharField(_("reason"), max_length=MAX_REASON, blank=True)
    archive_reason = models.CharField(
        _("why archived"),
        max_length=14,
        choices=ArchiveReason,
        blank=True,
        default="",
        db_default="",
    )
    at = models.DateTimeField(_("at"), default=timezone.now)
    before = models.JSONField(null=True, blank=True, editable=False)
    """Of a person's move: the stamps of the lead until then (`workflow.kept_stamps`)."""
    is_undone = models.BooleanField(_("undone"), default=False, db_default=False)
    """Taken back by its person, or the taking back itself: neither says where the lead was."""

    objects = StatusChangeQuerySet.as_manager()

    class Meta:
        verbose_name = _("status change")
        verbose_name_plural = _("status history")
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(from_status__in=LeadStatus.values) & Q(to__in=LeadStatus.values),
                name="status_change_statuses_are_known",
            ),
            models.CheckConstraint(
                condition=Q(actor_kind__in=["", *AuthorKind.values]),
                name="status_change_actor_kind_is_known",
            ),
            models.CheckConstraint(
                # A person may confirm what a bot set.
                condition=~Q(from_status=F("to")) | Q(actor_kind=AuthorKind.PERSON),
                name="status_change_is_a_move",
            ),
            models.CheckConstraint(
                condition=Q(archive_reason="")
                | Q(archive_reason__in=ArchiveReason.values, to=LeadStatus.ARCHIVED),
                name="status_change_archive_reason_is_known",
            ),
        ]
        indexes = [
            # "Which leads moved since then?"
            models.Index(fields=["at", "id"], name="status_change_by_time"),
            # "Who converted leads, and why were others archived?"
            models.Index(
                fields=["to", "contact"],
                condition=Q(to__in=[LeadStatus.CONVERTED, LeadStatus.ARCHIVED]),
                name="status_change_to_an_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_from_status_display()} → {self.get_to_display()}"


class Assignment(Collected):
    """That a lead was given to a person, or to nobody (blank). Never edited."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="assignments")
    from_name = models.CharField(_("from"), max_length=150, blank=True)
    to_name = models.CharField(_("to"), max_length=150, blank=True)
    by = models.CharField(_("by"), max_length=150)
    actor_kind = models.CharField(_("assigned by"), max_length=6, choices=AuthorKind)
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = OfLeadQuerySet["Assignment"].as_manager()

    class Meta:
        verbose_name = _("assignment")
        verbose_name_plural = _("assignments")
        ordering = ["-at", "-pk"]
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(actor_kind__in=AuthorKind.values),
                name="assignment_actor_kind_is_known",
            ),
        ]
        indexes = [
            # "Who was given a lead since then?"
            models.Index(fields=["at", "id"], name="assignment_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.from_name or '–'} → {self.to_name or '–'}"  # noqa: RUF001


class NoteKind(models.TextChoices):
    NOTE = "note", _("Note")
    CALL = "call", _("Call")
    CHAT = "chat", _("Chat")
    MEETING = "meeting", _("Meeting")


REACHING_OUT = (NoteKind.CALL, NoteKind.CHAT)


MAX_NOTE = 5000


class Note(models.Model):
    """A note on a lead by a person, a bot or LeadSync."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="notes")
    text = models.TextField(_("text"), max_length=MAX_NOTE)
    kind = models.CharField(
        _("kind"),
        max_length=7,
        choices=NoteKind,
        default=NoteKind.NOTE,
        db_default=NoteKind.NOTE.value,
    )
    author = models.CharField(_("author"), max_length=150)
    author_kind = models.CharField(
        _("written by"), max_length=6, choices=AuthorKind, default=AuthorKind.PERSON
    )
    created_at = models.DateTimeField(_("written"), default=timezone.now, editable=False)

    objects = OfLeadQuerySet["Note"].as_manager()

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(author_kind__in=AuthorKind.values), name="note_author_kind_is_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=NoteKind.values), name="note_kind_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.text[:50]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A person who notes a call or a chat has contacted the lead."""
        is_new = self._state.adding
        with transaction.atomic():
            super().save(*args, **kwargs)
            if is_new and self.author_kind == AuthorKind.PERSON and self.kind in REACHING_OUT:
                Contact.objects.filter(pk=self.contact_id).reached_out(
                    by=self.author, at=self.created_at
                )
