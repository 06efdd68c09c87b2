"""Everything that is known of one person: where it stands, how much it is, and its export."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from contacts.models import (
    AddressChange,
    Assignment,
    ChatMark,
    ChatMessage,
    Contact,
    Edit,
    FollowUp,
    MarketingWord,
    Merge,
    Note,
    StatusChange,
)
from contacts.phones import national_digits, pattern_of, with_plain_digits
from leadsync.infra.db import BATCH_SIZE
from leadsync.infra.visible import VisibleQuerySet, reach_of
from monitoring.models import Alert, AlertDelivery, LeadEvent, LeadMessage, RefusedBody, SyncFailure
from sarah.models import KapsoDelivery, SarahState, StateUpdate

Rows = QuerySet[Any]
AnyRows = TypeVar("AnyRows", bound=Rows)

TOLD_BSUID = re.compile(
    r'business_scoped_user_id\\*"\s*:\s*\\*"([A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})\\*"'
)
"""In JSON, and in JSON within a text of JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody by their phones (E.164) and BSUIDs, those of before as well."""

    phones: frozenset[str] = frozenset()
    bsuids: frozenset[str] = frozenset()

    @property
    def identities(self) -> list[str]:
        return sorted(self.phones | self.bsuids)

    def is_named_in(self, *texts: object) -> bool:
        """Whether one of these contains a number, however it is written, or a BSUID."""
        text = " ".join(map(_as_text, texts))
        plain = with_plain_digits(text)
        phones = any(pattern_of(phone).search(plain) for phone in self.phones)
        return phones or any(re.search(rf"{re.escape(one)}\b", text) for one in self.bsuids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Rows about one person; `name` is their plural, for people."""

    name: str
    rows: Rows


def places_of(person: Person, *, before: datetime | None = None) -> list[Place]:
    """Return all places with rows about this person, in the order in which they can be deleted.

    Whoever adds a table that may tell of people adds it here; a test finds what is missing.
    `before` leaves out what came in later.
    """
    of_person = Q(phone__in=person.phones) | Q(business_scoped_user_id__in=person.bsuids)
    leads = _until(before, "created_at", Contact.objects.filter(of_person))
    here = Q(contact_phone__in=person.phones)
    of_person = here | Q(business_scoped_user_id__in=person.bsuids)
    own = SarahState.objects.filter(of_person).values("pk")
    # United: of `OR … IN (SELECT …)` PostgreSQL reads all rows.
    united = own.union(SarahState.objects.filter(contact__in=leads).values("pk"))
    states = _until(before, "created_at", SarahState.objects.filter(pk__in=united))
    of_nobody = SyncFailure.objects.filter(contact_phone="")
    unread = naming(person, of_nobody, "payload", "error", "traceback")
    failures = SyncFailure.objects.filter(here | Q(state__in=states) | Q(pk__in=unread))
    failures = _until(before, "created_at", failures)
    unread = naming(person, RefusedBody.objects.filter(contact_phone=""), "body", "error")
    bodies = RefusedBody.objects.filter(here | Q(pk__in=unread))
    alerts = Alert.objects.filter(pk__in=naming(person, Alert.objects, "subject", "text"))
    alerts = _until(before, "started_at", alerts)
    unread = naming(person, AlertDelivery.objects, "error")
    deliveries = AlertDelivery.objects.filter(Q(alert__in=alerts) | Q(pk__in=unread))
    log = _until(before, "action_time", _log_of(person, leads, states, failures))
    chat = _until(before, "sent_at", ChatMessage.objects.filter(of_person))
    marks = ChatMark.objects.filter(wamid__in=chat.values("wamid"))
    rows_by_name: dict[str, Rows] = {
        gettext_noop("entries in the admin's log"): log,
        gettext_noop("messages"): StateUpdate.objects.filter(state__in=states),
        gettext_noop("delivery marks"): marks,
        gettext_noop("chat messages"): chat,
        gettext_noop("changed addresses"): _until(before, "at", _changes_of(person)),
        gettext_noop("words about marketing"): _until(
            before, "at", MarketingWord.objects.filter(of_person)
        ),
        gettext_noop("deliveries from Kapso"): _until(
            before, "received_at", _deliveries_about(person)
        ),
        gettext_noop("refused messages"): _until(before, "received_at", bodies),
        gettext_noop("failures"): failures,
        gettext_noop("alert deliveries"): _until(before, "created_at", deliveries),
        gettext_noop("alerts"): alerts,
        gettext_noop("next steps"): FollowUp.objects.filter(contact__in=leads),
        gettext_noop("messages about leads"): LeadMessage.objects.filter(event__contact__in=leads),
        gettext_noop("events of leads"): LeadEvent.objects.filter(contact__in=leads),
        gettext_noop("assignments"): Assignment.objects.filter(contact__in=leads),
        gettext_noop("notes"): Note.objects.filter(contact__in=leads),
        gettext_noop("edits"): Edit.objects.filter(contact__in=leads),
        gettext_noop("status changes"): StatusChange.objects.filter(contact__in=leads),
        gettext_noop("conversations"): states,
        gettext_noop("merges"): Merge.objects.filter(survivor__in=leads),
        gettext_noop("leads"): leads,
    }
    return [Place(name=name, rows=rows.order_by("pk")) for name, rows in rows_by_name.items()]


