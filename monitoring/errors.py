"""How an exception is told: in full to the failure log, without its message everywhere else."""

import traceback
from pathlib import Path


def describe(error: BaseException) -> str:
    """Class and message, for the failure row that only staff read."""
    return f"{type(error).__name__}: {error}"


def full_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def frames(error: BaseException) -> str:
    """Class and our own frames, for a log: an exception's message can carry personal data."""
    calls = traceback.extract_tb(error.__traceback__)
    ours = [call for call in calls if "site-packages" not in call.filename] or calls[-1:]
    where = " > ".join(f"{Path(call.filename).name}:{call.lineno} {call.name}" for call in ours)
    return f"{type(error).__name__} at {where}"
