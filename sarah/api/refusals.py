"""Records refused messages with their bodies, because no bot looks at our status."""

import time
from contextlib import suppress
from uuid import uuid4

from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.addresses import InvalidUserId
from contacts.phones import InvalidPhone, to_e164
from leadsync import outage
from leadsync.infra import spool
from leadsync.infra.bodies import BodyTooLarge, UnreadableBody, as_evidence, parse_body, read_body
from leadsync.infra.requests import request_id
from leadsync.infra.spool import SpoolUnavailable, Stored
from leadsync.models import ApiKey
from monitoring.errors import as_failure
from monitoring.kinds import Kind
from monitoring.models import Refusal, RefusedBody
from monitoring.titles import Why
from sarah.addressing import ForeignWorkspace, region_of
from sarah.guards import record_failure

MAX_SHOWN = 8 * 1024
REFUSALS = {
    status.HTTP_400_BAD_REQUEST: Refusal.BODY,
    status.HTTP_413_REQUEST_ENTITY_TOO_LARGE: Refusal.BODY,
    status.HTTP_401_UNAUTHORIZED: Refusal.KEY,
    status.HTTP_403_FORBIDDEN: Refusal.KEY,
    status.HTTP_500_INTERNAL_SERVER_ERROR: Refusal.CRASH,
}
"""Nothing is recorded of other answers: who is slowed down, and what we cannot save at all."""
WHYS: dict[tuple[type[Exception], ...], Why] = {
    (UnreadableBody,): Why.NOT_JSON,
    (BodyTooLarge,): Why.TOO_LARGE,
    (InvalidPhone, InvalidUserId): Why.BAD_PHONE,
    (ForeignWorkspace,): Why.FOREIGN,
    (PermissionDenied,): Why.NO_RIGHT,
    (AuthenticationFailed, NotAuthenticated): Why.KEY_ENDED,
}


def record_refusal(request: Request, error: Exception, response: Response) -> None:
    """Keep a refused message of a known key, and count it on the key's failure.

    If the key is refused, the body is not parsed: anybody may have sent it.
    """
    key: ApiKey | None = getattr(request, "known_key", None)
    refusal = REFUSALS.get(response.status_code)
    if response.status_code == status.HTTP_503_SERVICE_UNAVAILABLE:
        outage.count_refusal()
    if key is None or refusal is None:
        return
    try:
        raw = read_body(request)
    except BodyTooLarge as too_large:
        raw = too_large.beginning
    except OSError:  # the client is gone, and its body with it
        return
    if key.is_remembered:
        _record_later(raw, key)
    elif refusal == Refusal.CRASH:
        keep_refused(key, raw, refusal=refusal, **as_failure(error))
    else:
        said = str(response.data["error"])
        keep_refused(key, raw, refusal=refusal, error=said, subject=why_refused(error))


def _record_later(raw: bytes, key: ApiKey) -> None:
    """Store the body where stored messages are: it is refused again, and recorded, once the
    database is back."""
    with suppress(SpoolUnavailable):
        spool.add(
            Stored(
                id=uuid4().hex,
                arrived_at=time.time(),
                body=raw,
                key_digest=key.digest,
                client_address=None,
                request_id=request_id.get(),
            )
        )


def why_refused(error: Exception) -> Why:
    """What is wrong with a message, or its key, that raised this."""
    return next((why for classes, why in WHYS.items() if isinstance(error, classes)), Why.NO_PHONE)


def keep_refused(key: ApiKey, raw: bytes, *, refusal: Refusal, **failure: str) -> bool:
    """Keep the body of a message that was not saved, and count it on the key's failure.

    `failure` says why, as `SyncFailure.objects.record` takes it. Returns False if that could not be
    written.
    """
    evidence = as_evidence(raw, limit=MAX_SHOWN)
    cause_id = record_failure(
        kind=Kind.REJECTED_PAYLOAD,
        refused=RefusedBody(
            key_id=key.pk,
            refusal=refusal,
            digest=evidence["fingerprint"],
            body=raw,
            contact_phone="" if refusal == Refusal.KEY else _phone_of(raw, key),
            error=failure["error"],
            request_id=request_id.get(),
        ),
        workspace_ref=key.workspace.slug if key.workspace else "",
        payload=evidence["payload"],
        **failure,
    )
    return cause_id is not None


def _phone_of(raw: bytes, key: ApiKey) -> str:
    """The phone in a refused body, read as the message's would be; blank if there is none."""
    try:
        phone = parse_body(raw).get("contact_phone")
        return to_e164(phone, region=region_of(key.workspace))
    except (UnreadableBody, InvalidPhone):
        return ""
