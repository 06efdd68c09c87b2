"""The table of deliveries on the pages of alerts and alert settings."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from leadsync.admin.html import admin_link, ago, pill, table
from monitoring.models import AlertDelivery, AlertKind, Event
from monitoring.sentences import in_words

SHOWN = 20
EVENT_COLOURS = {Event.RAISED: "danger", Event.RECOVERED: "success", Event.TEST: "info"}


def deliveries_table(
    deliveries: QuerySet[AlertDelivery], *, with_alert: bool = False
) -> SafeString:
    """Render the newest of these deliveries; blank if there are none."""
    rows = []
    for one in deliveries.select_related("alert")[:SHOWN]:
        label = pill(Event(one.event).label, EVENT_COLOURS[Event(one.event)])
        link: object = ""
        if with_alert and one.alert:
            link = admin_link(one.alert, AlertKind(one.alert.cause).label)
        at = format_html('<span class="ls-aside">{}</span>', ago(one.created_at))
        rows.append(
            [
                format_html("{} {}<div>{}</div>", label, at, link),
                format_html('<div class="ls-wrap">{}</div>{}', one.recipient, _outcome(one)),
            ]
        )
    return table([_("message"), _("to")], rows)


def in_short(*, error: str, delivered_at: datetime | None) -> SafeString:
    """Show whether a message was delivered; if not, why."""
    if delivered_at:
        return format_html("{} {}", pill(_("Sent"), "success"), ago(delivered_at))
    return _with_error(_("Not sent"), "danger", error)


def _outcome(delivery: AlertDelivery) -> SafeString:
    if delivery.delivered_at:
        return pill(_("Sent"), "success")
    if not delivery.error:
        return pill(_("Waiting"), "info")
    if delivery.next_attempt_at:
        return _with_error(_("Will be retried"), "warning", delivery.error)
    text = _("Not sent") if delivery.event == Event.TEST else _("Given up")
    return _with_error(text, "danger", delivery.error)


def _with_error(text: object, colour: str, error: str) -> SafeString:
    told = '<div class="ls-wrap">{} <div class="ls-aside">{}</div></div>'
    return format_html(told, pill(text, colour), in_words(error))
