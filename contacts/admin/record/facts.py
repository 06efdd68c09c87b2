"""The facts of a lead: what they are, who said so and when, and what Sarah says otherwise."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.record.reading import Known
from contacts.admin.record.words import FEW_VALUES, label_of, signature, told
from contacts.exchange.importing import SOURCE as IMPORTED
from contacts.models import HOLDABLE
from leadsync.admin.html import ago
from sarah.facts import BY_KEY, EMPTY, FACTS

ABOUT_BUSINESS = (
    *("business_type", "goals", "pain_points", "urgency_level", "team_size", "location"),
    *("business_duration", "priority", "objection", "interest_motivation"),
    *("closing_technique", "story"),
)
JUDGEMENT = ("lead_score", "lead_temperature")
ABOUT_PERSON = ("name", "phone", "email", "language", "source", "tags")
OWNER = "assigned_to"
EDITABLE = (*ABOUT_PERSON, *ABOUT_BUSINESS, *JUDGEMENT, OWNER, "opted_out")
ALWAYS_SHOWN = {"name", "phone", "language", *JUDGEMENT}
KEYS = {fact.field: [f"extracted_data.{key}" for key in fact.keys] for fact in FACTS}
SARAH = "Sarah"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    name: str
    label: str
    value: object
    is_known: bool
    is_editable: bool = True
    is_held: bool = False
    source: str = ""
    """Sarah, who signed, or where it came from; blank if nobody knows."""
    at: datetime | None = None
    heard: str = ""
    """What Sarah says otherwise of a held one."""
    heard_at: datetime | None = None

    @property
    def since(self) -> str:
        return ago(self.at) if self.at else ""

    @property
    def heard_since(self) -> str:
        return ago(self.heard_at) if self.heard_at else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    title: object
    facts: list[Fact]
    unknown: list[Fact]


def groups_of(known: Known) -> list[Group]:
    """Known facts, and those that could be filled in."""
    business = [_fact(known, name) for name in ABOUT_BUSINESS]
    return [
        _group(gettext_lazy("The business"), [*business, *further(known)]),
        _group(gettext_lazy("Judgement"), [_fact(known, name) for name in JUDGEMENT]),
        _group(
            gettext_lazy("The person"),
            [*(_fact(known, name) for name in ABOUT_PERSON), *_from_whatsapp(known)],
        ),
    ]


def _group(title: object, facts: list[Fact]) -> Group:
    return Group(
        title=title,
        facts=[fact for fact in facts if fact.is_known],
        unknown=[fact for fact in facts if not fact.is_known],
    )


def further(known: Known) -> list[Fact]:
    """What Sarah heard that is no field of a lead, such as a budget."""
    heard: dict[str, object] = {}
    for state in reversed(known.conversations):
        heard |= {key: value for key, value in state.extracted_data.items() if key not in BY_KEY}
    return [
        Fact(
            name=key,
            label=label_of(key),
            value=_shown(key, value),
            is_known=True,
            is_editable=False,
            source=SARAH,
            at=known.heard_at(f"extracted_data.{key}"),
        )
        for key, value in heard.items()
        if value not in EMPTY
    ]


def _from_whatsapp(known: Known) -> list[Fact]:
    """What only WhatsApp or LeadSync tells."""
    lead = known.lead
    user_name = f"@{lead.whatsapp_username}" if lead.whatsapp_username else ""
    rows: list[tuple[str, object]] = [
        ("whatsapp_name", lead.whatsapp_name),
        ("whatsapp_username", user_name),
        ("business_scoped_user_id", lead.business_scoped_user_id),
        ("workspace", lead.workspace),
    ]
    return [
        Fact(name=name, label=label_of(name), value=value, is_known=True, is_editable=False)
        for name, value in rows
        if value
    ]


def _fact(known: Known, name: str) -> Fact:
    lead, value = known.lead, getattr(known.lead, name)
    is_held = name in lead.staff_fields
    source, at = _source(known, name, value)
    says = known.said.get(name)
    differs = is_held and says not in EMPTY and says != value
    return Fact(
        name=name,
        label=label_of(name),
        value=_shown(name, value),
        is_known=value not in EMPTY or name in ALWAYS_SHOWN,
        is_held=is_held,
        source=source,
        at=at,
        heard=told(name, says) if differs else "",
        heard_at=known.heard_at(name, *KEYS.get(name, [])) if differs else None,
    )


def _source(known: Known, name: str, value: object) -> tuple[str, datetime | None]:
    """Who said so last, and when."""
    if value in EMPTY:
        return "", None
    edit = known.last_edits.get(name)
    if name in known.lead.staff_fields:
        return (signature(edit.by), edit.at) if edit else (_("a person"), None)
    if name in HOLDABLE and known.said.get(name) == value:
        return SARAH, known.heard_at(name, *KEYS.get(name, []))
    if edit:
        return signature(edit.by), edit.at
    return (_("import"), None) if known.lead.source == IMPORTED else ("", None)


def _shown(name: str, value: object) -> object:
    if name == "pain_points" and isinstance(value, list) and len(value) > 1:
        items: Any = ((str(item),) for item in value)
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", items))
    if isinstance(value, str) and value and name not in FEW_VALUES:
        return value  # in full
    return told(name, value)
