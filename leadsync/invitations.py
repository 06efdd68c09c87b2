"""Invites people by e-mail: an account without a password, and a link to choose one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contacts.models import Membership, Workspace
from leadsync.models import Invitation

VALID_DAYS = settings.PASSWORD_RESET_TIMEOUT // 86_400


INVITED = gettext_noop(
    """Hello %(name)s,

%(by)s invites you to LeadSync, where the leads from WhatsApp are. Choose a password here:

%(link)s

The link is valid for %(days)d days. Your user name is %(username)s.
"""
)
ADDED = gettext_noop(
    """Hello %(name)s,

%(by)s has added you to another workspace of LeadSync. You find its leads here:

%(link)s
"""
)
NEW_PASSWORD = gettext_noop(
    """Hello %(name)s,

%(by)s sends you a link to choose a new password for LeadSync:

%(link)s

The link is valid for %(days)d days. Your user name is %(username)s.

"""
)


class SwitchedOffError(Exception):
    """The address belongs to an account that was switched off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Whom an invitation reached: `invitation` is None for somebody who has an account."""

    user: User
    invitation: Invitation | None


@transaction.atomic
def invite(
    email: str,
    *,
    name: str,
    role: Group,
    workspaces: Iterable[Workspace],
    language: str,
    by: str,
) -> Invited:
    """Make the account, with its role and workspaces. Who has one already becomes a member, and
    keeps the role."""
    user = User.objects.filter(email__iexact=email, is_staff=True).order_by("pk").first()
    if user and not user.is_active:
        raise SwitchedOffError
    is_new = user is None
    user = user or _new_account(email, name)
    if is_new:
        user.groups.add(role)
        Invitation.objects.create(user=user, by=by, language=language)
    Membership.objects.bulk_create(
        [Membership(user=user, workspace=workspace) for workspace in workspaces],
        ignore_conflicts=True,
    )
    waiting = Invitation.objects.filter(user=user, joined_at__isnull=True).first()
    return Invited(user=user, invitation=waiting)


def send(invitation: Invitation, *, site: str) -> None:
    """Send the link; raises OSError (SMTP's errors are some) if the mail server takes none."""
    with translation.override(invitation.language):
        _send(invitation.user, _("You are invited to LeadSync"), _(INVITED), invitation.by, site)
    Invitation.objects.filter(pk=invitation.pk).update(sent_at=timezone.now())


def send_new_password(user: User, *, by: str, site: str) -> None:
    """Send a link to choose a new password, in the language of who asks for it."""
    _send(user, _("A new password for LeadSync"), _(NEW_PASSWORD), by, site)


def _send(user: User, subject: str, text: str, by: str, site: str) -> None:
    told = {
        "name": user.first_name or user.username,
        "by": by,
        "link": link_for(user, site=site),
        "days": VALID_DAYS,
        "username": user.username,
    }
    send_mail(subject, text % told, None, [user.email])


def tell_member(user: User, *, by: str, language: str, site: str) -> None:
    """Tell somebody who has an account that they belong to another workspace now."""
    with translation.override(language):
        told = {"name": user.first_name or user.username, "by": by, "link": site}
        send_mail(
            _("You are in another workspace of LeadSync"), _(ADDED) % told, None, [user.email]
        )


def link_for(user: User, *, site: str) -> str:
    """The address at which this person chooses a password; valid for three days, and once."""
    uid, token = (
        urlsafe_base64_encode(force_bytes(user.pk)),
        default_token_generator.make_token(user),
    )
    return f"{site}{reverse('password_reset_confirm', args=[uid, token])}"


def join(user: User) -> None:
    """Note that this person has chosen a password."""
    Invitation.objects.filter(user=user, joined_at__isnull=True).update(joined_at=timezone.now())


def _new_account(email: str, name: str) -> User:
    first, _space, last = name.strip().partition(" ")
    user = User(username=_free_username(email), email=email, first_name=first, last_name=last)
    user.is_staff = True
    user.set_unusable_password()
    user.save()
    return user


def _free_username(email: str) -> str:
    """What stands before the @, with a number if somebody has that name."""
    wanted = re.sub(r"[^\w.+-]", "", email.partition("@")[0].lower())[:100] or "person"
    taken = set(User.objects.filter(username__startswith=wanted).values_list("username", flat=True))
    numbered = (f"{wanted}{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (wanted, *numbered) if one not in taken)
