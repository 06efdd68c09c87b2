"""Takes the client's address and scheme from nobody but our own proxy, which knows a secret.

WSGI has one name for `X-Forwarded-For` and `X_Forwarded_For`: where a proxy passes the second on,
anybody writes over what it says in the first. `Forwarded` (RFC 7239) has no such double.
"""

from collections.abc import Callable, Iterable
from hmac import compare_digest
from typing import Any

ADDRESS, SCHEME = "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def behind_proxy(application: Application, *, secret: str) -> Application:
    """Let the application see what `Forwarded` says with this secret, and nothing else."""

    def believing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        for name in (ADDRESS, SCHEME, "HTTP_X_FORWARDED_HOST"):
            environ.pop(name, None)
        told = _read(environ.pop("HTTP_FORWARDED", ""))
        if compare_digest(told.get("secret", "").encode(), secret.encode()):
            environ |= {ADDRESS: told.get("for", ""), SCHEME: told.get("proto", "")}
        return application(environ, start_response)

    return believing


def _read(header: str) -> dict[str, str]:
    """The pairs of the last element: the nearest proxy's."""
    pairs = (pair.partition("=") for pair in header.rpartition(",")[2].split(";"))
    return {name.strip().lower(): value.strip().strip('"').strip("[]") for name, _, value in pairs}
