"""Describes exceptions: in full for the failure log, without their message for everything else."""

import traceback
from pathlib import Path
from typing import Any


def describe(error: BaseException) -> str:
    """Class and message, for the failure log, which only staff read."""
    return f"{type(error).__name__}: {error}"


def full_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def as_failure(error: BaseException) -> dict[str, Any]:
    """The arguments of `SyncFailure.objects.record` that come from an exception."""
    return {
        "error": describe(error),
        "exception": type(error).__name__,
        "function": raised_in(error),
        "traceback": full_traceback(error),
    }


def frames(error: BaseException) -> str:
    """Class and our own stack frames, for logs: the message may contain personal data."""
    calls = traceback.extract_tb(error.__traceback__)
    ours = [call for call in calls if "site-packages" not in call.filename] or calls[-1:]
    where = " > ".join(f"{Path(call.filename).name}:{call.lineno} {call.name}" for call in ours)
    return f"{type(error).__name__} at {where}"


def raised_in(error: BaseException) -> str:
    """The innermost function of ours in the traceback, such as `sarah.sync._create_contact`; the
    innermost of all if none is ours."""
    frames = [frame for frame, _line in traceback.walk_tb(error.__traceback__)]
    ours = [frame for frame in frames if "site-packages" not in frame.f_code.co_filename] or frames
    if not ours:
        return ""
    return f"{ours[-1].f_globals.get('__name__', '?')}.{ours[-1].f_code.co_qualname}"
