"""The spool: a small SQLite file on this machine's disk for messages the database cannot take.

Shared by all processes of the machine. Its whole size is allocated when it is made, journal
included, so a full disk leaves room for it; each write is synced to the disk before it returns.
"""

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from uuid import uuid4

from django.conf import settings

SIZE = 16 * 1024 * 1024
PAGE = 4096
JOURNAL = 512 * 1024
"""Bytes for the pages that one write changes; the largest message changes some twenty."""
WAIT = 2.0
"""Seconds to wait for one's turn."""
TURN_EVERY = 0.001
"""Seconds between two looks whether another process is done."""
KEYS_KEPT = 600
"""Seconds after its last use for which a key is known while the database is away."""

_threads = Lock()

# `refusals` always has its one row: counting needs no room.
SCHEMA = """
CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, arrived_at REAL NOT NULL,
    body BLOB NOT NULL, key_digest TEXT NOT NULL, client_address TEXT, request_id TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE keys (digest TEXT PRIMARY KEY, scopes TEXT NOT NULL, used_at REAL NOT NULL);
CREATE TABLE refusals (count INTEGER NOT NULL, first_at REAL, last_at REAL);
INSERT INTO refusals (count) VALUES (0);
"""


class SpoolUnavailable(Exception):
    """The spool is full, or the disk cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A message in the spool. Times are this machine's, in seconds since 1970."""

    id: str
    arrived_at: float
    body: bytes
    key_digest: str
    client_address: str | None
    request_id: str
    number: int = 0
    """The order of arrival."""
    attempts: int = 0
    """How often it could not be received though the database was there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """How many messages neither the database nor the spool could take, and when."""

    count: int = 0
    first_at: float | None = None
    last_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What is in the spool."""

    waiting: int = 0
    oldest_at: float | None = None
    newest_at: float | None = None
    refusals: Refusals = Refusals()


def add(message: Stored) -> None:
    """Store a message durably; raises SpoolUnavailable if that is not possible."""
    with _open(create=True) as spool:
        spool.execute(
            "INSERT INTO messages (id, arrived_at, body, key_digest, client_address, request_id)"
            " VALUES (:id, :arrived_at, :body, :key_digest, :client_address, :request_id)",
            asdict(message),
        )


def waiting(*, after: int = 0) -> Stored | None:
    """Return the first message with a number above `after`."""
    with _open() as spool:
        found = spool.execute(
            "SELECT * FROM messages WHERE number > ? ORDER BY number LIMIT 1", [after]
        )
        names = [column for column, *_ in found.description]
        rows = found.fetchall()
    return Stored(**dict(zip(names, rows[0], strict=True))) if rows else None


def remove(message: Stored) -> None:
    with _open() as spool:
        spool.execute("DELETE FROM messages WHERE number = ?", [message.number])


def count_attempt(message: Stored) -> None:
    with _open() as spool:
        spool.execute(
            "UPDATE messages SET attempts = attempts + 1 WHERE number = ?", [message.number]
        )


def remember_key(digest: str, *, scopes: str, now: float) -> None:
    """Know this key for ten minutes; raises SpoolUnavailable."""
    with _open(create=True) as spool:
        spool.execute("DELETE FROM keys WHERE used_at < ?", [now - KEYS_KEPT])
        spool.execute("REPLACE INTO keys VALUES (?, ?, ?)", [digest, scopes, now])


def scopes_of(digest: str, *, now: float) -> str:
    """Return the scopes of a key that was used in the last ten minutes, else a blank."""
    sql = "SELECT scopes FROM keys WHERE digest = ? AND used_at BETWEEN ? AND ?"
    with _open() as spool:
        rows = spool.execute(sql, [digest, now - KEYS_KEPT, now]).fetchall()
    return str(rows[0][0]) if rows else ""


def count_refusals(refusals: Refusals) -> None:
    """Add to the count of refused messages; needs no room. Raises SpoolUnavailable."""
    with _open(create=True) as spool:
        spool.execute(
            "UPDATE refusals SET count = count + ?, last_at = ?, first_at = ifnull(first_at, ?)",
            [refusals.count, refusals.last_at, refusals.first_at],
        )


