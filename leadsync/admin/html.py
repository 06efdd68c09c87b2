"""HTML of values in the admin: pills, times, texts, links and tables."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache, partial
from urllib.parse import urlencode

from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from contacts.models import Standing, Temperature
from contacts.workflow import LeadStatus

STATUS_COLOURS: dict[str, str] = {
    LeadStatus.NEW: "info",
    LeadStatus.QUALIFIED: "primary",
    LeadStatus.CONTACTED: "warning",
    LeadStatus.CONVERTED: "success",
    LeadStatus.ARCHIVED: "",
}
STANDING_COLOURS: dict[str, str] = {
    **STATUS_COLOURS,
    Standing.HANDED_OVER: "danger",
    Standing.CLOSED: "success",
    Standing.COLD: "",
}
TEMPERATURE_COLOURS: dict[str, str] = {
    Temperature.HOT: "danger",
    Temperature.WARM: "warning",
    Temperature.LUKEWARM: "",
    Temperature.COLD: "info",
}
NOTHING = "–"  # noqa: RUF001
"""Where a value is missing, and no word says why."""


def pill(text: object, colour: str = "") -> SafeString:
    """Render a small label; the colour is info, success, warning, danger, primary, or blank for
    grey."""
    return _pill(str(text), colour)


@lru_cache(maxsize=256)  # a list shows the same few a hundred times
def _pill(text: str, colour: str) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def status_pill(status: str) -> SafeString:
    return pill(LeadStatus(status).label, STATUS_COLOURS[status])


def standing_pill(standing: str) -> SafeString:
    return pill(Standing(standing).label, STANDING_COLOURS[standing])


def temperature_pill(temperature: str) -> SafeString:
    return pill(Temperature(temperature).label, TEMPERATURE_COLOURS[temperature])


def ago(moment: datetime | None) -> str:
    """Render “3 minutes ago” within a week, else the date; the tooltip has the exact time."""
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    age = timezone.now() - moment
    if timedelta() <= age < timedelta(minutes=1):
        text = _("just now")
    elif timedelta() <= age < timedelta(days=7):
        text = _("%s ago") % timesince(moment, depth=1)
    else:
        text = date_format(local, "j M Y")
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        local.isoformat(),
        date_format(local, "j M Y, H:i:s"),
        text,
    )


as_wrapped = partial(format_html, '<div class="ls-wrap">{}</div>')
as_advice = partial(format_html, '<div class="ls-advice">{}</div>')
as_code = partial(format_html, '<pre class="ls-code">{}</pre>')
as_link = partial(format_html, '<a href="{}" class="text-link">{}</a>')
"""Takes the address and the text."""


def as_json(value: object) -> SafeString:
    """Render the value as indented JSON."""
    return as_code(json.dumps(value, indent=2, ensure_ascii=False))


def admin_link(row: Model, text: object = "") -> SafeString:
    """Render a link to the row's admin page."""
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return as_link(reverse(page, args=[row.pk]), text or row)


def list_url(label: str, **filters: object) -> str:
    """Return the URL of a list, such as that of `contacts_contact`, with these filters."""
    return f"{reverse(f'admin:{label}_changelist')}?{urlencode(filters)}"


def table(headers: Iterable[object], rows: Iterable[Iterable[object]]) -> SafeString:
    """Render a small read-only table; blank if there are no rows."""
    cells = [list(row) for row in rows]
    if not cells:
        return SafeString("")
    return render_to_string("leadsync/table.html", {"headers": list(headers), "rows": cells})
