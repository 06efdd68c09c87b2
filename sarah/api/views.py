"""`/sarah/state`: Sarah's memory, which her function nodes read and write."""

import ipaddress
import logging
import time

from django.conf import settings
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from contacts.phones import InvalidPhone, to_e164
from leadsync.api.parsers import AlwaysJSON
from leadsync.infra.bodies import BodyTooLarge, read_body
from leadsync.infra.db import with_second_try
from leadsync.models import Scope
from monitoring.alerts.announce import notice_key
from monitoring.kinds import Kind
from monitoring.models import AlertKind
from sarah.addressing import ForeignWorkspace, recall, region_of
from sarah.api.schema import describe_state_view
from sarah.api.serializers import BLANK_STATE, receipt_json, state_json
from sarah.guards import record_failure
from sarah.reading import UnreadableBody, as_evidence, parse_body, read_message, read_ref
from sarah.receive import Origin, receive

logger = logging.getLogger(__name__)

MAX_RECORDED_BODY = 8 * 1024


@describe_state_view
class StateView(APIView):
    """Sarah's memory: GET it before a message, POST it after."""

    read_scope = write_scope = Scope.STATES_WRITE
    content_negotiation_class = AlwaysJSON

    def get(self, request: Request) -> Response:
        """Return the conversation with this phone, or a blank one. Creates nothing."""
        phone = _required(request.query_params.get("contact_phone"))
        ref = str(read_ref(request.query_params.get("workspace_id", "")).value)
        workspace = request.auth.workspace
        state = with_second_try(lambda: recall(phone, ref=ref, key_workspace=workspace))
        return Response(state_json(state) if state else BLANK_STATE)

    def post(self, request: Request) -> Response:
        """Save a message and sync it to the lead; 200 means that it is committed."""
        raw = read_body(request)
        body = parse_body(raw)
        _required(body.get("contact_phone"))
        message = read_message(body, now=timezone.now())
        receipt = with_second_try(
            lambda: receive(
                message,
                raw=raw,
                key_workspace=request.auth.workspace,
                origin=Origin(
                    started=self.started,
                    key_id=request.auth.pk,
                    client_address=_address_of(request),
                ),
            )
        )
        return Response(receipt_json(receipt))

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        self.started = time.perf_counter()
        is_plain = settings.SECURE_SSL_REDIRECT and not request.is_secure()
        if is_plain:
            logger.warning("A bot calls /sarah/state over plain HTTP: its key can be read.")
        super().initial(request, *args, **kwargs)
        if is_plain:
            notice_key(AlertKind.PLAIN_HTTP, request.auth)

    def handle_exception(self, exc: Exception) -> Response:
        response = super().handle_exception(_as_api_error(exc))
        is_refused = response.status_code < 500 and response.status_code != 429
        if self.request.method == "POST" and is_refused:
            self._record_refusal(str(response.data["error"]), is_known=response.status_code == 400)
        return response

    def _record_refusal(self, error: str, *, is_known: bool) -> None:
        """Record a refused message, because the bot does not look at our status.

        If the key is refused, the body is not parsed: anybody may have sent it.
        """
        key = self.request.auth or getattr(self.request, "refused_key", None)
        if key is None:
            return
        try:
            raw = read_body(self.request)
        except BodyTooLarge as too_large:
            raw = too_large.beginning
        record_failure(
            kind=Kind.REJECTED_PAYLOAD,
            error=error,
            workspace_ref=key.workspace.slug if key.workspace else "",
            contact_phone=_phone_of(raw) if is_known else "",
            **as_evidence(raw, limit=MAX_RECORDED_BODY),
        )


def _phone_of(raw: bytes) -> str:
    """The phone in a refused body, or blank."""
    try:
        return to_e164(parse_body(raw).get("contact_phone"), region=region_of(None))
    except (UnreadableBody, InvalidPhone):
        return ""


def _address_of(request: Request) -> str | None:
    """The client's address behind our proxies; None if a proxy sends something else."""
    try:
        return str(ipaddress.ip_address(BaseThrottle().get_ident(request)))
    except ValueError:
        return None


def _required(contact_phone: object) -> object:
    if contact_phone is None or contact_phone == "":
        raise ValidationError("contact_phone is required")
    return contact_phone


def _as_api_error(error: Exception) -> Exception:
    match error:
        case UnreadableBody() | InvalidPhone():
            return ValidationError(str(error))
        case ForeignWorkspace():
            return PermissionDenied("This key is bound to another workspace.")
    return error
