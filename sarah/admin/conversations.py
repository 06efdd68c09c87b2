"""Admin pages of conversations: what Sarah learned, and whether it is synced to the lead."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from contacts.addresses import is_user_id
from contacts.models import Contact
from leadsync.admin.actions import (
    confirm_selection,
    dialog,
    dialog_action,
    is_confirmed,
    is_too_much,
    tell_retried,
)
from leadsync.admin.filters import PhoneSearch, WorkspaceFilter
from leadsync.admin.html import ago, as_json, pill, temperature_pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.people import PersonActions
from leadsync.admin.tools import ModelAdmin, ReadOnly, column, computed, holds
from sarah.admin.filters import ActiveFilter, ReasonFilter, SyncFilter
from sarah.admin.record import record_of
from sarah.admin.who import who
from sarah.models import ConversationState, SarahState, SarahStateQuerySet, SyncReason
from sarah.retry import retry_all

STATE_COLOURS: dict[str, str] = {
    ConversationState.GREETING: "",
    ConversationState.QUALIFYING: "info",
    ConversationState.SCORING: "primary",
    ConversationState.HANDOFF: "warning",
    ConversationState.COMPLETED: "success",
}
WILL_RETRY = _(
    "What Sarah learned is copied to the lead again, as it is stored now. Whatever a person wrote "
    "in the lead stays."
)
WILL_START_OVER = _(
    "Sarah greets this lead again with the next message, as in a new conversation: the state goes "
    "back to greeting and the count of messages to 0. What she learned, score and temperature "
    "stay, the lead is not changed, and it gets a note that says who did this."
)
START_OVER = dialog(_("Let Sarah start over?"), WILL_START_OVER, button=_("Start over"))


@admin.register(SarahState)
class SarahStateAdmin(PersonActions, PhoneSearch, ReadOnly, ModelAdmin):
    list_display = (
        *("person", "sync", "state_pill", "score"),
        *("in_workspace", "message_count", "last_heard"),
    )
    on_phone = TwoLines(who="person", told="state_in_short", mark="sync", when="last_heard")
    list_filter = (
        SyncFilter,
        ReasonFilter,
        ("state", ChoicesDropdownFilter),
        ("workspace", WorkspaceFilter),
        ActiveFilter,
    )
    list_select_related = ("contact", "workspace")
    sortable_by = ("last_heard",)  # the only column with an index
    search_fields = ("contact_phone",)  # shows the box
    search_help_text = _("Phone in any spelling, or the lead's name or business type")
    ordering = ("-updated_at", "-pk")
    when_empty = _("Sarah has not sent anything yet.")
    actions = ("retry", "start_over")
    actions_detail_hide_default = True  # nobody edits a conversation: it has no history
    actions_detail = ("retry_this", "start_this_over", "export_this", "erase_this")
    change_form_template = "sarah/conversation.html"
    fieldsets = ()

    # The list

    def with_phone(self, request: HttpRequest, rows: QuerySet, bounds: tuple[str, str]) -> QuerySet:
        """Search in two arms: the indexes that begin with the phone are two partial ones."""
        here = Q(contact_phone__range=bounds)
        return rows.filter((here & Q(workspace__isnull=False)) | (here & Q(workspace__isnull=True)))

    def with_words(self, request: HttpRequest, rows: QuerySet, words: str) -> QuerySet:
        """Search by name alone: a search by phone and name at once could use neither index."""
        if is_user_id(words):
            return rows.filter(business_scoped_user_id=words)
        return rows.filter(contact__in=Contact.objects.matching(words))

    person = computed(_("who writes"), who)

    @display(description=_("workspace"))
    def in_workspace(self, state: SarahState) -> object:
        if state.workspace:
            return state.workspace
        unresolved = _("unresolved: %s") % state.workspace_ref
        return format_html(
            '<span class="ls-aside">{}</span>',
            unresolved if state.workspace_ref else _("unresolved"),
        )

    @display(description=_("state"))
    def state_pill(self, state: SarahState) -> SafeString:
        return pill(state.get_state_display(), STATE_COLOURS[state.state])

    @display(description=_("state"))
    def state_in_short(self, state: SarahState) -> SafeString:
        words = (state.get_state_display(), state.lead_score, state.get_lead_temperature_display())
        return format_html("{} · <b>{}</b> {}", *words)

    @display(description=_("score"))
    def score(self, state: SarahState) -> SafeString:
        return format_html(
            '<span class="ls-pair"><b>{}</b> {}</span>',
            state.lead_score,
            temperature_pill(state.lead_temperature),
        )

    last_heard = column("updated_at", _("last heard"), ago, sortable=True)

    @display(description=_("sync"))
    def sync(self, state: SarahState) -> SafeString:
        if state.synced_at:
            return pill(_("In sync"), "success")
        colour = "" if state.sync_reason == SyncReason.EXCLUDED else "danger"
        return pill(state.get_sync_reason_display() or _("Out of sync"), colour)

    # The page

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        state: Any = kwargs.get("obj")
        record = record_of(request, state, context.pop("actions_detail", []))
        context |= {"subtitle": record["name"], "state": state, "record": record}
        context |= {"state_pill": self.state_pill(state), "raw": as_json(state.extracted_data)}
        return super().render_change_form(request, context, *args, **kwargs)

    # What a person can do

    def identity_of(self, row: SarahState) -> str:
        return str(row)

    has_resync_permission = holds("sarah.resync_sarahstate")
    has_start_over_permission = holds("sarah.start_over_sarahstate")

    @action(description=_("Retry"), permissions=["resync"])
    def retry(self, request: HttpRequest, states: SarahStateQuerySet) -> None:
        if not is_too_much(request, states):
            self._retry(request, states)

    @action(description=_("Let Sarah start over"), permissions=["start_over"])
    def start_over(self, request: HttpRequest, states: SarahStateQuerySet) -> HttpResponse | None:
        if is_too_much(request, states):
            return None
        if is_confirmed(request):
            self._start_over(request, states)
            return None
        return confirm_selection(self, request, states, START_OVER, action="start_over")

    @dialog_action(
        description=_("Retry"),
        permissions=["resync"],
        url_path="sync-again",
        icon="sync",
        variant=ActionVariant.PRIMARY,
        dialog=dialog(_("Sync this conversation again?"), WILL_RETRY, button=_("Retry")),
    )
    def retry_this(self, request: HttpRequest, form: Form, object_id: str) -> None:
        self._retry(request, SarahState.objects.filter(pk=object_id))

    @dialog_action(
        description=_("Let Sarah start over"),
        permissions=["start_over"],
        url_path="start-over",
        icon="restart_alt",
        dialog=START_OVER,
    )
    def start_this_over(self, request: HttpRequest, form: Form, object_id: str) -> None:
        self._start_over(request, SarahState.objects.filter(pk=object_id))

    def _retry(self, request: HttpRequest, states: SarahStateQuerySet) -> None:
        tell_retried(request, retry_all(states, by=request.user.get_username()))

    def _start_over(self, request: HttpRequest, states: SarahStateQuerySet) -> None:
        count = 0
        for state in states.select_related("contact"):
            state.start_over(by=request.user.get_username())
            count += 1
        text = ngettext(
            "Sarah starts over with %d lead.", "Sarah starts over with %d leads.", count
        )
        messages.success(request, text % count)
