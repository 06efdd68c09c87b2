"""Checks who sent a delivery, and by which key it is known. Pure."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

HEADERS = ("X-Webhook-Signature", "X-Hub-Signature-256")
PREFIX = "sha256="
MAX_KEY = 64


def is_signed(raw: bytes, headers: Mapping[str, str], *, secrets: Iterable[str]) -> bool:
    """Whether one of the secrets signed these very bytes. Takes as long whatever is wrong."""
    sent = [headers.get(name, "").strip().removeprefix(PREFIX).encode() for name in HEADERS]
    valid = [sign(raw, secret).encode() for secret in secrets]
    return any([hmac.compare_digest(one, other) for one in sent for other in valid])  # noqa: C419


def sign(raw: bytes, secret: str) -> str:
    """The signature of a body, in lowercase hex."""
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def delivery_key(raw: bytes, headers: Mapping[str, str]) -> str:
    """The key under which a delivery is kept once: Kapso's, else the digest of the body."""
    sent = headers.get("X-Idempotency-Key", "").strip()
    fits = sent.isascii() and sent.isprintable() and 0 < len(sent) <= MAX_KEY
    return sent if fits else hashlib.sha256(raw).hexdigest()
