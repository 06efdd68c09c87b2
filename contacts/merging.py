"""Merges two leads into one, and takes that apart again.

Everything that points at the lead moves along, whatever tables there are: who adds a relation to
leads need not come here. Chat needs no moving: it belongs to addresses, and the survivor has both.
"""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models import (
    CLOCK,
    HOLDABLE,
    AddressChange,
    Contact,
    Departure,
    FollowUp,
    How,
    Merge,
    MergeSuggestion,
)
from contacts.workflow import ArchiveReason, Why

CHOOSABLE = (
    *HOLDABLE,
    *("whatsapp_name", "whatsapp_username", "email", "assigned_to_id", "source", "tags"),
)
"""What a person may take from either of the two."""
LATEST = ("last_activity_at", "last_contact_at", "re_engaged_at", "profile_seen_at")
HEARD = ("lead_score", "lead_temperature", "language")
"""What Sarah told last counts, unless staff hold it."""
MARKETING = ("marketing_stopped_at", "marketing_told_at", "marketing_sequence")
PAUSE = ("paused_until", "paused_by", "pause_reason")
MERGED = Why(text="Merged.", archived=ArchiveReason.OTHER, forced=True)
MADE = "made"
"""Under this name stand the former addresses that the merge made."""


class NotUndoable(Exception):
    """The merge cannot be undone; the text is a sentence for a person."""


def is_bare(lead: Contact) -> bool:
    """Whether no person has put a word into this lead: then it may be absorbed without asking."""
    said = (lead.staff_fields, lead.tags, lead.assigned_to_id, lead.email, lead.opted_out)
    return not any((*said, lead.moved_by_person_at, lead.last_contact_at)) and (
        not lead.notes.exists()
    )


def join(one: Contact, other: Contact, *, by: str) -> Contact | None:
    """Make one of two leads of the same person if one of them is bare; else suggest it: then None.

    The caller is in a transaction and holds the locks of both rows.
    """
    for survivor, absorbed in ((one, other), (other, one)):
        if is_bare(absorbed):
            merge(survivor, absorbed, by=by)
            return survivor
    MergeSuggestion.objects.suggest(one, other)
    return None


def merge_by_hand(
    survivor_id: int, other_id: int, *, by: str, chosen: Mapping[str, object]
) -> Merge:
    """Merge two leads of one workspace, with these values of `CHOOSABLE` columns."""
    with transaction.atomic():
        locked = Contact.objects.select_for_update(no_key=True).order_by("pk")
        rows = {lead.pk: lead for lead in locked.filter(pk__in=[survivor_id, other_id])}
        survivor, other = rows[survivor_id], rows[other_id]
        return merge(survivor, other, by=by, chosen=chosen)


def merge(
    survivor: Contact, other: Contact, *, by: str, chosen: Mapping[str, object] | None = None
) -> Merge:
    """Merge `other` into `survivor`, whose row stays. The caller holds the locks of both rows."""
    absorbed, before = _columns(other), _columns(survivor)
    values = _merged(survivor, other) | dict(chosen or {})
    FollowUp.objects.keep_one(survivor, other, by=by)
    brought = _bring(other, survivor)
    # Without Django's collector, which would treat what points here as a deleted lead's.
    rows: Any = Contact.objects.filter(pk=other.pk)
    rows._raw_delete(using=rows.db)
    Departure.objects.create(
        lead_id=other.pk, workspace=other.workspace, how=How.MERGED, into_id=survivor.pk
    )
    survivor.change(values, by=by, why=MERGED)
    brought[MADE] = _keep_former(other, survivor)
    after = _columns(survivor)
    changed = [name for name in after if after[name] != before[name]]
    return Merge.objects.create(
        survivor=survivor,
        absorbed=absorbed,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        brought={name: keys for name, keys in brought.items() if keys},
        by=by,
    )


