"""The problems of the sync: a code for programs, and for people what is wrong and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import TextChoices
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    OK = "ok"
    RECOVERING = "recovering"
    """What was wrong is over, and what it left behind is being worked."""
    DEGRADED = "degraded"


class Code(TextChoices):
    """Codes of problems, for programs."""

    UNREADABLE = "health_unreadable"
    NOT_WRITABLE = "not_writable"
    MESSAGES_REFUSED = "messages_refused"
    MESSAGES_STORED = "messages_stored"
    SPOOL_UNUSABLE = "spool_unusable"
    MESSAGES_FAILING = "messages_failing"
    WORKER_DEAD = "worker_dead"
    WORKER_MISSING = "worker_missing"
    RETRIES_LATE = "retries_late"
    NEEDS_A_PERSON = "needs_a_person"
    RUN_FAILED = "run_failed"
    RUN_LATE = "run_late"
    ALERTS_FAILING = "alerts_failing"


START_ONE = _(
    "Start one and keep it running: `manage.py sync_worker`; or let cron run "
    "`manage.py sync_worker --once`."
)
TEXTS: dict[Code, Any] = {
    Code.UNREADABLE: _(
        "These could not be read: {parts}. A table is locked or broken: look for a long "
        "transaction or a migration, and at the log."
    ),
    Code.NOT_WRITABLE: _(
        "The database takes no messages right now: it is read-only, or somebody holds a lock. End "
        "that transaction or migration, or see whether this is a standby."
    ),
    Code.MESSAGES_REFUSED: _(
        "{count} messages were refused, because neither the database nor this server's disk could "
        "take them. Free space on the disk, and look at the log."
    ),
    Code.MESSAGES_STORED: _(
        "{count} messages wait on this server's disk until the database takes them. They come in "
        "by themselves."
    ),
    Code.SPOOL_UNUSABLE: _(
        "This server's disk takes no messages: if the database goes away now, they are lost. Look "
        "at the owner and the free space of LEADSYNC_SPOOL_DIR, and at the log; if its file is "
        "damaged, move it away."
    ),
    Code.MESSAGES_FAILING: _(
        "{failed} messages of the last {minutes} minutes ({percent} %, limit {limit} %) did not "
        "reach their lead in {where}. {what}"
    ),
    Code.WORKER_DEAD: _("A worker was killed or hangs, and no other is running. {start}"),
    Code.WORKER_MISSING: _(
        "No worker has been seen for {minutes} minutes: nothing is retried, and nobody is alerted. "
        "{start}"
    ),
    Code.RETRIES_LATE: _("A retry is {minutes} minutes late. {what}"),
    Code.NEEDS_A_PERSON: _(
        "{count} conversations failed to sync too often and are no longer retried by themselves. "
        "Repair what their failures show, then run `manage.py retry_failures --kind sync_error`; "
        "or resolve the failures."
    ),
    Code.RUN_FAILED: _(
        "The last reconciliation was not completed: {error} Look at the log, then run `manage.py "
        "reconcile`."
    ),
    Code.RUN_LATE: _(
        "The last reconciliation is over {hours} hours old, though a worker is running. Restart "
        "the worker and look at its log."
    ),
    Code.ALERTS_FAILING: _(
        "{count} alerts could not be delivered. Check the addresses in the alert settings and send "
        "a test alert."
    ),
}
LOOK_AT_FAILURES = _("Look at the open failures: each says what to do.")
NEWEST_ARRIVE = _("The newest ones do; the others are retried.")
CATCHING_UP = _("The workers are catching up.")
START_ANOTHER = _("The workers do not keep up: start another one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem, and a sentence that says what to do about it."""

    code: Code
    text: Any
    """In English for programs, in the language of the page for people."""
    is_recovering: bool = False
    """Whether its reason is over, and only its consequences are left."""


def problem(code: Code, *, is_recovering: bool = False, **values: object) -> Problem:
    """Return the problem with its sentence, which says these values."""
    text = format_lazy(TEXTS[code], **values)
    return Problem(code=code, text=text, is_recovering=is_recovering)


def status_of(problems: Iterable[Problem]) -> Status:
    found = {problem.is_recovering for problem in problems}
    if False in found:
        return Status.DEGRADED
    return Status.RECOVERING if found else Status.OK
