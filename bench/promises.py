"""What a scenario ends with where the product does not do what it promises."""

import sys


def promise(is_kept: bool, broken: str) -> None:
    """Leave with exit code 1 and this sentence unless the promise is kept."""
    if not is_kept:
        sys.exit(f"BROKEN: {broken}")