def undo(merge_id: int, *, by: str) -> Contact:
    """Give each lead back what it was and brought; returns the one that was absorbed.

    What has changed since stays as it is, and what came later stays with the survivor. Raises
    NotUndoable.
    """
    with transaction.atomic():
        done = Merge.objects.undoable().select_for_update(no_key=True).filter(pk=merge_id).first()
        if done is None:
            raise NotUndoable(_("It was undone already, or is too old."))
        survivor = Contact.objects.select_for_update(no_key=True).get(pk=done.survivor_id)
        now = _columns(survivor)
        same = {name for name, value in done.after.items() if now[name] == value}
        restored = {name: value for name, value in done.before.items() if name in same}
        Contact.objects.filter(pk=survivor.pk).update(**_values(restored))
        absorbed = Contact(**_values(done.absorbed))
        if Contact.objects.at(absorbed.address).filter(workspace=absorbed.workspace_id).exists():
            raise NotUndoable(_("Another lead has the number or id of the absorbed one by now."))
        absorbed.save_base(raw=True, force_insert=True)  # as it was, with its times
        _give_back(done, absorbed)
        Contact.objects.filter(pk=absorbed.pk).update()  # that it is back is news
        done.undone_at, done.undone_by = timezone.now(), by
        done.save(update_fields=["undone_at", "undone_by"])
    return absorbed


def _merged(survivor: Contact, other: Contact) -> dict[str, object]:
    """What the survivor takes over: what it lacks, the latest times, and what Sarah told last."""
    values: dict[str, object] = {
        name: getattr(other, name)
        for name in (*CHOOSABLE, "phone", "business_scoped_user_id")
        if not getattr(survivor, name) and getattr(other, name)
    }
    is_newer = other.last_activity_at > survivor.last_activity_at
    for name in HEARD:
        if is_newer and name not in survivor.staff_fields:
            values[name] = getattr(other, name)
    for name in LATEST:
        times = [at for at in (getattr(survivor, name), getattr(other, name)) if at]
        values[name] = max(times, default=None)
    if other.paused_until and (
        survivor.paused_until is None or other.paused_until > survivor.paused_until
    ):
        values |= {name: getattr(other, name) for name in PAUSE}
    if other.answer_by and survivor.answer_by is None:
        values |= {name: getattr(other, name) for name in CLOCK}
    told, told_other = survivor.marketing_told_at, other.marketing_told_at
    if told_other and (told is None or told_other > told):
        values |= {name: getattr(other, name) for name in MARKETING}
    held = {name for name in other.staff_fields if name in values} | {*survivor.staff_fields}
    values["staff_fields"] = [name for name in HOLDABLE if name in held]
    values["opted_out"] = survivor.opted_out or other.opted_out
    return values


def _bring(other: Contact, survivor: Contact) -> dict[str, list[Any]]:
    """Point everything at the survivor; returns the keys of the rows, by model and column."""
    MergeSuggestion.objects.about(other).delete()
    brought = {}
    for relation in Contact._meta.related_objects:
        model: Any = relation.related_model
        column = relation.field.name
        rows = model._base_manager.filter(**{column: other})
        brought[f"{model._meta.label}.{column}"] = list(rows.values_list("pk", flat=True))
        rows.update(**{column: survivor})
    return brought


def _keep_former(other: Contact, survivor: Contact) -> list[Any]:
    """An address that the survivor has another of leads to it from now on; returns the keys."""
    former = {*other.address.identities} - {*survivor.address.identities}
    here = AddressChange.objects.filter(workspace=survivor.workspace_id, former__in=former)
    known = list(here.values_list("pk", flat=True))
    AddressChange.objects.keep(
        other.address, survivor.address, workspace=survivor.workspace, at=timezone.now()
    )
    return list(here.exclude(pk__in=known).values_list("pk", flat=True))


def _give_back(done: Merge, absorbed: Contact) -> None:
    for name, keys in done.brought.items():
        if name == MADE:
            AddressChange.objects.filter(pk__in=keys).delete()
            continue
        label, _dot, column = name.rpartition(".")
        rows = apps.get_model(label)._base_manager.filter(pk__in=keys)
        rows.filter(**{column: done.survivor_id}).update(**{column: absorbed})


def _columns(lead: Contact) -> dict[str, Any]:
    """Its columns as texts that lose nothing."""
    return {
        field.attname: None if getattr(lead, field.attname) is None else field.value_to_string(lead)
        for field in Contact._meta.concrete_fields
    }


def _values(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The values of such texts."""
    fields = {field.attname: field for field in Contact._meta.concrete_fields}
    return {
        name: None if value is None else fields[name].to_python(value)
        for name, value in columns.items()
        if name in fields
    }
