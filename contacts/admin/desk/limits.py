"""How many leads one click may change."""

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from contacts.models import ContactQuerySet
from leadsync.infra.db import CAP, capped_count


def is_reasonable(request: HttpRequest, leads: ContactQuerySet) -> bool:
    """Return whether these leads are few enough; if not, tell the person."""
    if capped_count(leads) <= CAP:
        return True
    text = _("Nothing was changed: these are more than %d leads. Filter the list first.")
    messages.error(request, text % CAP)
    return False
