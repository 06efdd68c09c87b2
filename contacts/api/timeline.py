"""`/api/v1/leads/{id}/timeline/`: everything that happened with a lead, newest first.

One query per kind; each reads only as far as the page needs.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from contacts.api.schema import describe_timeline_view
from contacts.api.visible import visible_leads
from contacts.identity import addresses_of
from contacts.models import ChatMessage, Contact
from contacts.workflow import AuthorKind
from leadsync.api.lists import Pages
from leadsync.models import Scope
from monitoring.models import SyncFailure
from sarah.models import SarahState, StateUpdate

SALT = "leadsync.timeline.cursor"
BY_AUTHOR = {"lead": "lead", "bot": AuthorKind.BOT.value, "staff": AuthorKind.PERSON.value}
WHOSE = "assigned_to__username"
CLOSED = ("outcome", "closed_at", "closed_by")
Row = dict[str, Any]
Place = tuple[datetime, int, int]
"""Where an entry stands: its time, the rank of its kind, and its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Rows of one kind; `told` makes an entry of one of them."""

    kind: str
    rows: QuerySet[Any]
    at: str
    columns: tuple[str, ...]
    told: Callable[[Row], Row]


def sources_of(lead: Contact) -> list[Source]:
    chat = ChatMessage.objects.of(*addresses_of(lead), workspace_id=lead.workspace_id)
    return [
        Source(
            kind="note",
            rows=lead.notes.all(),
            at="created_at",
            columns=("kind", "author", "author_kind", "text"),
            told=_note,
        ),
        Source(
            kind="status",
            rows=lead.status_changes.all(),
            at="at",
            columns=(
                *("from_status", "to", "by", "actor_kind", "reason", "archive_reason"),
                "is_undone",
            ),
            told=_status,
        ),
        Source(
            kind="message",
            # As a list: the planner would rather walk through all messages by time.
            rows=StateUpdate.objects.filter(state__in=conversations_of(lead)),
            at="received_at",
            columns=("changes", "outcome", "lead_score", "key__user__username"),
            told=_message,
        ),
        Source(
            kind="chat",
            rows=chat.with_status(),
            at="sent_at",
            columns=("author", "type", "text", "transcript", "status", "reason"),
            told=_chat,
        ),
        Source(
            kind="follow_up",
            rows=lead.follow_ups.all(),
            at="created_at",
            columns=("text", "due_at", "created_by", "created_by_kind", WHOSE, *CLOSED),
            told=_follow_up,
        ),
        Source(
            kind="edit",
            rows=lead.edits.all(),
            at="at",
            columns=("field", "old", "new", "by"),
            told=_edit,
        ),
        Source(
            kind="failure",
            rows=failures_about(lead),
            at="created_at",
            columns=("kind", "resolution", "resolved_at", "resolved_by", "occurrences"),
            told=_failure,
        ),
        Source(
            kind="assignment",
            rows=lead.assignments.all(),
            at="at",
            columns=("from_name", "to_name", "by", "actor_kind"),
            told=_assignment,
        ),
    ]


def conversations_of(lead: Contact) -> list[int]:
    """Those synced to it, and those with its address that never were."""
    return list(SarahState.objects.of_lead(lead).values_list("pk", flat=True))


def failures_about(lead: Contact) -> Any:
    """The failures of its conversations, and those that name its phone."""
    here = Q(state__contact=lead)
    if lead.phone:
        here |= Q(contact_phone=lead.phone, workspace_ref=lead.workspace.slug)
    return SyncFailure.objects.filter(here)


def entries(
    sources: Iterable[Source], *, before: Place | None, size: int
) -> list[tuple[Place, Row]]:
    """Return the newest entries of these sources that stand behind this place."""
    found = [
        entry
        for rank, source in enumerate(sources)
        for entry in _newest(source, rank, before=before, size=size)
    ]
    return sorted(found, key=lambda entry: entry[0], reverse=True)[:size]


def _newest(
    source: Source, rank: int, *, before: Place | None, size: int
) -> Iterator[tuple[Place, Row]]:
    rows = source.rows.order_by(f"-{source.at}", "-pk")
    if before:
        rows = rows.filter(_behind(source.at, rank, before))
    for row in rows.values("pk", source.at, *source.columns)[:size]:
        at, pk = row[source.at], row["pk"]
        yield (at, rank, pk), {"kind": source.kind, "id": pk, "at": at, **source.told(row)}


def _behind(column: str, rank: int, before: Place) -> Q:
    at, before_rank, pk = before
    if rank < before_rank:
        return Q(**{f"{column}__lte": at})
    older = Q(**{f"{column}__lt": at})
    return older | Q(**{column: at, "pk__lt": pk}) if rank == before_rank else older


def _entry(*, author: str = "", author_kind: str = "", text: str = "", **details: Any) -> Row:
    return {"author": author, "author_kind": author_kind, "text": text, "details": details}


def _note(row: Row) -> Row:
    signed = {"author": row["author"], "author_kind": row["author_kind"]}
    return _entry(**signed, text=row["text"], kind=row["kind"])


def _status(row: Row) -> Row:
    names = ("from_status", "to", "archive_reason", "is_undone")
    signed = {"author": row["by"], "author_kind": row["actor_kind"]}
    return _entry(**signed, text=row["reason"], **{name: row[name] for name in names})


def _message(row: Row) -> Row:
    signed = {"author": row["key__user__username"] or "", "author_kind": AuthorKind.BOT.value}
    return _entry(**signed, **{name: row[name] for name in ("outcome", "lead_score", "changes")})


def _chat(row: Row) -> Row:
    text = row["text"] or row["transcript"]
    details = {name: row[name] for name in ("type", "status", "reason")}
    return _entry(author_kind=BY_AUTHOR[row["author"]], text=text, **details)


def _follow_up(row: Row) -> Row:
    signed = {"author": row["created_by"], "author_kind": row["created_by_kind"]}
    details = {name: row[name] for name in ("due_at", *CLOSED)} | {"assigned_to": row[WHOSE]}
    return _entry(**signed, text=row["text"], **details)


def _edit(row: Row) -> Row:
    signed = {"author": row["by"], "author_kind": AuthorKind.PERSON.value}
    return _entry(**signed, **{name: row[name] for name in ("field", "old", "new")})


def _failure(row: Row) -> Row:
    names = ("kind", "resolution", "resolved_at", "resolved_by", "occurrences")
    return _entry(author_kind=AuthorKind.SYSTEM.value, **{name: row[name] for name in names})


def _assignment(row: Row) -> Row:
    signed = {"author": row["by"], "author_kind": row["actor_kind"]}
    return _entry(**signed, from_name=row["from_name"], to_name=row["to_name"])


@describe_timeline_view
class TimelineView(APIView):
    read_scope = write_scope = Scope.LEADS_READ

    def get(self, request: Request, pk: str) -> Response:
        lead = get_object_or_404(visible_leads(request).select_related("workspace"), pk=pk)
        size = Pages().get_page_size(request) or Pages.page_size
        sent = request.query_params.get("cursor")
        before = read_cursor(sent, lead) if sent else None
        found = entries(sources_of(lead), before=before, size=size + 1)
        page = found[:size]
        more = _link(request, lead, page[-1][0]) if len(found) > size else None
        return Response({"next": more, "results": [entry for _place, entry in page]})


def _link(request: Request, lead: Contact, place: Place) -> str:
    cursor = cursor_of(lead, place)
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)


def cursor_of(lead: Contact, place: Place) -> str:
    at, rank, pk = place
    return signing.dumps([lead.pk, at.isoformat(), rank, pk], salt=SALT)


def read_cursor(sent: str, lead: Contact) -> Place:
    try:
        of_lead, at, rank, pk = signing.loads(sent, salt=SALT)
    except signing.BadSignature:
        of_lead = None
    if of_lead != lead.pk:
        raise ValidationError(
            {"cursor": "This cursor does not belong to this list. Start again without it."}
        )
    return datetime.fromisoformat(at), rank, pk
