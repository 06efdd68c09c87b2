"""Where the tests' files go."""

import shutil
from pathlib import Path

MEMORY, NEEDED = Path("/dev/shm"), 4 * 2**30


def scratch() -> Path:
    """A folder for what nobody needs after a power cut: in memory if there is enough of it, where
    making a file costs a tenth."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED
    return MEMORY if has_room else Path("/tmp")
