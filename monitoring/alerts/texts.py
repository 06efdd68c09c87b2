"""The texts of alerts in the active language: what is wrong, and what to do about it.

They contain nothing that a lead said.
"""

from collections.abc import Mapping
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from monitoring.kinds import advice_on
from monitoring.limits import LATE_MINUTES, RATE_MINUTES
from monitoring.models import FailureGroup
from monitoring.models.alerts import ABOUT_CAUSES, Alert, AlertKind

TEXTS: dict[str, Any] = {
    AlertKind.NEW_CAUSE: gettext_lazy("{where}: new cause of failures: {cause}."),
    AlertKind.REGRESSION: gettext_lazy("{where}: a cause of failures is back: {cause}."),
    AlertKind.FAILURE_RATE: gettext_lazy(
        "{where}: {failed} of {total} messages of the last {minutes} minutes did not reach their "
        "lead (limit: {limit} %)."
    ),
    AlertKind.SILENCE: gettext_lazy("{where}: no message for over {hours} hours."),
    AlertKind.BACKLOG: gettext_lazy("Retries that are more than {late} minutes late: {count}."),
    AlertKind.REVOKED_KEY: gettext_lazy(
        "A key that is revoked or expired, or whose bot is switched off, is still in use: {key}."
    ),
    AlertKind.PLAIN_HTTP: gettext_lazy(
        "A bot calls /sarah/state over plain HTTP, where its key can be read: {key}."
    ),
    AlertKind.FLOOD: gettext_lazy(
        "{where}: {limit} unknown numbers became leads within an hour, which is the limit. No more "
        "are created for now, and their conversations are kept."
    ),
    AlertKind.BACKUP: gettext_lazy("No backup was made for over {hours} hours."),
    AlertKind.DISK: gettext_lazy("Only {free} GiB are free on the disk of {folder}."),
    AlertKind.LOCKOUT: gettext_lazy(
        "Too many wrong passwords at the admin's log-in: whoever tries has to wait."
    ),
}
OPEN_FAILURES = gettext_lazy("Open failures: {count}.")
ADVICE: dict[str, Any] = {
    AlertKind.FAILURE_RATE: gettext_lazy("Look at the open failures: each says what to do."),
    AlertKind.SILENCE: gettext_lazy("See whether its bot is running, and with a valid key."),
    AlertKind.BACKLOG: gettext_lazy("The workers do not keep up: start another one."),
    AlertKind.REVOKED_KEY: gettext_lazy(
        "Nothing that it sends is saved. Give its bot a valid key."
    ),
    AlertKind.PLAIN_HTTP: gettext_lazy("Let the bot call https://."),
    AlertKind.FLOOD: gettext_lazy("After a real rush, raise the limit of the workspace."),
    AlertKind.BACKUP: gettext_lazy(
        "See what should start `manage.py backup` each night, and run it to see whether it works."
    ),
    AlertKind.DISK: gettext_lazy("Make room on it, or enlarge it."),
    AlertKind.LOCKOUT: gettext_lazy(
        "See under “Failed log-ins” whose account it is. A colleague who forgot the password can "
        "be let in there. If it is a stranger, nothing is to be done: each try takes longer."
    ),
}
"""For causes of failures, their own."""


def sentence_of(alert: Alert, **own: object) -> str:
    """What is wrong, on one line; `own` replaces details, for somebody who may see only those."""
    if not alert.details:  # of an earlier release, which kept the text alone
        return " ".join(alert.text.split())
    return _sentence(alert.cause, {**alert.details, **own})


def cause_in(details: Mapping[str, Any]) -> FailureGroup:
    """The cause that an alert is about, in words."""
    names = ("source", "kind", "exception", "function")
    about = {name: details[name] for name in names}
    return FailureGroup(**about, subject=details.get("about", ""))


def advice_of(alert: Alert) -> str:
    """What to do about it; blank if nothing is known to help."""
    if alert.cause in ABOUT_CAUSES and alert.details:
        return advice_on(source=alert.details["source"], kind=alert.details["kind"])
    return str(ADVICE.get(alert.cause, ""))


def text_in_english(kind: str, details: Mapping[str, Any]) -> str:
    """What is kept with the alert, for programs and for releases that know no details."""
    with translation.override("en"):
        return _sentence(kind, details)


def _sentence(kind: str, details: Mapping[str, Any]) -> str:
    values = {"minutes": RATE_MINUTES, "late": LATE_MINUTES, **details}
    values["where"] = details.get("where") or _("An unknown workspace")
    text = str(TEXTS[kind])
    if kind in ABOUT_CAUSES:
        values["cause"] = cause_in(details)
        if "count" in details:
            text = f"{text} {OPEN_FAILURES}"
    return " ".join(text.format(**values).split())
