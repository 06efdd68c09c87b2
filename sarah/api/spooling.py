"""Store and forward: what the database cannot take now is stored on this machine's disk, and
received as soon as it can."""

import logging
import time
from datetime import UTC, datetime
from threading import Thread
from typing import Any
from uuid import UUID

from django.db import Error, connection

from contacts.addresses import InvalidUserId
from contacts.phones import InvalidPhone
from leadsync import outage
from leadsync.infra import clock, spool
from leadsync.infra.bodies import UnreadableBody, as_evidence, parse_body
from leadsync.infra.db import is_busy, is_unavailable
from leadsync.infra.requests import request_id
from leadsync.infra.spool import SpoolUnavailable, Stored
from leadsync.models import ApiKey, Scope
from monitoring.alerts.machine import notice_full_disks
from monitoring.errors import as_failure, frames
from monitoring.kinds import Kind
from monitoring.models import Refusal
from monitoring.titles import Why
from sarah.addressing import ForeignWorkspace
from sarah.api.refusals import keep_refused
from sarah.guards import record_failure
from sarah.journal import Arrival
from sarah.reading import read_message
from sarah.receive import PersonErased, receive

logger = logging.getLogger(__name__)

POLL = 0.5
"""Seconds between two looks into the spool."""
LOOK_EVERY = 60.0
"""Seconds between two looks at this machine's clock and disks."""
_paused_until: dict[str, float] = {}
"""When this process tries again a message that broke our code (`time.monotonic()`), by its id."""
MAX_ATTEMPTS = 10
"""After so many, with doubling pauses (17 minutes), a message that breaks our code is set aside as
a refused body."""
REVOKED = "The message was stored while the database was away; its key is no longer valid."
UNUSABLE = "The message was sent while the database was away, and its body is not usable."
FOREIGN = "This key is bound to another workspace."
LOST_MESSAGES = (
    "{count} messages were answered 503 between {first} and {last}, because neither the database "
    "nor the disk of this machine could take them. They are lost: look at what their bots know."
)


def store(arrival: Arrival, key: ApiKey) -> None:
    """Store a message durably for later; raises SpoolUnavailable."""
    message = Stored(
        id=arrival.id.hex,
        arrived_at=arrival.at.timestamp(),
        body=arrival.raw,
        key_digest=key.digest,
        client_address=arrival.client_address,
        request_id=request_id.get(),
    )
    spool.add(message)


def start_drainer() -> None:
    """Bring in what is stored, in the background, as long as this process lives."""
    Thread(target=_keep_draining, name="drainer", daemon=True).start()


def drain() -> int:
    """Receive what is in the spool, first in first out; returns how many messages were taken out.

    Of all processes of this machine, one drains at a time. A message is removed once it is
    committed; if the process is killed in between, the journal tells that it is in. Raises Error
    if the database is away.
    """
    outage.move_refusals_to_spool()
    taken = number = 0
    held_up: set[str] = set()
    with spool.only_drainer() as is_mine:
        while is_mine and (stored := spool.waiting(after=number)):
            number = stored.number
            taken += _take(stored, held_up)
        if is_mine:
            _report_refusals()
        if taken and not spool.contents().waiting:
            spool.scrub()
    return taken


def _keep_draining() -> None:
    try:
        spool.prepare()
    except SpoolUnavailable as error:  # the first message that needs it tries again
        logger.error("This machine's disk takes no messages: %s", error)
    look_at = 0.0
    while True:
        try:
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + LOOK_EVERY
                clock.measure()
                notice_full_disks()
            drain()
        except (Error, SpoolUnavailable) as error:
            logger.warning("Stored messages cannot be brought in yet: %s", frames(error))
        except Exception as error:  # noqa: BLE001 (guard: the drainer outlives a bug)
            logger.error("Bringing in stored messages failed: %s", frames(error))
        connection.close()
        time.sleep(POLL)


