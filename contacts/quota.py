"""The quota of leads created for unknown numbers: a flood of them creates no leads."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from contacts.models import Contact, Workspace

CREATED_FOR_SARAH = "sarah"
"""The `source` of leads created for unknown numbers that wrote to Sarah."""
CREATED_BY_THE_FEED = "whatsapp"
"""The `source` of leads created for incoming messages, unless they came from an ad."""
FROM_AN_AD = "ad: "
"""How the `source` of those begins."""
WINDOW = timedelta(minutes=55)
"""The "hour" that the limit counts. A little less than one: the hourly reconciliation creates leads
for waiting conversations, and must find the places that its last run took free again."""


def is_used_up(workspace: Workspace) -> bool:
    """Whether as many leads were created here within the hour as the workspace allows."""
    return room_in(workspace) == 0


def room_in(workspace: Workspace) -> int:
    """Return how many leads may be created here now; 0 in a flood.

    One statement, which counts no further than the limit. Messages that arrive at the same moment
    may each find the last place free: the limit may be exceeded by the number of threads.
    """
    limit = workspace.max_created_per_hour
    lately = Contact.objects.added_since(timezone.now() - WINDOW).filter(workspace=workspace)
    by_itself = Q(source__in=[CREATED_FOR_SARAH, CREATED_BY_THE_FEED]) | Q(
        source__startswith=FROM_AN_AD
    )
    return limit - lately.filter(by_itself)[:limit].count()


def explain(workspace: Workspace) -> str:
    """Return what happened and what to do, for the failure of a conversation that must wait."""
    return (
        f"This workspace reached its limit of {workspace.max_created_per_hour} created leads per "
        "hour: the conversation is kept and becomes a lead in a later hour. If unknown numbers "
        "flood Sarah, switch off the creation of leads in the workspace; if not, raise its limit."
    )


class HourlyQuota:
    """The rest of the quotas during one run over many conversations, by workspace."""

    def __init__(self) -> None:
        self._left: dict[int, int] = {}

    def claim(self, workspace: Workspace) -> bool:
        """Use up one place; returns False if there is none left."""
        left = self._left.get(workspace.pk)
        self._left[workspace.pk] = (room_in(workspace) if left is None else left) - 1
        return self._left[workspace.pk] >= 0
