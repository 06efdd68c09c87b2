"""`/sarah/state`: Sarah's memory, which her function nodes read and write."""

import logging
import time
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.http.request import HttpHeaders
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.addresses import InvalidUserId
from contacts.erasure import is_erased
from contacts.phones import InvalidPhone
from leadsync.api.json import AlwaysJSON, RowsRenderer
from leadsync.infra import clock
from leadsync.infra.bodies import UnreadableBody, parse_body, read_body
from leadsync.infra.db import is_unavailable, with_second_try
from leadsync.infra.requests import client_address
from leadsync.infra.waits import one_deadline
from leadsync.models import ApiKey, Scope
from monitoring.alerts.announce import notice_key
from monitoring.models import AlertKind
from sarah.addressing import ForeignWorkspace, find_address, recall
from sarah.api.refusals import record_refusal
from sarah.api.schema import describe_state_view
from sarah.api.serializers import BLANK_STATE, STORED_FOR_LATER
from sarah.api.spooling import store
from sarah.journal import Arrival
from sarah.models import SarahState, SyncReason
from sarah.reading import NAME_OF_ID, Message, read_message, read_ref, read_sender
from sarah.receive import Receipt, receive
from sarah.simulator.traffic import REPLAYED

logger = logging.getLogger(__name__)

TIMES = ("created_at", "updated_at", "last_message_at")
REPLAY_MARK = HttpHeaders.to_wsgi_name(REPLAYED)
EXCLUDED = {"success": True, "sync": False, "syncReason": SyncReason.EXCLUDED}
WAITS_END_AFTER = 0.8
"""Seconds, from the look for the key on."""


@describe_state_view
class StateView(APIView):
    """Sarah's memory: GET it before a message, POST it after."""

    read_scope = write_scope = Scope.STATES_WRITE
    content_negotiation_class = AlwaysJSON
    stores_for_later = True

    def get(self, request: Request) -> Response:
        """Return the conversation with this phone, or a blank one. Creates nothing."""
        asked = request.query_params
        sender = read_sender(asked.get("contact_phone"), asked.get(NAME_OF_ID))
        phone, user_id = _required(sender.phone, sender.user_id)
        ref = str(read_ref(request.query_params.get("workspace_id", "")).value)
        workspace = request.auth.workspace
        state = with_second_try(lambda: recall(phone, user_id, ref=ref, key_workspace=workspace))
        return Response(_state_json(state, with_id=bool(user_id)) if state else BLANK_STATE)

    def post(self, request: Request) -> HttpResponse:
        """Save a message and sync it to the lead; 200 means that it is committed, or stored on this
        machine's disk while the database cannot take it."""
        raw = read_body(request)
        body = parse_body(raw)
        key: Any = request.auth
        now = clock.now()
        message = read_message(body, now=now)
        _required(message.contact_phone, message.user_id)
        if _is_replay_of_erased(request, message):
            return _answer(EXCLUDED)
        arrival = Arrival(
            message=message,
            raw=raw,
            started=self.started,
            key_workspace=key.workspace,
            key_id=key.pk,
            client_address=client_address(request),
            at=now,
        )
        receipt = _receive_or_store(arrival, key)
        return _answer(_receipt_json(receipt) if receipt else _stored_json(arrival.message))

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with one_deadline(WAITS_END_AFTER):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        self.started = time.perf_counter()
        is_plain = settings.SECURE_SSL_REDIRECT and not request.is_secure()
        if is_plain:
            logger.warning("A bot calls /sarah/state over plain HTTP: its key can be read.")
        super().initial(request, *args, **kwargs)
        if is_plain and not request.auth.is_remembered:
            notice_key(AlertKind.PLAIN_HTTP, request.auth)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(_as_api_error(exc))
        if self.request.method == "POST":
            record_refusal(self.request, exc, response)
        return response


def _answer(answer: dict[str, object]) -> HttpResponse:
    """The same bytes as DRF's `Response`, which has much to ask before it writes them."""
    return HttpResponse(RowsRenderer().render(answer), content_type="application/json")


def _receive_or_store(arrival: Arrival, key: ApiKey) -> Receipt | None:
    """Commit the message, or else store it for later: then None.

    Raises SpoolUnavailable if neither is possible.
    """
    try:
        if not key.is_remembered:
            return receive(arrival)
    except Exception as error:
        if not is_unavailable(error):
            raise
    store(arrival, key)
    return None


def _required(phone: object, user_id: str) -> tuple[object, str]:
    if phone is None and not user_id:
        raise ValidationError("contact_phone is required")
    return phone, user_id


def _as_api_error(error: Exception) -> Exception:
    match error:
        case UnreadableBody() | InvalidPhone() | InvalidUserId():
            return ValidationError(str(error))
        case ForeignWorkspace():
            return PermissionDenied("This key is bound to another workspace.")
    return error


def _is_replay_of_erased(request: Request, message: Message) -> bool:
    """Whether this was said before by somebody who was erased; raises what `find_address` does."""
    if REPLAY_MARK not in request.META:
        return False
    address = find_address(
        message.contact_phone,
        message.user_id,
        ref=message.workspace_ref,
        key_workspace=request.auth.workspace,
    )
    return any(map(is_erased, address.who.identities))


def _state_json(state: SarahState, *, with_id: bool = False) -> dict[str, object]:
    """Render a conversation as Sarah's memory; with the WhatsApp user id if asked by that."""
    by_id = {"business_scoped_user_id": state.business_scoped_user_id} if with_id else {}
    times = {name: getattr(state, name) for name in TIMES}
    paused = {"paused": True} if state.is_paused else {}
    return {
        **{name: getattr(state, name) for name in BLANK_STATE},
        "contact_phone": state.contact_phone,
        **by_id,
        "workspace_id": state.workspace.slug if state.workspace else state.workspace_ref or None,
        **times,
        **paused,
    }


def _receipt_json(receipt: Receipt) -> dict[str, object]:
    """Render the answer to a committed message."""
    answer: dict[str, object] = {"success": True, "sync": receipt.result.synced}
    if receipt.result.reason:
        answer["syncReason"] = receipt.result.reason.value
    if receipt.warnings:
        answer["warnings"] = receipt.warnings
    return answer


def _stored_json(message: Message) -> dict[str, object]:
    """Render the answer to a message that is stored until the database can take it."""
    answer = {"success": True, "sync": False, "syncReason": STORED_FOR_LATER}
    return answer | ({"warnings": message.warnings} if message.warnings else {})
