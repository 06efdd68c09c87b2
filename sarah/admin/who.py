"""Who writes to Sarah, as lists and pages name them."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.names import is_usable_name
from sarah.models import SarahState

MAX_NAME = 80
ENOUGH = 6
"""Characters of WhatsApp's id that tell two people apart."""


def name_of(state: SarahState) -> str:
    """What the lead is called, or else what they called themselves; blank if neither is known."""
    said = state.extracted_data.get("name")
    usable = said[:MAX_NAME] if isinstance(said, str) and is_usable_name(said) else ""
    return (state.contact.shown_name if state.contact else "") or usable


def address_of(state: SarahState) -> str:
    """The phone; of who hides it, the end of WhatsApp's id."""
    hidden = _("hidden number …%s") % (state.business_scoped_user_id or "")[-ENOUGH:]
    return state.contact_phone or hidden


def title_of(state: SarahState) -> str:
    return name_of(state) or address_of(state)


def who(state: SarahState) -> SafeString:
    """Render the name, and the address below it."""
    if name := name_of(state):
        return format_html('{}<span class="ld-below">{}</span>', name, address_of(state))
    return format_html("{}", address_of(state))
