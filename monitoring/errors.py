"""How an exception is told: in full to the failure log, without its message everywhere else."""

import traceback


def describe(error: BaseException) -> str:
    """Class and message, for the failure row that only staff read."""
    return f"{type(error).__name__}: {error}"


def full_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def frames(error: BaseException) -> str:
    """Class and frames, for a log: an exception's message can carry names and phone numbers."""
    calls = traceback.extract_tb(error.__traceback__)
    where = " > ".join(f"{call.filename}:{call.lineno} {call.name}" for call in calls)
    return f"{type(error).__name__} at {where}"
