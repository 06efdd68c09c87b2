"""Remembers who was erased, so that nothing old brings them back.

Of a person remain hashes of phone and BSUID, made with a key of their own, and the time: in the
database, and in a list beside it (`erasure_list.py`), because a restored backup knows of no later
erasure.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet

from contacts import erasure_list
from contacts.models import Erasure
from leadsync.infra import clock

KEY_FILE = "erasure.key"
"""In `var/`, made with the first erasure if LEADSYNC_ERASURE_KEY is not set."""


def is_erased_since(identity: str, arrived_at: datetime) -> bool:
    """Whether this person (E.164 phone or BSUID) was erased after something of theirs arrived.

    Ask it before anything comes in late: from a spool, a queue or an import. What arrived after the
    erasure is a new message of a new person.
    """
    return _of(identity).filter(erased_at__gte=arrived_at).exists()


def is_erased(identity: str) -> bool:
    """The same for what has no time of arrival, such as a recording."""
    return _of(identity).exists()


def erased_among(identities: Iterable[str]) -> set[str]:
    """Which of these many were erased; in one query, for what has no time of arrival either."""
    key = _key()
    digests = {_digest(identity, key): identity for identity in identities} if key else {}
    erased = Erasure.objects.filter(digest__in=digests).values_list("digest", flat=True)
    return {digests[digest] for digest in erased}


def those_among(identities: Iterable[str], erased: Mapping[str, datetime]) -> dict[str, datetime]:
    """Which of these many were erased, and when; `erased` are times by digest."""
    key = _key()
    digests = {identity: _digest(identity, key) for identity in identities} if key else {}
    return {one: erased[digest] for one, digest in digests.items() if digest in erased}


def remember(identities: Iterable[str]) -> datetime:
    """Record that these are erased now. The list comes first: what is erased must stand in it."""
    clock.measure()
    now, key = clock.now(), _key() or _new_key()
    erasures = [
        Erasure(digest=_digest(identity, key), key_check=_check(key), erased_at=now)
        for identity in identities
    ]
    erasure_list.append(erasures)
    save(erasures)
    return now


def save(erasures: Iterable[Erasure]) -> None:
    """Add these to the database; of two of one person, the later one counts."""
    for erasure in erasures:
        Erasure.objects.bulk_create([erasure], ignore_conflicts=True)
        earlier = Erasure.objects.filter(digest=erasure.digest, erased_at__lt=erasure.erased_at)
        earlier.update(erased_at=erasure.erased_at)


def made_with_other_keys() -> int:
    """How many erasures cannot be recognised here, because another key made them."""
    key = _key()
    return Erasure.objects.exclude(key_check=_check(key) if key else "").count()


def _of(identity: str) -> QuerySet[Erasure]:
    key = _key()
    return Erasure.objects.filter(digest=_digest(identity, key) if key else "")


def _digest(identity: str, key: bytes) -> str:
    return hmac.new(key, identity.encode(), hashlib.sha256).hexdigest()


def _check(key: bytes) -> str:
    return _digest("", key)[:8]


def _key() -> bytes | None:
    """The key; None if none was made yet, and so nobody was erased here."""
    if settings.LEADSYNC_ERASURE_KEY:
        return settings.LEADSYNC_ERASURE_KEY.encode()
    with suppress(FileNotFoundError):
        return _file().read_bytes()
    return None


def _new_key() -> bytes:
    """Make the file at once with its content: another process may be making it, too."""
    draft = _file().with_suffix(f".{secrets.token_hex(4)}")
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex())
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, _file())
    draft.unlink()
    return _file().read_bytes()


def _file() -> Path:
    return Path(settings.VAR_DIR) / KEY_FILE
