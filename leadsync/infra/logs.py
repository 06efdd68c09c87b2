"""Log formatters that drop personal data: exception messages and query strings."""

import json
import logging
import re
import traceback
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from leadsync.infra.requests import REQUEST_ID, request_id

QUERY_STRING = re.compile(r"\?[^\s\"']*")
PHONE = re.compile(r"\+?\d(?:(?:[-\s().]|%20)*\d){6,}")
"""Seven digits or more, however they are grouped."""

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, ...]


class DiscreetFormatter(logging.Formatter):
    """One line `time LEVEL logger message`, with `request_id=…` at its end during a request,
    followed by the frames of an exception."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        return super().format(discreet(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        line = super().formatMessage(record)
        about = request_of(record)
        return f"{line} request_id={about}" if about else line

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 (logging's name)
        kind, _error, trace = ei
        frames = "".join(traceback.format_tb(trace))
        return f"{frames}{kind.__name__ if kind else 'unknown error'}"


class JSONFormatter(logging.Formatter):
    """The same as one JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        record = discreet(record)
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, object] = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if about := request_of(record):
            entry["request_id"] = about
        if record.exc_info and record.exc_info[0]:
            kind, _error, trace = record.exc_info
            calls = traceback.extract_tb(trace)
            entry["exception"] = kind.__name__
            entry["frames"] = [f"{Path(c.filename).name}:{c.lineno} {c.name}" for c in calls]
        return json.dumps(entry)


def request_of(record: logging.LogRecord) -> str:
    """The id of the record's request: the current one, or the one Django logs about after it was
    answered; blank if there is none."""
    answered = getattr(getattr(record, "request", None), "META", {})
    return request_id.get() or str(answered.get(REQUEST_ID, ""))


def discreet(record: logging.LogRecord) -> logging.LogRecord:
    """Return a copy of the record without exception messages, query strings, and phones in the
    paths that Django tells."""
    record = copy(record)
    # Another handler may already have formatted the exception, with its message.
    record.exc_text = None
    from_django = record.name.startswith("django.")
    if isinstance(record.args, tuple):
        record.args = tuple(_discreet_argument(arg, from_django) for arg in record.args)
    if from_django:
        record.msg = _without_phones(str(record.msg))
    return record


def _discreet_argument(arg: object, from_django: bool) -> object:
    if isinstance(arg, BaseException):
        return type(arg).__name__
    return _without_phones(arg) if from_django and isinstance(arg, str) else arg


def _without_phones(text: str) -> str:
    return PHONE.sub("…", QUERY_STRING.sub("", text))
