"""What each role can do, in words; a role is a group of people."""

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Count, QuerySet
from django.utils.text import capfirst
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
RIGHTS: dict[str, Any] = {
    "delete_failedlogin": _("Let in who got the password wrong too often"),
    "erase_person": _("Erase a person"),
    "export_contact": _("Export leads"),
    "export_person": _("Export all about a person"),
    "handle_failuregroup": _("Acknowledge, ignore and resolve causes"),
    "import_contact": _("Import leads"),
    "invite_member": _("Invite colleagues and decide who is a member"),
    "replay_kapsodelivery": _("Work deliveries from Kapso once more"),
    "resolve_syncfailure": _("Resolve sync failures"),
    "resync_sarahstate": _("Sync conversations again"),
    "retry_syncfailure": _("Try sync failures again"),
    "revoke_apikey": _("Revoke API keys"),
    "see_unowned": _("See what belongs to no workspace yet"),
    "start_over_sarahstate": _("Let Sarah start over"),
    "take_over_contact": _("Take leads over from Sarah"),
}
"""Those that are no more than see, add, change and delete, by the name of the permission."""
TO_EACH = {"view": _("see"), "add": _("add"), "change": _("change"), "delete": _("delete")}


def in_words(role: Group) -> str:
    return str(ROLES.get(role.name, _("A role of your own: see its page for its rights.")))


def with_words(role: Group) -> str:
    return f"{role.name}: {in_words(role)}"


def right_in_words(right: Permission) -> str:
    """“Leads: see”, or what else it lets somebody do."""
    model = right.content_type.model_class()
    verb, _underscore, name = right.codename.partition("_")
    if right.codename in RIGHTS or not model or name != model._meta.model_name:
        return str(RIGHTS.get(right.codename, right.name))
    return f"{capfirst(str(model._meta.verbose_name_plural))}: {TO_EACH.get(verb, verb)}"


def roles_to_give(user: User) -> QuerySet[Group]:
    """The roles that this person may give to others: none that allows more than their own."""
    roles = Group.objects.annotate(rights=Count("permissions")).order_by("rights", "name")
    if user.is_superuser:
        return roles
    own = {permission.rsplit(".", 1)[1] for permission in user.get_all_permissions()}
    beyond = Permission.objects.exclude(codename__in=own)
    return roles.exclude(permissions__in=beyond)
