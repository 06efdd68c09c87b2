"""The format of API keys: `ls_`, 43 random characters, and a checksum of 8 characters.

Thanks to the checksum, junk is refused without a query, and scanners recognise a leaked key. Only
the digest is stored: the key has 256 random bits, so its plain SHA-256 cannot be reversed.
"""

import hashlib
import secrets
import zlib

PREFIX = "ls_"
RANDOM_LENGTH = 43
CHECKSUM_LENGTH = 8
SHOWN_LENGTH = 10


def generate() -> str:
    random = secrets.token_urlsafe(32)
    return f"{PREFIX}{random}{_checksum(random)}"


def is_wellformed(key: str) -> bool:
    """Return whether `key` has the format and the checksum of a key."""
    random, checksum = key[len(PREFIX) : -CHECKSUM_LENGTH], key[-CHECKSUM_LENGTH:]
    return (
        key.startswith(PREFIX)
        and key.isascii()
        and len(random) == RANDOM_LENGTH
        and checksum == _checksum(random)
    )


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def shown_part(key: str) -> str:
    """Return the beginning of the key, which people may see to tell keys apart."""
    return key[:SHOWN_LENGTH]


def _checksum(random: str) -> str:
    return f"{zlib.crc32(random.encode()):08x}"
