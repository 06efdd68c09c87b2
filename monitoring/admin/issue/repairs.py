"""The form that repairs a failure's message, field by field or as a whole."""

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

from leadsync.infra.bodies import UnreadableBody, parse_body
from monitoring.kinds import Kind, Source
from monitoring.models import RefusedBody, SyncFailure
from monitoring.sentences import in_words
from monitoring.titles import MENDED_IN_BODY
from sarah.api.send_again import send_corrected
from sarah.repair import flaws_of, repair

PREFIX, BODY, PHONE = "repair-", "body", "contact_phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    name: str
    value: str
    why: str
    is_long: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairForm:
    fields: list[Field]
    body: int | None = None
    """The refused message that it corrects."""


def repair_form(request: HttpRequest, failure: SyncFailure) -> RepairForm | None:
    """Return the fields to type, if a person can put this failure's message right."""
    if failure.resolved_at or not request.user.has_perm("monitoring.retry_syncfailure"):
        return None
    if failure.kind == Kind.INVALID_PAYLOAD and failure.source == Source.SARAH and failure.state:
        flaws = flaws_of(failure)
        fields = [Field(name=flaw.name, value=flaw.sent, why=in_words(flaw.why)) for flaw in flaws]
        return RepairForm(fields=fields) if fields else None
    if failure.kind == Kind.REJECTED_PAYLOAD and failure.group.subject in MENDED_IN_BODY:
        newest = failure.bodies.order_by("-received_at", "-pk").first()
        return RepairForm(fields=[_of_body(newest)], body=newest.pk) if newest else None
    return None


def send_repaired(request: HttpRequest, failure: SyncFailure) -> None:
    """Receive what was typed, and tell the person what came of it."""
    by = request.user.get_username()
    if body := failure.bodies.filter(pk=_number(request.POST.get("message"))).first():
        why = send_corrected(body.pk, _corrected(request, body), by=by)
        errors = [why] if why else []
    elif typed := _typed(request, failure):
        errors = repair(failure, typed, by=by)
    else:
        errors = [_("Type what it should have been.")]
    for error in errors:
        messages.error(request, in_words(error))
    if not errors:
        messages.success(request, _("Repaired: it is received now, and the failure is closed."))


def _of_body(body: RefusedBody) -> Field:
    """The phone alone if all else can be read."""
    try:
        sent = parse_body(bytes(body.body)).get(PHONE)
    except UnreadableBody:
        text = bytes(body.body).decode("utf-8", "replace")
        return Field(name=BODY, value=text, why=in_words(body.error), is_long=True)
    return Field(name=PHONE, value="" if sent is None else str(sent), why=in_words(body.error))


def _corrected(request: HttpRequest, body: RefusedBody) -> bytes:
    if (text := request.POST.get(f"{PREFIX}{BODY}")) is not None:
        return text.encode("utf-8", "replace")
    sent: dict[str, Any] = {}
    with suppress(UnreadableBody):
        sent = parse_body(bytes(body.body))
    return json.dumps(sent | {PHONE: request.POST.get(f"{PREFIX}{PHONE}", "")}).encode()


def _typed(request: HttpRequest, failure: SyncFailure) -> dict[str, str]:
    names = [flaw.name for flaw in flaws_of(failure)] if failure.state else []
    typed = {name: request.POST.get(f"{PREFIX}{name}", "") for name in names}
    return {name: value for name, value in typed.items() if value}


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0
