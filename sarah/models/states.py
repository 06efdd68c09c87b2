"""The model of a conversation: what the bot said last."""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.addresses import BSUID, MAX_BSUID, Address
from contacts.models import (
    E164,
    MAX_SCORE,
    AuthorKind,
    Contact,
    Language,
    Pausable,
    Temperature,
    Workspace,
)
from sarah.models.choices import ConversationState
from sarah.models.conversation_table import CONSTRAINTS, INDEXES
from sarah.models.sync_queue import SyncStateQuerySet
from sarah.models.sync_state import SyncState

if TYPE_CHECKING:
    from sarah.sync import SyncResult

MAX_COUNT = 2**31 - 1
TOLD_BY_THE_BOT = (
    "state",
    "lead_score",
    "lead_temperature",
    "language",
    "message_count",
    "last_message_at",
)


def of_person(who: Address) -> Q:
    """The conversations with this person, by phone or id; none if neither is known."""
    named = Q(pk__in=[])
    if who.phone:
        named |= Q(contact_phone=who.phone)
    if who.user_id:
        named |= Q(business_scoped_user_id=who.user_id)
    return named


class SarahStateQuerySet(SyncStateQuerySet):
    unowned = Q(workspace__isnull=True)

    def active_since(self, when: datetime, until: datetime | None = None) -> Self:
        active = self.filter(updated_at__gte=when)
        return active.filter(updated_at__lt=until) if until else active

    def of(self, who: Address) -> Self:
        """Conversations with this person, by phone or id."""
        return self.filter(of_person(who))

    def of_lead(self, lead: Contact) -> Self:
        """Conversations of this lead, and those with its address that were never synced to it."""
        return self.filter(
            Q(contact=lead) | of_person(lead.address) & Q(workspace=lead.workspace_id)
        )