def _take(stored: Stored, held_up: set[str]) -> bool:
    """Receive one message; False if it stays, with all later ones of the same person.

    One person's locked conversation does not hold up the others. Raises Error if the database is
    away.
    """
    body = _parsed(stored)
    people = _people_in(body)
    if people & held_up or time.monotonic() < _paused_until.get(stored.id, 0.0):
        held_up |= people
        return False
    token = request_id.set(stored.request_id)
    try:
        is_done = _receive_or_refuse(stored, body)
    except Exception as error:
        if is_unavailable(error) and not is_busy(error):
            raise
        is_done = False
        if not is_busy(error):
            logger.error("A stored message could not be received: %s", frames(error))
            _paused_until[stored.id] = time.monotonic() + 2**stored.attempts
            spool.count_attempt(stored)
    finally:
        request_id.reset(token)
    if is_done:
        spool.remove(stored)
    else:
        held_up |= people
    return is_done


def _parsed(stored: Stored) -> dict[str, object]:
    """The message; empty if its body is unusable, as of one that was refused meanwhile."""
    try:
        return parse_body(stored.body)
    except UnreadableBody:
        return {}


def _people_in(body: dict[str, object]) -> set[str]:
    """Whom the message is about, in whatever spelling: the last digits of the phone, and the id."""
    digits = "".join(filter(str.isdigit, str(body.get("contact_phone") or "")))
    return {digits[-8:], str(body.get("business_scoped_user_id") or "")} - {""}


def _receive_or_refuse(stored: Stored, body: dict[str, object]) -> bool:
    """Receive one message, or keep it as a refused one; False if that could not be written."""
    key = ApiKey.objects.with_digest(stored.key_digest)
    outage.end()
    if key is None:
        return _record_orphan(stored)
    refusal = _receive(stored, body, key)
    return refusal is None or keep_refused(key, stored.body, **refusal)


def _receive(stored: Stored, body: dict[str, object], key: ApiKey) -> dict[str, Any] | None:
    """Receive one message, or return why it is refused."""
    if not key.is_valid or not key.allows(Scope.STATES_WRITE):
        return {"refusal": Refusal.KEY, "error": REVOKED, "subject": Why.KEY_ENDED}
    if not _people_in(body):
        return {
            "refusal": Refusal.BODY,
            "error": UNUSABLE,
            "subject": Why.NO_PHONE if body else Why.NOT_JSON,
        }
    try:
        receive(_arrival_of(stored, body, key))
    except PersonErased:
        pass
    except (InvalidPhone, InvalidUserId) as error:
        return {"refusal": Refusal.BODY, "error": str(error), "subject": Why.BAD_PHONE}
    except ForeignWorkspace:
        return {"refusal": Refusal.KEY, "error": FOREIGN, "subject": Why.FOREIGN}
    except Exception as error:
        if is_unavailable(error) or stored.attempts + 1 < MAX_ATTEMPTS:
            raise
        return {"refusal": Refusal.CRASH, **as_failure(error)}
    return None


def _arrival_of(stored: Stored, body: dict[str, object], key: ApiKey) -> Arrival:
    arrived_at = datetime.fromtimestamp(stored.arrived_at, UTC)
    return Arrival(
        message=read_message(body, now=arrived_at),
        raw=stored.body,
        started=time.perf_counter(),
        key_workspace=key.workspace,
        key_id=key.pk,
        client_address=stored.client_address,
        at=min(arrived_at, clock.now()),
        id=UUID(stored.id),
        was_stored=True,
    )


def _record_orphan(stored: Stored) -> bool:
    """Record a message whose key was deleted meanwhile."""
    evidence = as_evidence(stored.body)
    return record_failure(kind=Kind.REJECTED_PAYLOAD, error=REVOKED, **evidence) is not None


def _report_refusals() -> None:
    """Put on record how many messages were lost, now that the database is back."""
    refusals = spool.contents().refusals
    if not refusals.count:
        return
    first, last = (
        datetime.fromtimestamp(at or 0, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        for at in (refusals.first_at, refusals.last_at)
    )
    error = LOST_MESSAGES.format(count=refusals.count, first=first, last=last)
    same = f"503 {first}"
    if record_failure(kind=Kind.REJECTED_PAYLOAD, error=error, fingerprint=same) is not None:
        spool.forget_refusals(refusals)