def person_with(identity: str) -> Person:
    """Return the person with this phone or BSUID, with what they had before, and with the BSUIDs in
    what bots told of them."""
    is_phone = identity.startswith("+")
    person = (
        Person(phones=frozenset([identity])) if is_phone else Person(bsuids=frozenset([identity]))
    )
    while (wider := _widened(person)) != person:
        person = wider
    told = {
        StateUpdate: "body",
        SyncFailure: "payload",
        RefusedBody: "body",
        SarahState: "extracted_data",
    }
    bsuids = set(person.bsuids)
    for place in places_of(person):
        if column := told.get(place.rows.model):
            for value in place.rows.values_list(column, flat=True).iterator(chunk_size=BATCH_SIZE):
                bsuids.update(TOLD_BSUID.findall(_as_text(value)))
    return replace(person, bsuids=frozenset(bsuids))


def _widened(person: Person) -> Person:
    """With what leads, chat and changes of addresses know of the same person."""
    here = Q(phone__in=person.phones) | Q(business_scoped_user_id__in=person.bsuids)
    pairs = set(Contact.objects.filter(here).values_list("phone", "business_scoped_user_id"))
    here = Q(contact_phone__in=person.phones) | Q(business_scoped_user_id__in=person.bsuids)
    for model in (ChatMessage, MarketingWord, SarahState):
        rows = model._base_manager.filter(here)
        pairs |= set(rows.values_list("contact_phone", "business_scoped_user_id").distinct())
    known = {value for pair in pairs for value in pair if value} | {*person.identities}
    for change in _changes_of(person):
        known |= {change.former, change.phone, change.user_id} - {""}
    phones = frozenset(value for value in known if value.startswith("+"))
    return Person(phones=phones, bsuids=frozenset(known) - phones)


def _changes_of(person: Person) -> QuerySet[AddressChange]:
    return AddressChange.objects.filter(
        Q(former__in=person.identities) | Q(phone__in=person.phones) | Q(user_id__in=person.bsuids)
    )


def _deliveries_about(person: Person) -> QuerySet[KapsoDelivery]:
    """Those that name the person. Reads them all, in the database: they are a week's."""
    named = Q(pk__in=[])
    for value in (*map(national_digits, person.phones), *person.bsuids):
        named |= Q(body__contains=value)
    return KapsoDelivery.objects.filter(
        pk__in=naming(person, KapsoDelivery.objects.filter(named), "body")
    )


def count(person: Person, *, before: datetime | None = None) -> Counter[str]:
    """Return how many rows are about this person, by place."""
    places = places_of(person, before=before)
    return +Counter({place.name: place.rows.order_by().count() for place in places})


def export(identity: str, *, seen_by: Any = None) -> Iterator[str]:
    """Yield the parts of one JSON object with everything that is known of this person, as far as
    `seen_by` may see it."""
    named = "phone" if identity.startswith("+") else "business_scoped_user_id"
    yield _json({named: identity, "exported_at": timezone.now()}).removesuffix("}")
    for place in places_of(person_with(identity)):
        yield f", {_json(place.name)}: ["
        rows = _seen(place.rows, seen_by) if seen_by else place.rows
        for number, row in enumerate(rows.values().iterator(chunk_size=BATCH_SIZE)):
            yield f"{',' * bool(number)}\n{_json(row)}"
        yield "]"
    yield "}\n"


def _seen(rows: Rows, user: Any) -> Rows:
    """Those of these rows that this person of staff may see. The admin's log says not of which
    workspace it is."""
    if isinstance(rows, VisibleQuerySet):
        return rows.visible_to(user)
    return rows if reach_of(user).is_everything else rows.none()


def naming(person: Person, rows: Any, *columns: str) -> list[int]:
    """The primary keys of those that name this person in one of these columns. Reads them all, so
    only for small tables."""
    found = rows.values_list("pk", *columns).iterator(chunk_size=BATCH_SIZE)
    return [pk for pk, *texts in found if person.is_named_in(*texts)]


def _until(before: datetime | None, column: str, rows: AnyRows) -> AnyRows:
    return rows.filter(**{f"{column}__lte": before}) if before else rows


def _log_of(person: Person, *about: Rows) -> Rows:
    """The admin's log of these rows, and of leads of that name that were deleted before."""
    leads, states, _failures = about
    names = {*leads.values_list("name", flat=True), *leads.values_list("whatsapp_name", flat=True)}
    names |= {str(told.get("name", "")) for told in states.values_list("extracted_data", flat=True)}
    names -= {""}
    named = Q(pk__in=[])
    for value in person.identities:
        named |= Q(object_repr__contains=value) | Q(change_message__contains=value)
    entries = LogEntry.objects.filter(named)
    here = Q(pk__in=naming(person, entries, "object_repr", "change_message"))
    so_named = Q(content_type=_type_of(leads), object_repr__in=names)
    logged = LogEntry.objects.filter(so_named, object_id__isnull=False)
    keys = filter(str.isdecimal, logged.values_list("object_id", flat=True))
    namesakes = Contact.objects.filter(pk__in=[*keys]).exclude(pk__in=leads)
    namesakes = namesakes.filter(Q(name__in=names) | Q(whatsapp_name__in=names))
    here |= so_named & ~Q(object_id__in=_keys(namesakes))
    for rows in about:
        here |= Q(content_type=_type_of(rows), object_id__in=_keys(rows))
    return LogEntry.objects.filter(here)


def _type_of(rows: Rows) -> ContentType:
    return ContentType.objects.get_for_model(rows.model)


def _keys(rows: Rows) -> list[str]:
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


def _as_text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        return _as_text(o) if isinstance(o, bytes | memoryview) else super().default(o)


def _json(value: Any) -> str:
    return json.dumps(value, cls=_Encoder, ensure_ascii=False)
