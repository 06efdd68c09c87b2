"""Files for the server's user alone."""

from contextlib import suppress
from pathlib import Path

OTHERS = 0o077


def keep_private(*paths: Path) -> None:
    """Take from others what they may do with these, as far as they exist and are ours."""
    for path in paths:
        with suppress(OSError):
            path.chmod(path.stat().st_mode & ~OTHERS)
