"""What each role can do, in words; a role is a group of people."""

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

ROLES: dict[str, Any] = {
    "Sales": _(
        "Works with leads: calls them, notes, changes their status, and takes them over from "
        "Sarah. Sees conversations and failures of their workspaces, and deletes nothing."
    ),
    "Operators": _(
        "All that Sales does, and keeps LeadSync running: resolves failures, makes keys for bots, "
        "connects Kapso, imports and exports leads, sets alerts and workspaces."
    ),
}
"""By the name of the group."""


def in_words(role: Group) -> str:
    return str(ROLES.get(role.name, _("A role of your own: see its page for its rights.")))


def roles_to_give(user: User) -> QuerySet[Group]:
    """The roles that this person may give to others: none that allows more than their own."""
    roles = Group.objects.annotate(rights=Count("permissions")).order_by("rights", "name")
    if user.is_superuser:
        return roles
    own = {permission.rsplit(".", 1)[1] for permission in user.get_all_permissions()}
    beyond = Permission.objects.exclude(codename__in=own)
    return roles.exclude(permissions__in=beyond)
