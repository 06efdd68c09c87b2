"""What is wrong with a lead, each with the button that mends it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from contacts.admin.merges import comparison
from contacts.admin.record.reading import Known
from contacts.admin.record.words import exactly, label_of, lasting, told
from contacts.models import UNTIL_HANDED_BACK, Contact, MergeSuggestion
from contacts.workflow import LeadStatus
from leadsync.admin.html import ago
from monitoring.sentences import in_words
from sarah.models import SarahState, SyncReason
from sarah.rules import changes_for

NO_NEWS = {"last_activity_at", "re_engaged_at", "handed_over_at", "handed_over_as", "answer_by"}
NO_NEWS |= {"answered_at", "answered_by"}
TOLD_OF_NEWS = 5
LATE = "message_count"
"""The warning of a message that came late, which is in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """`post` is where its button sends `fields`; `link` is where it leads instead."""

    text: Any
    icon: str
    is_urgent: bool = False
    button: object = ""
    post: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    link: str = ""


def banners_of(known: Known, request: HttpRequest, *, may_change: bool) -> list[Banner]:
    lead = known.lead
    found = [
        *_sarah_knows_more(known, request),
        *_partly_unused(known, request),
        *_overdue(lead),
        *_is_back(lead),
        *_paused(lead, request),
        *_opted_out(lead),
        *_no_marketing(lead),
        *_may_be_the_same(lead),
    ]
    if may_change:
        return found
    return [Banner(text=one.text, icon=one.icon, is_urgent=one.is_urgent) for one in found]


def address_of(lead: Contact, page: str) -> str:
    return reverse(f"admin:contacts_contact_{page}", args=[lead.pk])


def _sarah_knows_more(known: Known, request: HttpRequest) -> Iterator[Banner]:
    state = next((one for one in known.conversations if _is_to_be_synced(one)), None)
    if state is None:
        return
    changes = changes_for(known.lead, state)
    news = {name: value for name, value in changes.items() if name not in NO_NEWS}
    if state.synced_at and not news.keys() - {"lead_status"}:
        return
    values = [told(name, value) for name, value in news.items()]
    if more := values[TOLD_OF_NEWS:]:
        values = [*values[:TOLD_OF_NEWS], _("%d more") % len(more)]
    text = _("Sarah knows more than this lead: %s.") % ", ".join(values)
    if not news:
        text = _("What Sarah said last did not reach this lead.")
    if not state.synced_at:
        reason = state.get_sync_reason_display() or _("Not synced yet")
        text = f"{text} {reason}."
    may_sync = request.user.has_perm("sarah.resync_sarahstate")
    yield Banner(
        text=text,
        icon="sync_problem",
        is_urgent=not state.synced_at,
        button=_("Sync now") if may_sync else "",
        post=address_of(known.lead, "sync"),
    )


def _is_to_be_synced(state: SarahState) -> bool:
    return state.sync_reason != SyncReason.EXCLUDED


def _partly_unused(known: Known, request: HttpRequest) -> Iterator[Banner]:
    last = known.messages[0] if known.messages else None
    unused = {name: why for name, why in last.warnings.items() if name != LATE} if last else {}
    if last and unused:
        told_why = "; ".join(f"{label_of(name)}: {in_words(why)}" for name, why in unused.items())
        may_look = request.user.has_perm("sarah.view_stateupdate")
        yield Banner(
            text=format_html(
                _("Part of Sarah's last message ({}) could not be used: {}."),
                ago(last.received_at),
                told("", told_why),
            ),
            icon="rule",
            button=_("See the message") if may_look else "",
            link=reverse("admin:sarah_stateupdate_change", args=[last.pk]),
        )


def _overdue(lead: Contact) -> Iterator[Banner]:
    if lead.answer_by and lead.answered_at is None and lead.answer_by <= timezone.now():
        yield Banner(
            text=format_html(
                _("Should have been answered by {}: overdue for {}."),
                exactly(lead.answer_by),
                lasting(lead.answer_by),
            ),
            icon="timer",
            is_urgent=True,
            button=_("I have been in touch"),
            post=address_of(lead, "move"),
            fields={"to": lead.lead_status, "shown": lead.lead_status},
        )


def _is_back(lead: Contact) -> Iterator[Banner]:
    back, gone = lead.re_engaged_at, lead.status_changed_at
    if lead.lead_status == LeadStatus.ARCHIVED and back and (gone is None or back >= gone):
        yield Banner(
            text=format_html(_("Was archived, and has written again {} ago."), lasting(back)),
            icon="waving_hand",
            is_urgent=True,
            button=_("Reopen"),
            post=address_of(lead, "move"),
            fields={"to": LeadStatus.NEW, "shown": LeadStatus.ARCHIVED},
        )


def _paused(lead: Contact, request: HttpRequest) -> Iterator[Banner]:
    if lead.paused_until is None or not lead.is_paused:
        return
    until = _("until it is handed back")
    if lead.paused_until < UNTIL_HANDED_BACK:
        until = _("until %s") % exactly(lead.paused_until)
    may = request.user.has_perm("contacts.take_over_contact")
    yield Banner(
        text=_("Sarah is silent %(until)s: %(who)s took over, because: %(why)s")
        % {"until": until, "who": lead.paused_by, "why": lead.pause_reason},
        icon="front_hand",
        button=_("Hand back to Sarah") if may else "",
        post=address_of(lead, "let_sarah_speak"),
    )


def _opted_out(lead: Contact) -> Iterator[Banner]:
    if lead.opted_out:
        yield Banner(
            text=_("Opted out: nothing that Sarah learns is copied to this lead any more."),
            icon="do_not_disturb_on",
            button=_("Copy it again"),
            post=address_of(lead, "edit"),
            fields={"initial-opted_out": "True"},
        )


def _no_marketing(lead: Contact) -> Iterator[Banner]:
    if lead.marketing_stopped_at:
        text = _("Wants no marketing since {}: write only to answer.")
        yield Banner(text=format_html(text, ago(lead.marketing_stopped_at)), icon="campaign")


def _may_be_the_same(lead: Contact) -> Iterator[Banner]:
    suggestions = MergeSuggestion.objects.open().about(lead).select_related("first", "second")
    for suggestion in suggestions[:3]:
        other = suggestion.second if suggestion.first_id == lead.pk else suggestion.first
        yield Banner(
            text=_("WhatsApp knows it as the same person as %s.") % other,
            icon="group",
            button=_("Compare and merge"),
            link=comparison(lead, other),
        )
