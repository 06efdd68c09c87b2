"""What may be wrong with the machine: the nightly backup is missing, a disk fills."""

import socket
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage

from django.conf import settings

from monitoring.alerts.announce import Finding, finding
from monitoring.models import Backup
from monitoring.models.alerts import AlertKind
from monitoring.models.backups import LATE_AFTER

GIB = 1024**3
MIN_FREE_PERCENT = 10
MAX_WANTED = 20 * GIB
"""A tenth of a large disk is no emergency."""


def missing_backup() -> Iterator[Finding]:
    """Nobody is told who never made one here: others take care of that database."""
    if Backup.objects.exists() and not Backup.objects.recent().exists():
        hours = LATE_AFTER.total_seconds() / 3600
        yield finding(AlertKind.BACKUP, hours=f"{hours:.0f}")


def full_disks() -> Iterator[Finding]:
    """The disks of this machine that hold the spool, the backups and SQLite's file."""
    seen = set()
    for folder in (settings.VAR_DIR, settings.LEADSYNC_SPOOL_DIR, settings.VAR_DIR / "backups"):
        if not folder.exists() or (device := folder.stat().st_dev) in seen:
            continue
        seen.add(device)
        yield from _full_disk(folder)


def _full_disk(folder: Path) -> Iterator[Finding]:
    disk = disk_usage(folder)
    if disk.free < min(max(disk.total * MIN_FREE_PERCENT // 100, GIB), MAX_WANTED):
        where = f"{socket.gethostname()}:{folder}"
        free = f"{disk.free / GIB:.1f}"
        yield finding(AlertKind.DISK, subject=where[:100], folder=where, free=free)
