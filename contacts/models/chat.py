"""Models of the chat: what was written on WhatsApp, and what became of what we wrote.

Chat belongs to an address, and is found by it: it may be there before its lead, and a lead that
gets a second address finds what was written there.
"""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Case, Max, OuterRef, Q, Subquery, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.addresses import BSUID, MAX_BSUID, Address
from contacts.models.workspaces import Workspace
from contacts.phones import E164
from leadsync.infra.visible import VisibleQuerySet

MAX_WAMID = 255
MAX_CHAT_TEXT = 10_000
MAX_REASON = 500


class Author(models.TextChoices):
    """Who wrote a message."""

    LEAD = "lead", _("Lead")
    BOT = "bot", _("Sarah")
    """Whatever the business sent by itself: the bot's answers, templates, campaigns."""
    STAFF = "staff", _("Staff")
    """A person, from the business's phone."""


class DeliveryStatus(models.TextChoices):
    """What became of a message that we sent, in the order in which it gets there."""

    SENT = "sent", _("Sent")
    DELIVERED = "delivered", _("Delivered")
    READ = "read", _("Read")
    FAILED = "failed", _("Failed")
    """Last: it outlives a `sent` that comes late."""


def _of(address: Address) -> Q:
    """Rows of this address: of its phone or of its id. Nothing if it has neither."""
    named = Q(pk__in=[])
    if address.phone:
        named |= Q(contact_phone=address.phone)
    if address.user_id:
        named |= Q(business_scoped_user_id=address.user_id)
    return named


class ChatQuerySet(VisibleQuerySet["ChatMessage"]):
    def of(self, *addresses: Address, workspace_id: int) -> Self:
        """What was written with the person who has, or had, these addresses."""
        here = Q.create([_of(address) for address in addresses], connector=Q.OR)
        return self.filter(here, workspace=workspace_id)

    def with_status(self) -> Self:
        """With `status`, how far each message of ours got, and `reason`, if it failed."""
        marks = ChatMark.objects.filter(workspace=OuterRef("workspace"), wamid=OuterRef("wamid"))
        order = Case(
            *(When(status=status, then=rank) for rank, status in enumerate(DeliveryStatus)),
            output_field=models.SmallIntegerField(),
        )
        furthest = marks.order_by(order.desc())
        return self.annotate(
            status=Subquery(furthest.values("status")[:1]),
            reason=Subquery(furthest.values("reason")[:1]),
        )

    def older_than(self, when: datetime) -> Self:
        return self.filter(sent_at__lt=when)

    def last_by_staff(self) -> datetime | None:
        """When a person of ours wrote last, since the feed is set up."""
        ours = self.filter(author=Author.STAFF, is_history=False)
        return ours.aggregate(last=Max("sent_at"))["last"]

    def keep(self, message: "ChatMessage") -> bool:
        """Keep this message, or what it adds to the one we have; returns whether it is news: also
        if it was known from the history only.

        Raises IntegrityError if another request was faster to insert it: then it is there, and the
        next call adds to it. The caller is in a transaction.
        """
        same = self.select_for_update(no_key=True).filter(
            workspace=message.workspace_id, wamid=message.wamid
        )
        known = same.first()
        if known is None:
            message.save(force_insert=True)
            return True
        if lacking := known.complete(message):
            known.save(update_fields=lacking)
        return "is_history" in lacking


