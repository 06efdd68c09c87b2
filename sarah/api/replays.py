"""Keeps replayed messages from bringing back who was erased."""

from django.http.request import HttpHeaders
from rest_framework.request import Request

from contacts.erasure import is_erased
from sarah.addressing import find_address
from sarah.models import SyncReason
from sarah.reading import Message
from sarah.simulator.traffic import REPLAYED

MARK = HttpHeaders.to_wsgi_name(REPLAYED)
EXCLUDED = {"success": True, "sync": False, "syncReason": SyncReason.EXCLUDED}


def is_replay_of_erased(request: Request, message: Message) -> bool:
    """Whether this was said before by somebody who was erased; raises what `find_address` does."""
    if MARK not in request.META:
        return False
    address = find_address(
        message.contact_phone,
        message.user_id,
        ref=message.workspace_ref,
        key_workspace=request.auth.workspace,
    )
    return any(map(is_erased, address.who.identities))
