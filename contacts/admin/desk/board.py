"""The board: the pipeline in columns by status, and moving a lead from one to another."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from contacts.admin.desk.rows import NEEDED, Row, rows_of
from contacts.admin.desk.tabs import MOST, forget_counts, shown_up_to_most
from contacts.admin.reasons import ArchiveForm, moved_meanwhile
from contacts.models import AuthorKind, Contact, ContactQuerySet
from contacts.workflow import FUNNEL, ArchiveReason, LeadStatus, MoveRefused, moves_from
from leadsync.admin.actions import confirm_selection, dialog
from leadsync.admin.live import answer, is_live, version_of
from leadsync.infra.db import capped_counts

FOLDED = LeadStatus.ARCHIVED
SHOWN, SHOWN_FOLDED = 50, 20
"""Leads in a column, and in the folded one."""
KEYS = ("status", "why", "score", "owner", "next")
"""The status is shown where the column does not say it: “Contacted” by Sarah is handed over."""
MOVE = (
    '<button type="submit" form="move-form" formaction="{}/?shown={}" name="status" value="{}"'
    ' class="ls-button">{}</button>'
)
"""Made here: as a template, the buttons took half the time of a card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    status: LeadStatus
    count: str
    rows: list[Row]

    @property
    def cards(self) -> Iterator[tuple[Row, str]]:
        """The rows, each with the buttons that move its lead to where a person may move it."""
        moves = moves_from(self.status, kind=AuthorKind.PERSON)
        for row in self.rows:
            shown = (row.lead.pk, self.status.value)
            buttons = ((*shown, status.value, status.label) for status in moves)
            yield row, format_html_join("", MOVE, buttons)

    @property
    def is_folded(self) -> bool:
        return self.status == FOLDED

    @property
    def is_cut(self) -> bool:
        return len(self.rows) == shown_of(self.status)

    @property
    def list_url(self) -> str:
        page = reverse("admin:contacts_contact_changelist")
        return f"{page}?lead_status__exact={self.status.value}"


class MoveForm(ArchiveForm):
    """What the board sends of a move."""

    def clean(self) -> dict[str, Any]:
        return self.cleaned_data  # the move itself is refused, in the words of the rules


class Board:
    """Adds the board, and what it posts to."""

    def get_urls(self) -> list[URLPattern]:
        admin_view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        move = admin_view(require_POST(self.move_on_board))
        return [
            path("board/", admin_view(self.board), name="contacts_contact_board"),
            path("board/<int:pk>/", move, name="contacts_contact_move_card"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def board(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        is_mine = request.GET.get("whose") == "me"
        leads = self._on_board(request)
        columns = columns_of(leads.filter(assigned_to=request.user.pk) if is_mine else leads)
        render = partial(self._board_page, request, columns, is_mine=is_mine)
        if is_live(request):
            told = [
                (column.count, [(str(row.lead), row.version) for row in column.rows])
                for column in columns
            ]
            return answer(request, version_of(told), render)
        return render()

    def _board_page(
        self, request: HttpRequest, columns: list[Column], *, is_mine: bool
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "is_live": "parts",
            "title": _("Board"),
            "columns": columns,
            "is_mine": is_mine,
            "may_move": self.has_change_permission(request),  # type: ignore[attr-defined]
            "archive_reasons": ArchiveReason.choices,
        }
        return TemplateResponse(request, "contacts/desk/board.html", context)

    def move_on_board(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Move a lead; the answer is JSON for the board's script, and the board itself without."""
        lead = get_object_or_404(self._on_board(request), pk=pk)
        may_ask = "application/json" not in request.headers.get("Accept", "")
        if not self.has_change_permission(request, lead):  # type: ignore[attr-defined]
            raise PermissionDenied
        if may_ask and asked_to_archive(request) and not request.POST.get("archive_reason"):
            return self._ask_why(request, lead)
        with transaction.atomic():
            lead = Contact.objects.select_for_update(no_key=True).get(pk=pk)
            overtaken = moved_meanwhile(lead, request.GET.get("shown", ""))
            refused = overtaken or _move(lead, request)
        forget_counts(request)
        if not may_ask:
            return self._told(request, pk, refused)
        if refused:
            messages.error(request, f"{lead}: {refused}")
        else:
            text = _("%(lead)s is now: %(status)s.")
            messages.success(
                request, text % {"lead": lead, "status": lead.get_lead_status_display()}
            )
        return HttpResponseRedirect(reverse("admin:contacts_contact_board"))

    def _ask_why(self, request: HttpRequest, lead: Contact) -> HttpResponse:
        """Show a page that asks why a lead is archived: without a script there is no dialog."""
        asked = dialog(_("Why is this lead archived?"), "", button=_("Archive"))
        leads, form = self._on_board(request).filter(pk=lead.pk), ArchiveForm()
        page: Any = self
        return confirm_selection(
            page,
            request,
            leads,
            asked,
            action=LeadStatus.ARCHIVED.value,
            form=form,
            cancel_url=reverse("admin:contacts_contact_board"),
        )

    def _told(self, request: HttpRequest, pk: int, refused: str) -> JsonResponse:
        (row,) = rows_of([self._on_board(request).get(pk=pk)], keys=KEYS, query="")
        status = LeadStatus(row.lead.lead_status)
        ((_row, moves),) = Column(status=status, count="", rows=[row]).cards
        context = {"row": row, "moves": moves, "may_move": True}
        card = render_to_string("contacts/desk/card.html", context, request)
        told = {"status": status.value, "refused": refused, "card": card}
        return JsonResponse(told, status=409 if refused else 200)

    def _on_board(self, request: HttpRequest) -> ContactQuerySet:
        leads: ContactQuerySet = self.get_queryset(request)  # type: ignore[attr-defined]
        return leads


def asked_to_archive(request: HttpRequest) -> bool:
    return LeadStatus.ARCHIVED in (request.POST.get("status"), request.POST.get("action"))


def _move(lead: Contact, request: HttpRequest) -> str:
    """Move the lead; return why it may not be moved, blank if it was."""
    form = MoveForm(request.POST)
    status = request.POST.get("status") or request.POST.get("action", "")
    if status not in LeadStatus.values:
        return _("There is no such status.")
    if not form.is_valid():
        return " ".join(str(error) for errors in form.errors.values() for error in errors)
    try:
        lead.change_status(status, by=request.user.get_username(), why=form.why())
    except MoveRefused as error:
        return error.in_words
    return ""


def shown_of(status: LeadStatus) -> int:
    return SHOWN_FOLDED if status == FOLDED else SHOWN


def columns_of(leads: ContactQuerySet) -> list[Column]:
    """Return the columns: a statement for each, one that counts, two for the rows."""
    counts = _counts(leads)
    found = {
        status: list(
            leads.filter(lead_status=status)
            .only(*NEEDED)
            .order_by("-last_activity_at")[: shown_of(status)]
        )
        for status in (*FUNNEL, FOLDED)
    }
    rows = rows_of([lead for some in found.values() for lead in some], keys=KEYS, query="")
    row_of = {row.lead.pk: row for row in rows}
    return [
        Column(
            status=status,
            count=shown_up_to_most(counts[status]),
            rows=[row_of[lead.pk] for lead in some],
        )
        for status, some in found.items()
    ]


def _counts(leads: ContactQuerySet) -> dict[LeadStatus, int]:
    asked = (leads.filter(lead_status=status) for status in LeadStatus)
    return dict(zip(LeadStatus, capped_counts(*asked, most=MOST), strict=True))
