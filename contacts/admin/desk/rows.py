"""What the list of leads shows of one lead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from zlib import crc32

from django.urls import reverse
from django.utils import timezone

from contacts.admin.desk.columns import COLUMNS, ON_PHONE
from contacts.models import Contact, FollowUp
from contacts.today import Entry
from contacts.why_now import WhyNow, why_now
from sarah.models import SarahState
from sarah.said import said_of

NEEDED = (
    *("workspace", "assigned_to", "phone", "name", "whatsapp_name", "whatsapp_username"),
    *("business_type", "location", "source", "lead_score", "lead_temperature", "lead_status"),
    *("status_changed_at", "moved_by_person_at", "last_contact_at", "last_activity_at"),
    *("created_at", "re_engaged_at", "handed_over_at", "answer_by", "answered_at"),
)
"""A lead's texts may be long, and the list shows none of them."""
EMPTY: Mapping[int, Entry] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Row:
    lead: Contact
    why: WhyNow | None
    step: FollowUp | None
    said: SarahState | None
    """What Sarah says, if the lead does not know it yet."""
    keys: tuple[str, ...]
    query: str
    entry: Entry | None = None
    """Why it is to be called today, and how urgently."""

    @cached_property
    def url(self) -> str:
        return reverse("admin:contacts_contact_change", args=[self.lead.pk]) + self.query

    @cached_property
    def cells(self) -> list[tuple[str, str, str]]:
        """Return for each column its key, what it shows, and its place on a phone."""
        return [(key, COLUMNS[key].show(self), ON_PHONE.place_of(key)) for key in self.keys]

    @property
    def version(self) -> str:
        """Differs as soon as the row looks different."""
        return f"{crc32(''.join(text for _key, text, _place in self.cells).encode()):x}"


def rows_of(
    leads: Iterable[Contact],
    *,
    keys: Iterable[str],
    query: str,
    to_call: Mapping[int, Entry] = EMPTY,
) -> list[Row]:
    """Return the rows of these leads: two statements, however many they are."""
    leads = list(leads)
    steps = FollowUp.objects.open().filter(contact__in=[lead.pk for lead in leads])
    step_of = {step.contact_id: step for step in steps}
    said, now = said_of(leads), timezone.now()
    return [
        Row(
            lead=lead,
            why=why_now(lead, now=now, step=step_of.get(lead.pk)),
            step=step_of.get(lead.pk),
            said=said.get(lead.pk),
            keys=tuple(keys),
            query=query,
            entry=to_call.get(lead.pk),
        )
        for lead in leads
    ]
