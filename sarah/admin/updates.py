"""Admin pages of the journal: what bots sent, when, with which key, and what it changed."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from contacts.admin.record.words import FEW_VALUES, label_of, told
from leadsync.admin.filters import PhoneSearch, WorkspaceFilter
from leadsync.admin.html import admin_link, ago, as_code, pill, table
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, ReadOnly, column, computed
from monitoring import sentences
from monitoring.admin.details import pretty
from sarah.admin.details import in_words
from sarah.admin.filters import KeyFilter, ReceivedFilter
from sarah.admin.who import title_of, who
from sarah.models import Outcome, SarahState, StateUpdate

SHOWN_CHANGES = 3

OUTCOME_COLOURS: dict[str, str] = dict.fromkeys(Outcome.values, "warning") | {
    Outcome.SYNCED: "success",
    Outcome.EXCLUDED: "",
    Outcome.SYNC_ERROR: "danger",
}

Changes = Mapping[str, Sequence[object]]


def outcome_pill(outcome: str) -> SafeString:
    return pill(Outcome(outcome).label, OUTCOME_COLOURS[outcome])


def changes_in_short(changes: Changes) -> str:
    """Name the first changed fields and the number of others.

    Without the count of messages, which nearly every message changes.
    """
    names = [label_of(name).lower() for name in changes if name != "message_count"]
    shown = ", ".join(names[:SHOWN_CHANGES])
    if (more := len(names) - SHOWN_CHANGES) > 0:
        return ngettext("%(names)s and %(count)d more", "%(names)s and %(count)d more", more) % {
            "names": shown,
            "count": more,
        }
    return shown or gettext("nothing new")


def changes_table(changes: Changes) -> SafeString:
    return table(
        [gettext("field"), gettext("before"), gettext("after")],
        [
            (label_of(name), _in_words(name, before), _in_words(name, after))
            for name, (before, after) in changes.items()
        ],
    )


def _in_words(name: str, value: object) -> object:
    return told(name, value) if name in FEW_VALUES else in_words(value)


def warnings_table(warnings: Mapping[str, str]) -> SafeString:
    rows = [
        (format_html("<code>{}</code>", name), sentences.in_words(why))
        for name, why in warnings.items()
    ]
    return table([gettext("field"), gettext("warning")], rows)


def _failure(update: StateUpdate) -> Any:
    """Show the failure that this message was counted on, unless it was deleted since."""
    if update.failure_group_id is None:
        return None
    of_cause = update.state.failures.filter(group=update.failure_group_id)
    failure = of_cause.order_by("-last_seen_at", "-pk").first()
    return admin_link(failure) if failure else _("deleted since")


@admin.register(StateUpdate)
class StateUpdateAdmin(PhoneSearch, ReadOnly, ModelAdmin):
    list_display = ("person", "received", "changed", "lead_score", "outcome_shown", "sent_with")
    list_filter = (
        ReceivedFilter,
        ("outcome", ChoicesDropdownFilter),
        ("state__workspace", WorkspaceFilter),
        KeyFilter,
    )
    on_phone = TwoLines(who="person", told="changed", mark="outcome_shown", when="received")
    list_select_related = ("state__contact", "key__user")
    sortable_by = ("received",)  # the only column with an index
    search_fields = ("state__contact_phone",)  # shows the box
    search_help_text = _("Phone in any spelling, or the id of a request")
    ordering = ("-received_at", "-pk")
    actions_detail_hide_default = True  # nobody edits a message: it has no history
    when_empty = _("Sarah has not sent anything yet.")

    def get_fieldsets(self, request: HttpRequest, obj: StateUpdate | None = None) -> Any:
        about: list[Any] = [("received", "phone"), ("outcome_shown", "lead_score")]
        if obj and obj.failure_group_id and request.user.has_perm("monitoring.view_syncfailure"):
            about.append("failure")
        origin = (("sent_with", "client_address"), ("request_id", "duration"))
        return (
            (None, {"fields": about}),
            (_("What it changed"), {"fields": ("changed_fields", "warned")}),
            (_("What the bot said"), {"fields": ("said",)}),
            (_("Where it came from"), {"fields": origin}),
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        update: Any = kwargs.get("obj")
        context["subtitle"] = f"{title_of(update.state)} · {update}"
        return super().render_change_form(request, context, *args, **kwargs)

    def with_phone(self, request: HttpRequest, rows: QuerySet, bounds: tuple[str, str]) -> QuerySet:
        return rows.filter(state__in=SarahState.objects.filter(contact_phone__range=bounds))

    def with_words(self, request: HttpRequest, rows: Any, words: str) -> QuerySet:
        return rows.of_request(words)

    received = column("received_at", _("received"), ago, sortable=True)
    person = column("state", _("who writes"), who)
    phone = column("state", _("conversation"), lambda state: admin_link(state, title_of(state)))
    changed = column("changes", _("what changed"), changes_in_short)
    outcome_shown = column("outcome", _("outcome"), outcome_pill)
    failure = computed(_("failure"), _failure)
    sent_with = column("key", _("API key"))
    changed_fields = column(
        "changes", _("before and after"), changes_table, empty=_("Nothing new but the time.")
    )
    warned = column("warnings", _("warnings"), warnings_table, empty=_("None."))
    said = column("body", _("body as sent"), lambda body: as_code(pretty({"body": body})))
    duration = column("duration_ms", _("time until COMMIT"), "{} ms".format)
