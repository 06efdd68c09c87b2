"""A person takes a lead over from Sarah, and hands it back: in between she says nothing."""

from datetime import datetime
from functools import partial

from django.db import transaction
from django.utils import timezone

from contacts.models import UNTIL_HANDED_BACK, AuthorKind, Contact
from leadsync.infra.db import past_races
from sarah.models import SarahState


def take_over(lead: Contact, *, by: str, reason: str, until: datetime | None = None) -> None:
    """Let Sarah be silent with this lead until then, or until a person hands it back.

    What she is told by her workflow meanwhile is stored and synced as ever.
    """
    end = "it is handed back" if until is None else f"{until:%Y-%m-%d %H:%M %Z}"
    paused = {
        "paused_until": until or UNTIL_HANDED_BACK,
        "paused_by": by,
        "pause_reason": reason,
    }
    text = f"{by} took over from Sarah until {end}: {reason}"
    past_races(partial(_write, lead.pk, paused, by=by, note=text))
    Contact.objects.filter(pk=lead.pk).answered(by=by, at=timezone.now())


def hand_back(lead: Contact, *, by: str) -> bool:
    """Let Sarah speak again; returns False if she already might."""
    paused: dict[str, object] = {"paused_until": None, "paused_by": "", "pause_reason": ""}
    return past_races(partial(_write, lead.pk, paused, by=by, note=f"{by} handed back to Sarah."))


@transaction.atomic
def _write(lead_id: int, paused: dict[str, object], *, by: str, note: str) -> bool:
    """Write it to the lead and its conversations, which are locked first, as by a message.

    One that begins right now reads it from the lead (`SyncState.confirm_synced`), or is committed
    by the time that we hold the lead.
    """
    told = SarahState.objects.of_lead(Contact.objects.get(pk=lead_id))
    list(told.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    lead = Contact.objects.select_for_update(no_key=True).get(pk=lead_id)
    if not lead.change(paused, by=by):
        return False
    lead.notes.create(text=note, author="LeadSync", author_kind=AuthorKind.SYSTEM)
    # `update()`: a save would sync.
    if not told.update(paused_until=lead.paused_until) and lead.is_paused:
        _begin(lead)
    return True


def _begin(lead: Contact) -> None:
    """Begin a conversation that says nothing new of the lead, so that a bot's first GET finds out
    that it is to be silent."""
    state = SarahState(
        workspace=lead.workspace,
        contact_phone=lead.phone,
        business_scoped_user_id=lead.business_scoped_user_id,
        lead_score=lead.lead_score,
        lead_temperature=lead.lead_temperature,
        language=lead.language,
        paused_until=lead.paused_until,
        told=[],
        updated_at=lead.last_activity_at,
    )
    state.mark_synced()
    state.save(force_insert=True)
