"""The status machine: the statuses of a lead, their order, and who may make which move."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Case, Value, When
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

SARAH = "sarah-bot"
"""How the sync signs. Former releases recorded no kind of author: all other names are people's."""


class AuthorKind(models.TextChoices):
    PERSON = "person", _("Person")
    BOT = "bot", _("Bot")
    SYSTEM = "system", _("LeadSync")


class LeadStatus(models.TextChoices):
    NEW = "new", _("New")
    QUALIFIED = "qualified", _("Qualified")
    CONTACTED = "contacted", _("Contacted")
    CONVERTED = "converted", _("Converted")
    ARCHIVED = "archived", _("Archived")
    """Put aside: only a person moves a lead back."""


class ArchiveReason(models.TextChoices):
    """Why a lead was put aside."""

    NOT_INTERESTED = "not_interested", _("Not interested")
    NO_ANSWER = "no_answer", _("No answer")
    WRONG_PERSON = "wrong_person", _("Wrong person")
    COMPETITOR = "competitor", _("Chose a competitor")
    PRICE = "price", _("Too expensive")
    OTHER = "other", _("Other")
    """Needs a text beside it."""


MAX_REASON = 500
UNDOABLE_FOR = timedelta(minutes=10)
"""How long a person may take back a move of one's own."""
FUNNEL = (LeadStatus.NEW, LeadStatus.QUALIFIED, LeadStatus.CONTACTED, LeadStatus.CONVERTED)
STAGE = Case(
    *[When(lead_status=status, then=Value(stage)) for stage, status in enumerate(LeadStatus)],
    output_field=models.SmallIntegerField(),
)
"""The place of a lead's status in their order; an index answers it."""
MOVES_OF_PEOPLE: dict[str, tuple[LeadStatus, ...]] = {
    LeadStatus.NEW: (LeadStatus.QUALIFIED, LeadStatus.ARCHIVED),
    LeadStatus.QUALIFIED: (LeadStatus.CONTACTED, LeadStatus.ARCHIVED),
    LeadStatus.CONTACTED: (LeadStatus.CONVERTED, LeadStatus.QUALIFIED, LeadStatus.ARCHIVED),
    LeadStatus.CONVERTED: (LeadStatus.ARCHIVED,),
    LeadStatus.ARCHIVED: (LeadStatus.NEW,),
}
STAMPS = (
    *("status_changed_at", "status_changed_by", "moved_by_person_at", "last_contact_at"),
    *("answered_at", "answered_by"),
)
"""Columns of a lead that a move may write beside the status."""


class MoveRefused(ValueError):
    """Why a status may not be changed so: a sentence with statuses in it, which bots read as it is.

    `field` names the input that it is about.
    """

    def __init__(self, sentence: str, *, field: str, **statuses: Iterable[str]) -> None:
        self.sentence, self.field, self.statuses = sentence, field, statuses
        named = {name: ", ".join(some) or "none" for name, some in statuses.items()}
        super().__init__(sentence % named)

    @property
    def in_words(self) -> str:
        """What a person is told, who knows the statuses by their labels."""
        labels = {
            name: ", ".join(str(LeadStatus(one).label).lower() for one in some)
            for name, some in self.statuses.items()
        }
        return gettext(self.sentence) % labels


def moves_from(current: str, *, kind: str) -> list[LeadStatus]:
    """Return the statuses to which a person or a bot may move a lead from `current`."""
    if kind == AuthorKind.PERSON:
        return [*MOVES_OF_PEOPLE[current]]
    return [status for status in LeadStatus if is_forward(current, status)]


def statuses_before(to: str, *, kind: str, forced: bool = False) -> list[LeadStatus]:
    """Return the statuses from which a lead may be moved to this one."""
    others = [status for status in LeadStatus if status != to]
    return [one for one in others if forced or to in moves_from(one, kind=kind)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a status changes: in words, why it is archived, and whether the move is `forced`, that
    is, made against the rules."""

    text: str = ""
    archived: str = ""
    forced: bool = False

    def check(self, to: str) -> None:
        """Raise MoveRefused if a move to this status needs a better reason."""
        if self.forced and not self.text:
            sentence = gettext_noop("Say why: this move is against the rules.")
            raise MoveRefused(sentence, field="reason")
        if to != LeadStatus.ARCHIVED:
            return
        if self.archived not in ArchiveReason:
            sentence = gettext_noop("Say why the lead is archived.")
            raise MoveRefused(sentence, field="archive_reason")
        if self.archived == ArchiveReason.OTHER and not self.text:
            sentence = gettext_noop("Say in words why the lead is archived.")
            raise MoveRefused(sentence, field="reason")


UNSAID = Why()


def check_move(current: str, to: str, *, kind: str, why: Why = UNSAID) -> None:
    """Raise MoveRefused if a person or a bot may not move a lead so; to stay is no move."""
    if current == to:
        return
    if not why.forced and to not in moves_from(current, kind=kind):
        raise refusal(current, to, kind=kind)
    why.check(to)


def refusal(current: str, to: str, *, kind: str) -> MoveRefused:
    """Say that no rule leads from here to there, and where one leads."""
    sentence = gettext_noop(
        "Invalid transition: %(current)s -> %(to)s. Allowed from %(current)s: %(allowed)s."
    )
    allowed = moves_from(current, kind=kind)
    return MoveRefused(sentence, field="status", current=[current], to=[to], allowed=allowed)


def check_later_word(moved_by_person_at: datetime | None, *, as_of: datetime | None) -> None:
    """Raise MoveRefused if a person has moved the lead after what a bot says, `as_of` that time."""
    if as_of and moved_by_person_at and moved_by_person_at > as_of:
        sentence = gettext_noop("A person has moved this lead since: read it again.")
        raise MoveRefused(sentence, field="status")


def kept_stamps(lead: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what a move overwrites in a lead's columns, as JSON, so that it can be taken back."""
    values = {name: lead[name] for name in STAMPS}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def restored_stamps(kept: Mapping[str, str | None]) -> dict[str, object]:
    """Return the columns' values of `kept_stamps`."""
    return {
        name: datetime.fromisoformat(value) if value and name.endswith("_at") else value
        for name, value in kept.items()
    }


def stamps_of_move(to: str, *, by: str, kind: str, at: datetime) -> dict[str, object]:
    """Return what a lead keeps of a change of its status, by column.

    A person who moves a lead to contacted has reached out to it; a bot only hands it over.
    """
    stamps: dict[str, object] = {"status_changed_at": at, "status_changed_by": by}
    if kind == AuthorKind.PERSON:
        stamps["moved_by_person_at"] = at
        if to == LeadStatus.CONTACTED:
            stamps["last_contact_at"] = at
    else:
        stamps["moved_by_bot_at"] = at
    return stamps


def is_forward(current: str, proposed: str) -> bool:
    """Return whether a bot may move a lead from `current` to `proposed`: only forward, or to the
    archive if it is not converted.

    An archived lead stays in the archive (CONTRACT 3).
    """
    if proposed == LeadStatus.ARCHIVED:
        return current in FUNNEL[:-1]
    if current not in FUNNEL or proposed not in FUNNEL:
        return False
    return FUNNEL.index(proposed) > FUNNEL.index(current)
