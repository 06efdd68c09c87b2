"""The texts of alerts, one for each kind. They contain nothing that a lead said."""

from monitoring.limits import LATE_MINUTES, RATE_MINUTES
from monitoring.models.alerts import AlertKind

TEXTS = {
    AlertKind.NEW_CAUSE: "New cause of failures: {cause}. Open failures: {count}.",
    AlertKind.REGRESSION: "Cause of failures is back: {cause}. Open failures: {count}.",
    AlertKind.FAILURE_RATE: (
        "{failed} of {total} messages of the last {minutes} minutes did not reach their lead "
        "(limit: {limit} %). {workspace}"
    ),
    AlertKind.SILENCE: "No message for over {hours} hours. {workspace} Is its bot running?",
    AlertKind.BACKLOG: (
        "Retries that are more than {late} minutes late: {count}. The workers do not keep up: "
        "start another."
    ),
    AlertKind.REVOKED_KEY: (
        "A key that is revoked or expired, or whose bot is switched off, is still in use: {key}. "
        "Nothing that it sends is saved. Give its bot a valid key."
    ),
    AlertKind.PLAIN_HTTP: (
        "A bot calls /sarah/state over plain HTTP, where its key can be read: {key}. "
        "Let the bot call https://."
    ),
    AlertKind.FLOOD: (
        "{limit} unknown numbers became leads within an hour, which is the limit: no more are "
        "created for now, and their conversations are kept. {workspace} After a real rush, raise "
        "the limit there."
    ),
}


def text_of(kind: AlertKind, **values: object) -> str:
    """Return the text of an alert of this kind."""
    return TEXTS[kind].format(minutes=RATE_MINUTES, late=LATE_MINUTES, **values)
