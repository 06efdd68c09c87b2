"""A conversation as sentences and facts, for its admin page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import label_for_field
from django.db.models import F
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from contacts.models import Contact, Workspace
from leadsync.admin.html import admin_link, ago, as_json, pill
from monitoring.admin.details import resolution_pill
from monitoring.kinds import Kind
from sarah.facts import BY_KEY
from sarah.models import SarahState, SyncReason
from sarah.rules import proposed_by

SHOWN_FAILURES = 10


def explain_sync(state: SarahState) -> SafeString:
    """Say whether the conversation is synced to its lead; if not, why, and what happens next."""
    if state.synced_at and (held := held_by_staff(state)):
        names = ", ".join(str(label_for_field(name, Contact)) for name in held)
        told = _("What Sarah said has reached the lead ({}), but not what people hold there: {}.")
        return format_html(told, ago(state.synced_at), names)
    if state.synced_at:
        return format_html(
            _("Everything Sarah said has reached the lead ({})."), ago(state.synced_at)
        )
    if state.sync_reason == SyncReason.EXCLUDED:
        return format_html("{}", _why_excluded(state))
    if not state.sync_reason:
        return format_html("{}", _("It has not been synced yet: use “Retry”."))
    if workspace := _lets_it_wait(state):
        return format_html(
            _(
                "Unknown numbers become leads in the workspace {}, but at most {} in an hour: this "
                "one is kept and has its turn in a later hour. If strange numbers flood Sarah, "
                "switch that off there; if not, raise the limit."
            ),
            admin_link(workspace),
            workspace.max_created_per_hour,
        )
    return format_html("{} {}", Kind(state.sync_reason).advice, _next_attempt(state))


def _why_excluded(state: SarahState) -> str:
    if state.workspace and state.workspace.is_test_number(state.contact_phone):
        return _(
            "The phone is a test number of this workspace: nothing is copied to a lead. That is no "
            "failure."
        )
    if state.lost_its_lead:
        return _(
            "The lead was deleted. It does not come back unless somebody writes from this number "
            "again, or you add the lead. That is no failure."
        )
    return _("The lead opted out: nothing is copied any more. That is no failure.")


def _lets_it_wait(state: SarahState) -> Workspace | None:
    """Return the workspace that would have created a lead of this number if its hour had not been
    full."""
    workspace = state.workspace
    is_unknown = state.sync_reason == SyncReason.CONTACT_NOT_FOUND
    return workspace if workspace and is_unknown and workspace.creates_contacts else None


def _next_attempt(state: SarahState) -> str:
    if state.given_up_at:
        return _(
            "%(who)s resolved the failure on %(when)s: it is left alone until somebody writes from "
            "this number again, or you retry it."
        ) % {
            "who": state.given_up_by,
            "when": date_format(timezone.localtime(state.given_up_at), "j M, H:i"),
        }
    if state.next_sync_at:
        local = timezone.localtime(state.next_sync_at)
        return _("The next attempt by itself is due on %(when)s (failed so far: %(count)d).") % {
            "when": date_format(local, "j M, H:i"),
            "count": state.sync_attempts,
        }
    if state.sync_reason == SyncReason.SYNC_ERROR:
        return _("It is not retried by itself any more (failed so far: %d).") % (
            state.sync_attempts
        )
    return ""


def held_by_staff(state: SarahState) -> list[str]:
    """The fields in which the lead keeps what a person wrote, and Sarah says otherwise."""
    lead = state.contact
    if lead is None:
        return []
    said = proposed_by(state)
    return [
        name for name in lead.staff_fields if name in said and said[name] != getattr(lead, name)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    label: str
    heard: object
    where: SafeString
    """Whether the lead has it by now; what people hold there instead."""


def facts_of(state: SarahState) -> list[Fact]:
    """What Sarah learned: first what is copied to the lead, then what is only kept here."""
    facts, said, held = state.extracted_data, proposed_by(state), held_by_staff(state)
    shared = [
        Fact(
            label=_label(key),
            heard=in_words(value),
            where=_where_it_is(state, BY_KEY[key].field, said, held),
        )
        for key, value in facts.items()
        if key in BY_KEY
    ]
    kept = [(key, value) for key, value in facts.items() if key not in BY_KEY]
    here = pill(_("Only here"))
    return shared + [Fact(label=key, heard=in_words(value), where=here) for key, value in kept]


def _where_it_is(
    state: SarahState, name: str, said: Mapping[str, object], held: Sequence[str]
) -> SafeString:
    if name in held:
        value = in_words(getattr(state.contact, name))
        return format_html("{} {}", pill(_("Held by staff"), "warning"), value)
    if name not in said:
        return pill(_("Only here"))
    if state.contact is None or getattr(state.contact, name) != said[name]:
        return pill(_("Not yet in the lead"), "warning")
    return pill(_("In the lead"), "success")


def failures_of(state: SarahState) -> Any:
    """The conversation's newest failures, open ones first."""
    newest = state.failures.order_by(F("resolved_at").desc(nulls_first=True), "-last_seen_at")
    shown = newest[:SHOWN_FAILURES]
    return [(one, resolution_pill(one), ago(one.last_seen_at)) for one in shown]


def _label(key: str) -> str:
    return capfirst(str(label_for_field(BY_KEY[key].field, Contact)))


def in_words(value: object) -> object:
    """Render a value for a table cell."""
    if value in ("", [], {}, None):
        return "–"  # noqa: RUF001 (a dash is what an empty cell shows)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return format_html_join("", '<div class="ls-item">{}</div>', ((item,) for item in value))
    return as_json(value) if isinstance(value, list | dict) else value
