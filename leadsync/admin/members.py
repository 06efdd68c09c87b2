"""What is said to staff who are members of no workspace yet."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from leadsync.infra.visible import reach_of

NAMED = 3


def no_workspace_yet(user: Any) -> str:
    """Return the sentence that says whom to ask; blank for everybody else."""
    reach = reach_of(user)
    if reach.slugs or reach.is_in_all:
        return ""
    superusers = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")[:NAMED]
    names = ", ".join(one.get_full_name() or one.username for one in superusers)
    text = _("You are not a member of a workspace yet, so there is nothing to see here.")
    whom = _("Ask %s to add you to yours.") % names if names else ""
    return f"{text} {whom}".strip()
