"""How log lines read: class and frames of an exception, never its message or a query string,
because both carry phone numbers and names."""

import logging
import re
import traceback
from copy import copy
from types import TracebackType

QUERY_STRING = re.compile(r"\?[^\s\"']*")


class DiscreetFormatter(logging.Formatter):
    """One line `time LEVEL logger message`, followed by the frames of the exception if any."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name} {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        record = copy(record)
        # A handler before us may have formatted the exception with its message.
        record.exc_text = None
        if isinstance(record.args, tuple):
            record.args = tuple(
                type(arg).__name__ if isinstance(arg, BaseException) else arg for arg in record.args
            )
        if record.name == "django.server":
            record.msg, record.args = QUERY_STRING.sub("", record.getMessage()), ()
        return super().format(record)

    def formatException(  # noqa: N802 (logging's name)
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, ...],
    ) -> str:
        kind, _error, trace = ei
        frames = "".join(traceback.format_tb(trace))
        return f"{frames}{kind.__name__ if kind else 'unknown error'}"
