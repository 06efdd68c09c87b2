"""Fields and values of a lead in words."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.utils import label_for_field
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Contact
from contacts.workflow import SARAH
from sarah.facts import BY_KEY, EMPTY
from sarah.models import ConversationState

SHOWN = 160
"""Characters of a value within a sentence."""
FEW_VALUES: dict[str, Sequence[tuple[Any, Any]]] = {
    **{
        name: Contact._meta.get_field(name).flatchoices  # type: ignore[union-attr]
        for name in ("language", "lead_temperature", "lead_status")
    },
    "state": ConversationState.choices,
}
OF_MESSAGES = {"state": gettext_lazy("State"), "message_count": gettext_lazy("Messages")}


def label_of(name: str) -> str:
    """The name of a lead's field, or of a field of a message (`extracted_data.goals`)."""
    key = name.removeprefix("extracted_data.")
    if name in OF_MESSAGES:
        return str(OF_MESSAGES[name])
    if key in BY_KEY:
        key = BY_KEY[key].field
    if key in {field.name for field in Contact._meta.get_fields()}:
        return capfirst(str(label_for_field(key, Contact)))
    return capfirst(key.replace("_", " "))


def told(name: str, value: object) -> str:
    """The value of a field within a sentence."""
    if value in EMPTY:
        return "–"  # noqa: RUF001 (a dash is what an empty value shows)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return Truncator(", ".join(map(str, value))).chars(SHOWN)
    text = dict(FEW_VALUES.get(name, ())).get(value, value)
    return Truncator(str(text)).chars(SHOWN)


def name_of(person: Any) -> str:
    return str(person.get_full_name() or person.get_username()) if person else ""


def signature(by: str) -> str:
    """Who signed: Sarah by the name that people know."""
    return "Sarah" if by == SARAH else by


def exactly(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j M Y, H:i")


def lasting(moment: datetime | None) -> SafeString:
    """How long ago that was, as “2 hours”; the tooltip has the exact time."""
    if moment is None:
        return SafeString("")
    local, age = timezone.localtime(moment), timezone.now() - moment
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        exactly(moment),
        _("a moment") if age < timedelta(minutes=1) else timesince(moment, depth=1),
    )
