"""What may be wrong with the machine: the nightly backup is missing, a disk fills."""

import socket
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from contacts.models import Contact
from monitoring.alerts.announce import Finding, finding, notice
from monitoring.models import Backup
from monitoring.models.alerts import AlertKind
from monitoring.models.backups import FIRST_AFTER, LATE_AFTER

GIB = 1024**3
MIN_FREE_PERCENT = 10
MAX_WANTED = 20 * GIB
"""A tenth of a large disk is no emergency."""


def missing_backup() -> Iterator[Finding]:
    """That the last night passed without one, or the first days with leads."""
    if Backup.objects.exists():
        late_after, is_missing = LATE_AFTER, not Backup.objects.recent().exists()
    else:
        late_after, is_missing = FIRST_AFTER, _was_never_made()
    if is_missing:
        hours = late_after.total_seconds() / 3600
        yield finding(AlertKind.BACKUP, hours=f"{hours:.0f}")


def _was_never_made() -> bool:
    """Whether leads are here for days and no backup ever worked. Of PostgreSQL somebody else may
    take care, unless it was tried here."""
    is_expected = connection.vendor == "sqlite" or (settings.VAR_DIR / "backups").exists()
    if settings.DEBUG or not is_expected:
        return False
    return Contact.objects.filter(created_at__lt=Now() - FIRST_AFTER).exists()


def notice_full_disks() -> None:
    """Open the alert from a machine on which no worker may be running."""
    for found in full_disks():
        notice(found)


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
