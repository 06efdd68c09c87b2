"""The colours of what Sarah says."""

from django.utils.safestring import SafeString

from leadsync.admin.tools import pill
from sarah.models import Outcome

OUTCOME_COLOURS: dict[str, str] = dict.fromkeys(Outcome.values, "warning") | {
    Outcome.SYNCED: "success",
    Outcome.EXCLUDED: "",
    Outcome.SYNC_ERROR: "danger",
}


def outcome_pill(outcome: str) -> SafeString:
    return pill(Outcome(outcome).label, OUTCOME_COLOURS[outcome])