class ChatMessage(models.Model):
    """A WhatsApp message, known by its `wamid`. Media are kept as their type, caption and
    transcript: their addresses open without a password."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="chat", db_index=False)
    wamid = models.CharField(max_length=MAX_WAMID)
    contact_phone = models.CharField(_("phone"), max_length=16, blank=True)
    business_scoped_user_id = models.CharField(
        _("WhatsApp user id"), max_length=MAX_BSUID, blank=True
    )
    author = models.CharField(_("written by"), max_length=5, choices=Author)
    type = models.CharField(_("type"), max_length=20)
    text = models.TextField(_("text"), max_length=MAX_CHAT_TEXT, blank=True)
    transcript = models.TextField(_("transcript"), max_length=MAX_CHAT_TEXT, blank=True)
    sent_at = models.DateTimeField(_("sent"))
    is_history = models.BooleanField(
        _("from before"),
        default=False,
        help_text=_("It was written before the feed was set up, and came in with the history."),
    )

    objects = ChatQuerySet.as_manager()

    class Meta:
        verbose_name = _("chat message")
        verbose_name_plural = _("chat messages")
        ordering = ["sent_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "wamid"], name="chat_message_is_kept_once"
            ),
            models.CheckConstraint(
                condition=Q(author__in=Author.values), name="chat_message_author_is_known"
            ),
            models.CheckConstraint(
                condition=Q(contact_phone="") | Q(contact_phone__regex=E164),
                name="chat_message_phone_is_blank_or_e164",
            ),
            models.CheckConstraint(
                condition=Q(business_scoped_user_id="") | Q(business_scoped_user_id__regex=BSUID),
                name="chat_message_user_id_is_blank_or_whatsapps",
            ),
            models.CheckConstraint(
                condition=~Q(contact_phone="", business_scoped_user_id=""),
                name="chat_message_has_an_address",
            ),
        ]
        indexes = [
            # "What was written with this phone?", and the same with this id
            models.Index(
                fields=["contact_phone", "workspace", "sent_at"],
                condition=~Q(contact_phone=""),
                name="chat_message_by_phone",
            ),
            models.Index(
                fields=["business_scoped_user_id", "workspace", "sent_at"],
                condition=~Q(business_scoped_user_id=""),
                name="chat_message_by_user_id",
            ),
            # "What is too old to keep?"
            models.Index(fields=["workspace", "sent_at"], name="chat_message_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_author_display()} #{self.pk}"

    def complete(self, other: "ChatMessage") -> list[str]:
        """Take over from another account of this message what this one lacks; returns the fields.

        Whatever comes first, the same is left in the end.
        """
        lacking = [
            name
            for name in ("contact_phone", "business_scoped_user_id", "text", "transcript")
            if not getattr(self, name) and getattr(other, name)
        ]
        if (self.author, other.author) == (Author.BOT, Author.STAFF):
            lacking.append("author")
        if self.is_history and not other.is_history:
            lacking.append("is_history")
        for name in lacking:
            setattr(self, name, getattr(other, name))
        return lacking


class ChatMarkQuerySet(VisibleQuerySet["ChatMark"]):
    def keep(self, mark: "ChatMark") -> None:
        """Keep a mark once, with the earliest time and the first reason that is told of it."""
        self.bulk_create([mark], ignore_conflicts=True)
        same = self.filter(workspace=mark.workspace_id, wamid=mark.wamid, status=mark.status)
        same.filter(at__gt=mark.at).update(at=mark.at)
        if mark.reason:
            same.filter(reason="").update(reason=mark.reason)

    def older_than(self, when: datetime) -> Self:
        return self.filter(at__lt=when)


class ChatMark(models.Model):
    """That a message of ours got this far. Comes in any order, also before its message."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="chat_marks", db_index=False
    )
    wamid = models.CharField(max_length=MAX_WAMID)
    status = models.CharField(_("status"), max_length=9, choices=DeliveryStatus)
    at = models.DateTimeField(_("at"), default=timezone.now)
    reason = models.CharField(_("reason"), max_length=MAX_REASON, blank=True)

    objects = ChatMarkQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery mark")
        verbose_name_plural = _("delivery marks")
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "wamid", "status"], name="chat_mark_is_kept_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=DeliveryStatus.values), name="chat_mark_status_is_known"
            ),
        ]
        indexes = [
            # "What is too old to keep?"
            models.Index(fields=["workspace", "at"], name="chat_mark_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()} #{self.pk}"
