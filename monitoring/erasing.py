"""Erases a person, and erases them again after something old was restored."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from contacts import erasure
from contacts.exchange import uploads
from contacts.models import ChatMessage, Contact, MarketingWord, Workspace
from leadsync.infra.db import BATCH_SIZE
from monitoring.models import FailureGroup, RefusedBody, SyncFailure
from monitoring.people import Person, count, naming, person_with, places_of
from monitoring.pruning import delete
from sarah.models import SarahState

PASSES = 5
"""Bots and workers may be writing about this person meanwhile."""


def erase(identity: str) -> Counter[str]:
    """Erase the person with this phone or BSUID, and remember by hashes that they were; returns
    counts by place.

    The hash is written first: an erasure that was killed is completed by the next one.
    """
    person = person_with(identity)
    erasure.remember(person.identities)
    uploads.forget()
    return _erase(person)


def reapply(erased: Mapping[str, datetime], *, dry_run: bool = False) -> Iterator[Counter[str]]:
    """Erase again whoever was erased and stands in a restored backup or an import.

    `erased` are times by digest. Yields what was (or would be) erased of each. Who came back with
    a new message stays.
    """
    done: set[str] = set()
    for identities in _known_identities():
        for identity, erased_at in erasure.those_among({*identities} - done, erased).items():
            person = person_with(identity)
            done |= {identity, *person.identities}
            if found := count(person, before=erased_at):
                yield found if dry_run else _erase(person, before=erased_at)


def _erase(person: Person, *, before: datetime | None = None) -> Counter[str]:
    erased: Counter[str] = Counter()
    for _ in range(PASSES):
        _forget_mentions(person)
        places = places_of(person, before=before)
        found = +Counter({place.name: delete(place.rows) for place in places})
        if not found:
            break
        erased += found
    return erased


def _forget_mentions(person: Person) -> None:
    """Take this person out of rows that are about something else."""
    for workspace in Workspace.objects.exclude(test_numbers=[]):
        others = [phone for phone in workspace.test_numbers if phone not in person.phones]
        if others != workspace.test_numbers:
            workspace.test_numbers = others
            workspace.save(update_fields=["test_numbers"])
    notes = naming(person, FailureGroup.objects.exclude(note=""), "note")
    FailureGroup.objects.filter(pk__in=notes).update(note="")
    # The failure of a key counts the refused bodies of many, and shows the last one.
    of_keys = SyncFailure.objects.filter(contact_phone="", bodies__isnull=False).distinct()
    showing = naming(person, of_keys, "payload", "error", "traceback", "note")
    SyncFailure.objects.filter(pk__in=showing).update(
        payload={}, traceback="", note="", error="Erased."
    )


def _known_identities() -> Iterator[list[str]]:
    """All phones and BSUIDs in batches; some come more than once."""
    for model, column in (
        (Contact, "phone"),
        (Contact, "business_scoped_user_id"),
        (ChatMessage, "contact_phone"),
        (ChatMessage, "business_scoped_user_id"),
        (MarketingWord, "contact_phone"),
        (MarketingWord, "business_scoped_user_id"),
        (SarahState, "contact_phone"),
        (SarahState, "business_scoped_user_id"),
        (SyncFailure, "contact_phone"),
        (RefusedBody, "contact_phone"),
    ):
        last = 0
        rows = model._base_manager.filter(**{f"{column}__gt": ""}).order_by("pk")
        while batch := list(rows.filter(pk__gt=last).values_list("pk", column)[:BATCH_SIZE]):
            yield [identity for _pk, identity in batch]
            last = batch[-1][0]
