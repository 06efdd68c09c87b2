"""The columns of the list of leads: what each shows of a lead, and how the list is sorted by it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q, Value
from django.db.models.functions import NullIf
from django.db.models.query_utils import FilteredRelation
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import SHOWN_NAME, ContactQuerySet, FollowUp, Standing
from contacts.today import Entry
from contacts.why_now import Reason
from contacts.workflow import STAGE, LeadStatus
from leadsync.admin.html import STANDING_COLOURS, ago, pill, temperature_pill
from leadsync.admin.lists.table import TwoLines

if TYPE_CHECKING:
    from contacts.admin.desk.rows import Row

NEXT_STEP = "next"
ON_PHONE = TwoLines(who="name", told="why", mark="score")
SHORT: dict[str, Any] = {
    Standing.HANDED_OVER: gettext_lazy("Handed over"),
    Standing.CONTACTED: LeadStatus.CONTACTED.label,
    Standing.CONVERTED: LeadStatus.CONVERTED.label,
    Standing.COLD: gettext_lazy("Not interested"),
}
"""What a narrow column says of a standing; the reason beside it says the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    title: Any
    show: Callable[["Row"], str]
    order: Any = None
    """An expression; None if the list is never sorted by it."""
    is_indexed: bool = False
    """Whether any number of leads can be sorted by it; else up to CAP."""
    is_usual: bool = True
    descends_first: bool = False


def _who(row: "Row") -> str:
    lead = row.lead
    phone = lead.phone or _("no number")
    name, below = (lead.shown_name, phone) if lead.shown_name else (phone, "")
    return format_html(
        '<a href="{}" class="ld-title">{}</a><span class="ld-phone">{}</span>', row.url, name, below
    )


def _why(row: "Row") -> str:
    business = format_html('<span class="ld-also">{}</span>', row.lead.business_type)
    also = business if row.lead.business_type and "business" in row.keys else ""
    return format_html("{}{}", _reason(row), also)


def _reason(row: "Row") -> str:
    if row.entry:
        return _to_call(row.entry)
    if row.why is None:
        return ""
    urgent = " ld-urgent" if row.why.is_urgent else ""
    return format_html('<span class="ld-sentence{0}" title="{1}">{1}</span>', urgent, row.why.text)


def _to_call(entry: Entry) -> str:
    """Show the reason, and how urgent it is with what that number is made of."""
    parts = entry.priority
    made_of = _(
        "score %(score).0f · contact %(contact).0f · silence %(decay).0f · hurry %(urgency).0f"
    )
    numbers = {name: getattr(parts, name) for name in ("score", "contact", "decay", "urgency")}
    return format_html(
        '<span class="ld-sentence{}" title="{}"><b class="ld-priority" title="{}">{}</b> {}</span>',
        " ld-urgent" if entry.reason == Reason.OVERDUE else "",
        entry.why,
        made_of % numbers,
        parts.total,
        entry.why,
    )


def _status(row: "Row") -> str:
    standing = row.lead.standing  # type: ignore[attr-defined]
    full = Standing(standing).label
    shown = pill(SHORT.get(standing, full), STANDING_COLOURS[standing])
    return format_html('<span title="{}">{}</span>', full, shown) if standing in SHORT else shown


def _score(row: "Row") -> str:
    lead, said = row.lead, row.said
    shown = format_html("<b>{}</b> {}", lead.lead_score, temperature_pill(lead.lead_temperature))
    return format_html("{} {}", shown, _mark(said)) if said else shown


def _mark(said: Any) -> str:
    """Say that the lead is out of date, and what Sarah says."""
    told = _("Out of date: Sarah says %(score)s, %(temperature)s. It is not synced.") % {
        "score": said.lead_score,
        "temperature": said.get_lead_temperature_display(),
    }
    return format_html(
        '<span class="ld-behind material-symbols-outlined" role="img" aria-label="{0}" title="{0}">'
        "sync_problem</span>",
        told,
    )


def _next_step(row: "Row") -> str:
    step = row.step
    if step is None:
        return ""
    return format_html(
        '<span class="ld-step">{}</span> <span class="ld-due{}">{}</span>',
        step.text,
        " ld-urgent" if step.is_due else "",
        due(step, row.lead.workspace.work_time.zone),
    )


def due(step: FollowUp, zone: Any) -> str:
    return date_format(localtime(step.due_at, zone), "D j M" if step.is_all_day else "D j M, H:i")


def _owner(row: "Row") -> str:
    person = row.lead.assigned_to
    if person is None:
        return format_html('<span class="ld-none">{}</span>', _("Nobody"))
    return conditional_escape(person.get_full_name() or person.get_username())


def _field(name: str) -> Callable[["Row"], str]:
    return lambda row: conditional_escape(getattr(row.lead, name))


COLUMNS: dict[str, Column] = {
    "name": Column(title=gettext_lazy("lead"), show=_who, order=SHOWN_NAME, is_indexed=True),
    "why": Column(title=gettext_lazy("why now"), show=_why),
    "status": Column(
        title=gettext_lazy("status"),
        show=_status,
        order=STAGE,
        is_indexed=True,
    ),
    "score": Column(
        title=gettext_lazy("score"),
        show=_score,
        order=F("lead_score"),
        is_indexed=True,
        descends_first=True,
    ),
    "business": Column(
        title=gettext_lazy("business type"),
        show=_field("business_type"),
        order=NullIf("business_type", Value("")),
    ),
    "workspace": Column(
        title=gettext_lazy("workspace"), show=_field("workspace"), order=F("workspace__name")
    ),
    "owner": Column(title=gettext_lazy("owner"), show=_owner, order=F("assigned_to__username")),
    NEXT_STEP: Column(
        title=gettext_lazy("next step"),
        show=_next_step,
        order=F("open_step__due_at"),
        is_indexed=True,
    ),
    "activity": Column(
        title=gettext_lazy("last activity"),
        show=lambda row: ago(row.lead.last_activity_at),
        order=F("last_activity_at"),
        is_indexed=True,
        descends_first=True,
    ),
    "added": Column(
        title=gettext_lazy("added"),
        show=lambda row: ago(row.lead.created_at),
        order=F("created_at"),
        is_indexed=True,
        is_usual=False,
        descends_first=True,
    ),
    "source": Column(
        title=gettext_lazy("source"),
        show=_field("source"),
        order=NullIf("source", Value("")),
        is_usual=False,
    ),
    "location": Column(
        title=gettext_lazy("location"),
        show=_field("location"),
        order=NullIf("location", Value("")),
        is_usual=False,
    ),
}


def chosen_columns(asked: str, *, several_workspaces: bool) -> list[str]:
    """Return the columns to show: those asked for that exist, or else the usual ones."""
    chosen = [key for key in COLUMNS if key in asked.split(",")]
    if chosen:
        return ["name", *(key for key in chosen if key != "name")]
    usual = [key for key, column in COLUMNS.items() if column.is_usual]
    return usual if several_workspaces else [key for key in usual if key != "workspace"]


def with_open_step(leads: ContactQuerySet) -> ContactQuerySet:
    """Those that have a next step, which an index of next steps can bring in its order."""
    is_open = Q(follow_ups__closed_at__isnull=True)
    joined = leads.annotate(open_step=FilteredRelation("follow_ups", condition=is_open))
    return joined.filter(open_step__due_at__isnull=False)
