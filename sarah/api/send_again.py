"""Sends refused messages again, through the door that refused them."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from contacts.addresses import InvalidUserId
from contacts.phones import InvalidPhone
from leadsync.infra.bodies import MAX_BODY, BodyTooLarge, UnreadableBody, parse_body
from leadsync.infra.db import LOST
from leadsync.models import ApiKey, Scope
from monitoring.errors import describe, frames
from monitoring.models import RefusedBody, RefusedBodyQuerySet, SyncFailure
from monitoring.models.refused import close_sent
from sarah.addressing import ForeignWorkspace
from sarah.journal import Arrival
from sarah.reading import read_message
from sarah.receive import PersonErased, receive

logger = logging.getLogger(__name__)

AT_ONCE, PATIENCE = 50, 5.0
"""How many messages are received, for about how many seconds, while a person waits."""
FOREIGN = "It names another workspace than the one that its key is bound to."
NO_KEY = "Its key is not valid, and its bot has no other that may write. Make one (create_bot)."


class NoValidKey(Exception):
    """Nobody may send this message any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentAgain:
    """How many messages were received, why others were refused again, and how many are left."""

    received: int
    refused: Counter[str]
    left: int = 0


def send_now(bodies: RefusedBodyQuerySet, *, by: str) -> SentAgain:
    """Send as many of these again as `by` can be made to wait for."""
    asked = bodies.count()
    ends_at = time.monotonic() + PATIENCE
    reasons: Counter[str] = Counter()
    for why in send_each(bodies, by=by):
        reasons[why] += 1
        if reasons[""] == AT_ONCE or time.monotonic() > ends_at:
            break
    return tally(reasons, asked=asked)


def tally(reasons: Counter[str], *, asked: int) -> SentAgain:
    """Sum up what `send_each` yielded."""
    refused = Counter({why: count for why, count in reasons.items() if why})
    return SentAgain(received=reasons[""], refused=refused, left=asked - reasons.total())


def send_each(bodies: RefusedBodyQuerySet, *, by: str) -> Iterator[str]:
    """Send these again in their order, each in a commit of its own; yields why it was refused
    again, or a blank.

    What is received is kept no longer, and a failure of which no body is left is closed, signed
    `by`. If two send the same, it is received twice, which changes nothing.
    """
    for pk in list(bodies.order_by("received_at", "pk").values_list("pk", flat=True)):
        if refused := _with_key(pk):
            yield _send_and_settle(refused, by=by)


def send_corrected(pk: int, body: bytes, *, by: str) -> str:
    """Send a refused message as a person has corrected it; returns why it was refused again, or a
    blank. If it was received meanwhile, nothing is left to do."""
    refused = _with_key(pk)
    if refused is None:
        return ""
    refused.body = body
    return _send_and_settle(refused, by=by)


def _with_key(pk: int) -> RefusedBody | None:
    return RefusedBody.objects.select_related("key__user", "key__workspace").filter(pk=pk).first()


def _send_and_settle(refused: RefusedBody, *, by: str) -> str:
    if why := _send(refused):
        RefusedBody.objects.filter(pk=refused.pk).update(error=why)
        return why
    failure_id = refused.failure_id or 0
    refused.delete()
    close_sent(SyncFailure.objects.filter(pk=failure_id), by=by)
    return ""


def _send(refused: RefusedBody) -> str:
    """Send one; returns why it was refused again, or a blank."""
    try:
        _receive(refused, key=_sender_of(refused))
    except LOST:
        raise
    except (UnreadableBody, InvalidPhone, InvalidUserId, BodyTooLarge) as error:
        return str(error)
    except ForeignWorkspace:
        return FOREIGN
    except NoValidKey:
        return NO_KEY
    except PersonErased:
        return ""
    except Exception as error:  # noqa: BLE001 (guard: one message must not stop the others)
        logger.error("Refused message %s failed again: %s", refused.pk, frames(error))
        return describe(error)
    return ""


def _receive(refused: RefusedBody, *, key: ApiKey) -> None:
    """Receive it as what was said when it was refused: a later message may have overtaken it."""
    raw = bytes(refused.body)
    if len(raw) > MAX_BODY:
        raise BodyTooLarge(raw)
    message = read_message(parse_body(raw), now=refused.received_at)
    if message.contact_phone is None and not message.user_id:
        raise UnreadableBody("contact_phone is required")
    receive(
        Arrival(
            message=message,
            raw=raw,
            started=time.perf_counter(),
            key_workspace=key.workspace,
            key_id=key.pk,
            at=refused.received_at,
            was_stored=True,
        )
    )


def _sender_of(refused: RefusedBody) -> ApiKey:
    """The message's key, or the newest one of its bot that may write by now."""
    key = refused.key
    if key is None:
        raise NoValidKey
    others = key.user.api_keys.valid().select_related("user", "workspace").order_by("-created_at")
    for one in (key, *others):
        if one.is_valid and one.allows(Scope.STATES_WRITE):
            return one
    raise NoValidKey
