"""Which conversations a block of code syncs, told by what every sync does: it saves one."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models.signals import post_save

from sarah.models import SarahState


@contextmanager
def syncs() -> Iterator[Counter[str]]:
    """How often each phone's conversation is synced in the block, in whichever thread."""
    synced: Counter[str] = Counter()

    def note(instance: SarahState, **kwargs: object) -> None:
        synced[instance.contact_phone] += 1

    post_save.connect(note, sender=SarahState)
    try:
        yield synced
    finally:
        post_save.disconnect(note, sender=SarahState)
