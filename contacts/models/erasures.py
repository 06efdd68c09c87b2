"""The model of what remains of an erased person: a keyed hash, and when."""

from django.db import models
from django.utils import timezone


class Erasure(models.Model):
    """A phone or BSUID that was erased. The hash is made with a key of its own
    (`contacts.erasure`): without it, nobody can tell whose it is."""

    digest = models.CharField(max_length=64, unique=True)
    key_check = models.CharField(
        max_length=8, help_text="Tells if it was made with the key in use, not what that is."
    )
    erased_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        permissions = [
            ("erase_person", "Can erase a person"),
            ("export_person", "Can export all about a person"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
