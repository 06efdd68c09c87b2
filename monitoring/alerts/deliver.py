"""Sends alert messages by e-mail and webhook, and retries each until it arrives or is given up."""

import json
import logging
import smtplib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, timedelta

from django.conf import settings as site
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_noop

from monitoring import webhooks
from monitoring.alerts.messages import Message, message_of
from monitoring.errors import frames
from monitoring.models import LeadMessage
from monitoring.models.alert_deliveries import AlertDelivery, Event
from monitoring.models.alert_settings import AlertSettings, Channel

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
FIRST_DELAY = timedelta(seconds=30)
"""Four times as long after each further attempt: the last one is made after 42 minutes."""
LEASE = timedelta(minutes=2)
"""Longer than any delivery takes; after it, another worker sends that of a killed one."""
GOES_ON = 10.0
"""Seconds after which a call leaves the rest to the next one: the worker has other work, too."""
AT_ONCE = 8
MAX_SUBJECT = 150
SMTP = "django.core.mail.backends.smtp.EmailBackend"

MAIL_ERRORS = {
    smtplib.SMTPAuthenticationError: gettext_noop(
        "The mail server refuses our user name or password (EMAIL_HOST_USER, EMAIL_HOST_PASSWORD)."
    ),
    smtplib.SMTPRecipientsRefused: gettext_noop("The mail server refuses this address."),
    smtplib.SMTPSenderRefused: gettext_noop(
        "The mail server refuses our sender (DEFAULT_FROM_EMAIL)."
    ),
    smtplib.SMTPServerDisconnected: gettext_noop("The mail server closed the connection."),
    smtplib.SMTPNotSupportedError: gettext_noop(
        "The mail server does not support what our settings ask for (EMAIL_USE_TLS, "
        "EMAIL_HOST_USER)."
    ),
    smtplib.SMTPException: gettext_noop("The mail server refuses the message."),
}


class NotSent(Exception):
    """The message was not sent; the text says why, without secrets."""


def deliver_due(*, stopped: Callable[[], bool] = lambda: False) -> int:
    """Send due messages until none is left, `stopped` says so or ten seconds have passed.

    Returns how many arrived. Safe to run in several workers at once.
    """
    arrived, started = 0, time.monotonic()
    while not stopped() and time.monotonic() < started + GOES_ON and (delivery := lease_due()):
        error = attempt(delivery, message_of(delivery))
        record(delivery, error=error)
        arrived += not error
    return arrived


def lease_due() -> AlertDelivery | None:
    """Lease the message that has been due for longest, and count the attempt.

    If the worker dies, the message is due again when the lease runs out.
    """
    with transaction.atomic():
        due = AlertDelivery.objects.due().order_by("next_attempt_at", "pk")
        free = due.select_for_update(skip_locked=True, of=("self",))
        delivery = free.select_related("settings__workspace", "alert__workspace").first()
        if delivery:
            delivery.attempts += 1
            AlertDelivery.objects.filter(pk=delivery.pk).update(
                next_attempt_at=Now() + LEASE, attempts=F("attempts") + 1
            )
    return delivery


def attempt(delivery: AlertDelivery | LeadMessage, message: Message) -> str:
    """Send a message; returns the error in words, or blank. No transaction may be open."""
    try:
        _send(delivery, message)
    except Exception as error:  # noqa: BLE001 (guard: one delivery must not stop the others)
        logger.warning("%s %s failed: %s", type(delivery).__name__, delivery.pk, frames(error))
        return _in_words(error)
    return ""


def record(delivery: AlertDelivery, *, error: str) -> None:
    """Record the result of an attempt and when the next one is due, if any."""
    is_last = delivery.event == Event.TEST or delivery.attempts >= MAX_ATTEMPTS
    wait = FIRST_DELAY * 4 ** (delivery.attempts - 1)
    AlertDelivery.objects.filter(pk=delivery.pk).update(
        delivered_at=None if error else Now(),
        next_attempt_at=Now() + wait if error and not is_last else None,
        error=error,
    )


def send_test(settings: AlertSettings) -> list[tuple[AlertDelivery, str]]:
    """Send a test message to all recipients now, also of inactive settings.

    Returns each message with its error in words, or blank. Takes as long as the slowest recipient.
    """
    deliveries = [
        AlertDelivery(
            settings=settings, event=Event.TEST, channel=channel, recipient=recipient, attempts=1
        )
        for channel, recipient in settings.recipients()
    ]
    messages = list(map(message_of, deliveries))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        errors = list(pool.map(attempt, deliveries, messages))
    AlertDelivery.objects.bulk_create(deliveries)
    for delivery, error in zip(deliveries, errors, strict=True):
        record(delivery, error=error)
    return list(zip(deliveries, errors, strict=True))


def _send(delivery: AlertDelivery | LeadMessage, message: Message) -> None:
    if delivery.channel == Channel.EMAIL:
        _mail(delivery.recipient, message)
        return
    settings = delivery.settings
    body = asdict(message) | {"at": message.at.astimezone(UTC).isoformat()}
    webhooks.post(
        settings.webhook_url,
        json.dumps(body).encode(),
        secret=settings.webhook_secret,
        header=(settings.webhook_header, settings.webhook_header_value),
    )


def has_no_mail_server() -> bool:
    return bool(site.EMAIL_BACKEND == SMTP and not site.EMAIL_HOST)


def _mail(address: str, message: Message) -> None:
    if has_no_mail_server():
        raise NotSent("No mail server is configured: set EMAIL_HOST.")
    at = f"{timezone.localtime(message.at):%Y-%m-%d %H:%M %Z}"
    lines = message.text.split("\n")
    EmailMessage(
        subject=lines[0][:MAX_SUBJECT],
        body="\n\n".join((*lines, at)) + "\n",
        to=[address],
        headers={"Auto-Submitted": "auto-generated"},
    ).send()


def _in_words(error: Exception) -> str:
    """Why sending failed, in words; without the exception's message, which may contain secrets."""
    if isinstance(error, NotSent | webhooks.WebhookFailed):
        return str(error)
    for kind, sentence in MAIL_ERRORS.items():
        if isinstance(error, kind):
            return sentence
    if isinstance(error, OSError):
        return webhooks.in_words(error)
    return f"Sending failed ({type(error).__name__}). Look at the log."
