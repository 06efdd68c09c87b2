"""What happened with a lead, newest first: one page of it, and where the next begins."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ValidationError

from contacts.admin.record.entries import TOLD, Entry
from contacts.api.timeline import Place, Source, cursor_of, entries, read_cursor, sources_of
from contacts.models import Contact
from contacts.workflow import AuthorKind

PAGE = 20
TABS: dict[str, Any] = {
    "": gettext_lazy("All"),
    "sarah": gettext_lazy("Sarah"),
    "people": gettext_lazy("Staff"),
    "chat": gettext_lazy("Chat"),
}
BY_BOT, BY_PERSON = Q(actor_kind=AuthorKind.BOT), Q(actor_kind=AuthorKind.PERSON)
ON_TAB: dict[str, dict[str, Q]] = {
    "sarah": {
        "message": Q(),
        "failure": Q(),
        "status": ~BY_PERSON,
        "note": ~Q(author_kind=AuthorKind.PERSON),
        "follow_up": Q(created_by_kind=AuthorKind.BOT),
    },
    "people": {
        "edit": Q(),
        "status": ~BY_BOT,
        "note": Q(author_kind=AuthorKind.PERSON),
        "assignment": Q(),
        "follow_up": Q(created_by_kind=AuthorKind.PERSON),
    },
    "chat": {"chat": Q()},
}
"""The kinds of entries on each tab, and which of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    tab: str
    entries: list[Entry]
    older: str
    """A cursor; blank if there is nothing older."""


def timeline_of(lead: Contact, *, tab: str, before: str) -> Timeline:
    tab = tab if tab in TABS else ""
    found = entries(_sources(lead, tab), before=_place(before, lead), size=PAGE + 1)
    page = found[:PAGE]
    return Timeline(
        tab=tab,
        entries=[TOLD[row["kind"]](row) for _at, row in page],
        older=cursor_of(lead, page[-1][0]) if len(found) > PAGE else "",
    )


def _place(cursor: str, lead: Contact) -> Place | None:
    try:
        return read_cursor(cursor, lead) if cursor else None
    except ValidationError:  # forged, or of another lead
        return None


def _sources(lead: Contact, tab: str) -> Iterable[Source]:
    sources = sources_of(lead)
    if not tab:
        return sources
    which = ON_TAB[tab]
    return [
        replace(source, rows=source.rows.filter(which[source.kind]))
        for source in sources
        if source.kind in which
    ]
