"""Bot accounts and their keys."""

import re
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_noop

from contacts.models import Workspace
from leadsync import keys
from leadsync.models import ApiKey, Scope

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
MAX_VALID_KEYS = 2
"""The key in use and its successor, during a rotation."""

ROLES = {
    "sarah": (Scope.STATES_WRITE,),
    "manager": (Scope.LEADS_READ, Scope.LEADS_WRITE, Scope.FAILURES_READ),
    "operator": (Scope.FAILURES_READ, Scope.FAILURES_WRITE),
}


class BotError(Exception):
    """Why it cannot be done and what to do instead: a sentence for the operator, with the bot's
    name as `%(name)s` so that it can be translated."""

    def __init__(self, sentence: str, name: str) -> None:
        self.sentence, self.params = sentence, {"name": name, "limit": MAX_VALID_KEYS}
        super().__init__(sentence % self.params)


def issue_key(name: str, *, role: str, workspace: Workspace | None = None) -> str:
    """`issue_scoped_key` for a role."""
    return issue_scoped_key(name, scopes=ROLES[role], workspace=workspace)


def issue_scoped_key(
    name: str,
    *,
    scopes: Iterable[str],
    workspace: Workspace | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Create the bot's account if needed, and return a new key for it.

    The key cannot be shown again: only its digest is stored. Raises BotError if the name belongs to
    a person or the bot has two valid keys already.
    """
    check_name(name)
    key = keys.generate()
    with transaction.atomic():
        user = _bot_account(name)
        _check_account(user)
        ApiKey.objects.create(
            user=user,
            digest=keys.digest(key),
            prefix=keys.shown_part(key),
            scopes=" ".join(scopes),
            workspace=workspace,
            expires_at=expires_at,
        )
    return key


def check_name(name: str) -> None:
    """Raise BotError if no key can be issued to a bot of this name."""
    if not NAME.fullmatch(name):
        sentence = gettext_noop(
            "“%(name)s” is no bot name: use lower-case letters, digits, dots, dashes."
        )
        raise BotError(sentence, name)
    if user := User.objects.filter(username=name).first():
        _check_account(user)


def revoke_keys(name: str, *, prefix: str = "") -> int:
    """Revoke the bot's keys (those that begin with `prefix`); returns how many."""
    return ApiKey.objects.filter(user__username=name, prefix__startswith=prefix).revoke()


def _bot_account(name: str) -> User:
    """Return the account, locked, so that two commands at once cannot both issue the last key."""
    new = User(username=name)
    new.set_unusable_password()
    User.objects.bulk_create([new], ignore_conflicts=True)
    return User.objects.select_for_update().get(username=name)


def _check_account(user: User) -> None:
    name = user.get_username()
    if user.is_staff or user.is_superuser or user.has_usable_password():
        sentence = gettext_noop("%(name)s is a person's account. Choose another name for the bot.")
        raise BotError(sentence, name)
    if not user.is_active:
        sentence = gettext_noop(
            "The account %(name)s is switched off. Switch it on in the admin first."
        )
        raise BotError(sentence, name)
    if user.api_keys.valid().count() >= MAX_VALID_KEYS:
        sentence = gettext_noop(
            "%(name)s has %(limit)d valid keys. Revoke the old one first, in the admin or with "
            "revoke_bot_keys."
        )
        raise BotError(sentence, name)
