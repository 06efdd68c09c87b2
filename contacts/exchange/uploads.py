"""Keeps a file that somebody uploaded until it is imported: a day at most, on this disk."""

import os
import re
import secrets
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

FOLDER = "imports"
"""In `var/`, for the server's user only."""
KEPT_SECONDS = 24 * 60 * 60
NAME = r"[0-9a-f]{32}"


def keep(parts: Iterable[bytes]) -> str:
    """Store a file; returns the token that leads to it."""
    forget(older_than=KEPT_SECONDS)
    token = secrets.token_hex(16)
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    made = os.open(_folder() / token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(made, "wb") as file:
        file.writelines(parts)
    return token


def path_of(token: str) -> Path | None:
    """Return where the file is; None if it is not on this server, or not any more."""
    path = _folder() / token
    return path if re.fullmatch(NAME, token) and path.exists() else None


def refused_of(token: str) -> Path:
    """Return where the rows stand that were refused of it."""
    return _folder() / f"{token}.csv"


def forget(*, older_than: int = 0) -> None:
    """Delete the files that are older than so many seconds: all, if somebody is erased."""
    for path in _folder().glob("*"):
        if path.stat().st_mtime <= time.time() - older_than:
            path.unlink(missing_ok=True)


def _folder() -> Path:
    return Path(settings.VAR_DIR) / FOLDER