class SarahState(Pausable, SyncState):
    """A conversation as Sarah last told it; saving it syncs it to its lead (`signals.py`)."""

    workspace = models.ForeignKey(
        "contacts.Workspace",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="conversations",
        verbose_name=_("workspace"),
    )
    workspace_ref = models.CharField(
        _("workspace as sent"),
        max_length=64,
        blank=True,
        help_text=_("The workspace that the bot named, while no such workspace exists."),
    )
    contact_phone = models.CharField(  # noqa: DJ001 (null: unknown, of which there may be many)
        _("phone"),
        max_length=16,
        null=True,
        blank=True,
        validators=[RegexValidator(E164, _("Write the number as +6281234567890."))],
    )
    business_scoped_user_id = models.CharField(  # noqa: DJ001 (null: unknown, like the phone)
        _("WhatsApp user id"),
        max_length=MAX_BSUID,
        null=True,
        blank=True,
        validators=[RegexValidator(BSUID)],
    )
    state = models.CharField(
        _("state"), max_length=10, choices=ConversationState, default=ConversationState.GREETING
    )
    lead_score = models.PositiveSmallIntegerField(
        _("score"), default=0, validators=[MinValueValidator(0), MaxValueValidator(MAX_SCORE)]
    )
    lead_temperature = models.CharField(
        _("temperature"), max_length=8, choices=Temperature, default=Temperature.COLD
    )
    extracted_data = models.JSONField(_("what Sarah learned"), default=dict, blank=True)
    language = models.CharField(
        _("language"), max_length=2, choices=Language, default=Language.INDONESIAN
    )
    message_count = models.PositiveIntegerField(
        _("messages"), default=0, validators=[MaxValueValidator(MAX_COUNT)]
    )
    last_message_at = models.DateTimeField(_("last message sent"), null=True, blank=True)
    told = models.JSONField(
        _("fields that the bot has told"),
        null=True,
        blank=True,
        help_text=_("The others have their default. Unknown for conversations of before."),
    )

    created_at = models.DateTimeField(_("started"), default=timezone.now)
    updated_at = models.DateTimeField(_("last heard"), default=timezone.now)

    state_told_at = models.DateTimeField(
        _("state told"),
        null=True,
        blank=True,
        help_text=_("If a message told it that was overtaken by a later one; empty: last heard."),
    )
    waited_in_spool = models.BooleanField(
        _("waited on a server's disk"),
        default=False,
        db_default=False,
        help_text=_("The last message did: when it arrived is told by that server's clock."),
    )

    workspace_chosen_at = models.DateTimeField(
        _("workspace chosen"),
        null=True,
        blank=True,
        help_text=_("When a person said that somebody who is a lead in several belongs here."),
    )

    objects = SarahStateQuerySet.as_manager()

    sync_result: "SyncResult"
    """What the sync of the last save came to: set by that save, for whoever saved."""
    is_import = False
    """Whether it was brought in from elsewhere: that starts no response clock."""
    is_guarded = True
    """Whether the sync of a save is guarded; who turns it off guards the save himself."""

    class Meta:
        verbose_name = _("conversation with Sarah")
        verbose_name_plural = _("conversations with Sarah")
        permissions = [
            ("resync_sarahstate", "Can sync conversations again"),
            ("start_over_sarahstate", "Can let Sarah start over"),
        ]
        constraints = CONSTRAINTS
        indexes = INDEXES

    def __str__(self) -> str:
        return self.contact_phone or self.business_scoped_user_id or ""

    @property
    def who(self) -> Address:
        return Address(phone=self.contact_phone or "", user_id=self.business_scoped_user_id or "")

    def may_be(self, who: Address) -> bool:
        """Whether what is known of both does not contradict that this is `who`."""
        mine = self.who
        pairs = ((mine.phone, who.phone), (mine.user_id, who.user_id))
        return all(one == other or not (one and other) for one, other in pairs)

    def complete(self, who: Address) -> list[str]:
        """Set the half of the address that was unknown; returns the fields to save."""
        found = []
        if who.phone and not self.contact_phone:
            self.contact_phone = who.phone
            found.append("contact_phone")
        if who.user_id and not self.business_scoped_user_id:
            self.business_scoped_user_id = who.user_id
            found.append("business_scoped_user_id")
        return found

    def take_address(self, who: Address) -> None:
        """The same, written at once."""
        self._write({name: getattr(self, name) for name in self.complete(who)})

    @property
    def failure_key(self) -> dict[str, str]:
        """What keeps the failures of different people apart."""
        if self.contact_phone:
            return {"contact_phone": self.contact_phone}
        digest = sha256(str(self.business_scoped_user_id).encode()).hexdigest()
        return {"contact_phone": "", "fingerprint": digest}

    def absorb(self, other: "SarahState", *, facts: dict[str, object]) -> None:
        """Merge another conversation with the same person into this one, and delete that one.

        What was said later wins, field by field; `facts` are the merged facts. The caller holds
        both locks.
        """
        earlier, later = sorted((self, other), key=lambda state: state.updated_at)
        told: Any = (self.told, other.told)
        other.delete()
        self._write(
            earlier.what_was_told()
            | later.what_was_told()
            | {
                "extracted_data": facts,
                "told": None if None in told else sorted({*chain(*told)}),
                "updated_at": later.updated_at,
                "revision": max(self.revision, other.revision) + 1,
                "created_at": min(self.created_at, other.created_at),
            }
            | self.sync_state_with(other)
        )

    def what_was_told(self) -> dict[str, object]:
        """Return the fields that the bot has told: a default that was never told says nothing.

        What is no default was told, if perhaps to a process of a former release.
        """
        blank = SarahState()
        return {
            name: getattr(self, name)
            for name in TOLD_BY_THE_BOT
            if self.told is None or name in self.told or getattr(self, name) != getattr(blank, name)
        }

    def hear(self, names: Iterable[str]) -> list[str]:
        """Note that the bot told these fields; returns the fields to save."""
        if self.told is None or set(names) <= set(self.told):
            return []
        self.told = sorted({*self.told, *names})
        return ["told"]

    def move_along(self, former: Address, current: Address) -> None:
        """Follow the person to another number or id; one that is not told anew stays."""
        phone = current.phone or (None if former.phone else self.contact_phone)
        user_id = current.user_id or self.business_scoped_user_id
        self._write({"contact_phone": phone, "business_scoped_user_id": user_id})

    def move_home(self, workspace: Workspace) -> None:
        """Move to the workspace that the conversation waited for."""
        self._write({"workspace": workspace, "workspace_ref": ""})

    def start_over(self, *, by: str) -> None:
        """Let the bot start this conversation again: its next message does not count as late.

        Facts, score and temperature stay, nothing is synced, and the lead gets a note.
        """
        with transaction.atomic():
            # `update()`: a save would sync.
            SarahState.objects.filter(pk=self.pk).update(
                message_count=0, state=ConversationState.GREETING
            )
            if self.contact:
                self.contact.notes.create(
                    text=f"{by} let Sarah start over with this lead.",
                    author="LeadSync",
                    author_kind=AuthorKind.SYSTEM,
                )
        self.refresh_from_db(fields=["message_count", "state"])

    def as_payload(self) -> dict[str, object]:
        """Return the body that would tell this conversation to `POST /sarah/state`."""
        workspace = self.workspace.slug if self.workspace else self.workspace_ref
        user_id = self.business_scoped_user_id
        return {
            **({"contact_phone": self.contact_phone} if self.contact_phone else {}),
            **({"business_scoped_user_id": user_id} if user_id else {}),
            **({"workspace_id": workspace} if workspace else {}),
            "state": self.state,
            "lead_score": self.lead_score,
            "lead_temperature": self.lead_temperature,
            "extracted_data": self.extracted_data,
            "language": self.language,
            "message_count": self.message_count,
        }