def forget_refusals(refusals: Refusals) -> None:
    """Take these from the count, because they are on record."""
    with _open() as spool:
        spool.execute("UPDATE refusals SET count = count - ?, first_at = last_at", [refusals.count])
        spool.execute("UPDATE refusals SET first_at = NULL, last_at = NULL WHERE count = 0")


def contents(*, wait: float = WAIT) -> Contents:
    """Return what waits and what was refused; raises SpoolUnavailable if it cannot be read."""
    with _open(wait=wait) as spool:
        ((count, oldest, newest),) = spool.execute(
            "SELECT count(*), min(arrived_at), max(arrived_at) FROM messages"
        )
        ((refused, first, last),) = spool.execute("SELECT count, first_at, last_at FROM refusals")
    return Contents(
        waiting=count,
        oldest_at=oldest,
        newest_at=newest,
        refusals=Refusals(count=refused, first_at=first, last_at=last),
    )


def scrub() -> None:
    """Overwrite what SQLite's journal still holds of messages that were taken out: it keeps old
    pages. An empty journal is one of zeros."""
    journal = _path().with_name(f"{_path().name}-journal")
    with suppress(OSError, SpoolUnavailable), _turn(_path(), WAIT):
        _write(journal, bytes(JOURNAL))


def prepare() -> None:
    """Make the spool while there is room on the disk; raises SpoolUnavailable."""
    with _open(create=True):
        pass


@contextmanager
def only_drainer() -> Iterator[bool]:
    """Whether the caller is the only one of this machine who takes messages out, until the end."""
    if not _path().exists():
        yield False
        return
    with _lock_file(_path().with_name("drainer.lock")) as lock:
        yield _try_lock(lock)


def _path() -> Path:
    return Path(settings.LEADSYNC_SPOOL_DIR) / "messages.sqlite3"


@contextmanager
def _open(*, create: bool = False, wait: float = WAIT) -> Iterator[sqlite3.Connection]:
    """A transaction in the spool. Without a spool, reading finds it empty."""
    path = _path()
    try:
        if not path.exists():
            if not create:
                with closing(_connect(":memory:")) as empty:
                    empty.executescript(SCHEMA)
                    yield empty
                return
            _make(path)
        with _turn(path, wait), closing(_connect(f"file:{path}?mode=rw")) as spool:
            spool.execute("BEGIN IMMEDIATE")
            yield spool
            spool.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        raise SpoolUnavailable(f"{type(error).__name__} on the spool") from error


@contextmanager
def _turn(path: Path, wait: float) -> Iterator[None]:
    """One at a time, threads and processes. SQLite's own waiting is no queue: with twelve callers
    it serves 30 a second, and some wait for seconds."""
    give_up_at = time.monotonic() + wait
    if not _threads.acquire(timeout=wait):
        raise SpoolUnavailable("Other threads use the spool.")
    try:
        with _lock_file(path.with_name("messages.lock")) as lock:
            while not _try_lock(lock):
                if time.monotonic() > give_up_at:
                    raise SpoolUnavailable("Another process uses the spool.")
                time.sleep(TURN_EVERY)
            yield
    finally:
        _threads.release()


@contextmanager
def _lock_file(path: Path) -> Iterator[int]:
    """A file to lock; closing it ends the lock, as does the end of the process."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _connect(address: str) -> sqlite3.Connection:
    spool = sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None)
    spool.executescript(
        # PERSIST: the journal keeps its room. FULL: synced before a write returns. Secure: what was
        # taken out is personal data.
        "PRAGMA journal_mode = PERSIST; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
        f"PRAGMA max_page_count = {SIZE // PAGE};"
    )
    return spool


def _make(path: Path) -> None:
    """Allocate everything under another name first: several processes may start at once, and
    each may be killed."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"draft-{uuid4().hex}")
    try:
        _write(draft, b"")
        with closing(_connect(f"file:{draft}?mode=rw")) as spool:
            spool.executescript("PRAGMA journal_mode = MEMORY; CREATE TABLE room (bytes BLOB);")
            spool.execute("INSERT INTO room VALUES (zeroblob(?))", [SIZE - 32 * PAGE])
            spool.executescript(f"DROP TABLE room; {SCHEMA}")
        journal = path.with_name(f"{path.name}-journal")
        with _turn(path, WAIT):
            if not path.exists():
                _write(journal, bytes(JOURNAL))
                os.link(draft, path)
        _sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        while content:
            content = content[os.write(handle, content) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
