"""Bot accounts and their keys."""

import re

from django.contrib.auth.models import User
from django.db import transaction

from contacts.models import Workspace
from leadsync import keys
from leadsync.models import ApiKey, Scope

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
MAX_VALID_KEYS = 2
"""The key in use and its successor, during a rotation."""

ROLES = {
    "sarah": (Scope.STATES_WRITE,),
    "manager": (Scope.LEADS_READ, Scope.LEADS_WRITE, Scope.FAILURES_READ),
}


class BotError(Exception):
    """Why it cannot be done and what to do instead: a sentence for the operator."""


def issue_key(name: str, *, role: str, workspace: Workspace | None = None) -> str:
    """Create the bot's account if needed, and return a new key for it.

    The key cannot be shown again: only its digest is stored. Raises BotError if the name belongs to
    a person or the bot has two valid keys already.
    """
    if not NAME.fullmatch(name):
        raise BotError(f"{name!r} is no bot name: use lower-case letters, digits, dots, dashes.")
    key = keys.generate()
    with transaction.atomic():
        user = _bot_account(name)
        if user.api_keys.valid().count() >= MAX_VALID_KEYS:
            raise BotError(
                f"{name} has {MAX_VALID_KEYS} valid keys. Revoke the old one first: "
                f"revoke_bot_keys {name} --prefix …"
            )
        ApiKey.objects.create(
            user=user,
            digest=keys.digest(key),
            prefix=keys.shown_part(key),
            scopes=" ".join(ROLES[role]),
            workspace=workspace,
        )
    return key


def revoke_keys(name: str, *, prefix: str = "") -> int:
    """Revoke the bot's keys (those that begin with `prefix`); returns how many."""
    return ApiKey.objects.filter(user__username=name, prefix__startswith=prefix).revoke()


def _bot_account(name: str) -> User:
    """Return the account, locked, so that two commands at once cannot both issue the last key."""
    new = User(username=name)
    new.set_unusable_password()
    User.objects.bulk_create([new], ignore_conflicts=True)
    user = User.objects.select_for_update().get(username=name)
    if user.is_staff or user.is_superuser or user.has_usable_password():
        raise BotError(f"{name} is a person's account. Choose another name for the bot.")
    if not user.is_active:
        raise BotError(f"The account {name} is switched off. Switch it on in the admin first.")
    return user
