"""What a delivery says, in one form for both kinds of payload."""

from dataclasses import dataclass
from datetime import datetime

from contacts.addresses import Address
from contacts.models import Author, DeliveryStatus

NO_ENQUIRY = ("reaction", "system", "unsupported")
"""Types of messages in which nobody asks for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom an event is about; names are blank where it does not tell them."""

    address: Address
    name: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at one of the business's numbers."""

    number_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written(Event):
    """A message, by whomever."""

    wamid: str
    person: Person
    author: Author
    type: str
    text: str
    transcript: str
    sent_at: datetime
    is_history: bool = False
    ad: str = ""
    """The ad that the person came from."""

    @property
    def is_enquiry(self) -> bool:
        """Whether a person wrote just now, and wants something."""
        is_live = self.author == Author.LEAD and not self.is_history
        return is_live and self.type not in NO_ENQUIRY


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(Event):
    """A message of ours got this far."""

    wamid: str
    status: DeliveryStatus
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Event):
    """Only who somebody is, such as in the news of a conversation."""

    person: Person
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Event):
    """A person has another number or id than before."""

    former: Address
    person: Person
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferred(Event):
    """A person wants no more marketing, or wants it again."""

    person: Person
    is_stopped: bool
    at: datetime
    sequence: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Event):
    """Something that we do not know; `what` names it without personal data."""

    what: str
