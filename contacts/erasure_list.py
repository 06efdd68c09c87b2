"""The list of erasures in a file beside the database: it outlives a restored backup."""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from contacts.models import Erasure

FILE = "erasures.jsonl"
"""In `var/`, readable by its owner only; one line for each erasure, appended and never changed."""


class UnreadableList(Exception):
    """The list cannot be used; the text says where and why."""


def read(path: Path | None = None) -> Iterator[Erasure]:
    """Yield the erasures of the list, or of another machine's; ours may not exist yet."""
    if path is None and not _path().exists():
        return
    path = path or _path()
    try:
        with path.open(encoding="ascii") as lines:
            for number, line in enumerate(lines, start=1):
                yield _read(line, where=f"{path}, line {number}")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableList(f"Cannot read {path}: {error}.") from error


def append(erasures: Iterable[Erasure]) -> None:
    """Append these durably."""
    lines = "".join(
        json.dumps([one.digest, one.key_check, one.erased_at.isoformat()]) + "\n"
        for one in erasures
    )
    _path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(_path(), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "ab+") as file:
        if file.tell() and not _ends_a_line(file):
            file.write(b"\n")  # whoever was killed while appending has left half a line
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())


def _ends_a_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def complete(known: Iterable[Erasure]) -> None:
    """Append what the list lacks."""
    listed = {(one.digest, one.erased_at) for one in read()}
    append(one for one in known if (one.digest, one.erased_at) not in listed)


def _read(line: str, *, where: str) -> Erasure:
    try:
        digest, key_check, erased_at = json.loads(line)
        at = datetime.fromisoformat(erased_at)
        usable = len(digest) == 64 and len(key_check) == 8 and at.tzinfo is not None
    except (TypeError, ValueError) as error:
        raise UnreadableList(f"{where} is not the line of an erasure ({error}).") from error
    if not usable:
        raise UnreadableList(f"{where} is not the line of an erasure.")
    return Erasure(digest=digest, key_check=key_check, erased_at=at)


def _path() -> Path:
    return Path(settings.VAR_DIR) / FILE
