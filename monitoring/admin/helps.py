"""The action on a failure's page that opens a dialog: a replay of what Kapso sent."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _

from leadsync.admin.actions import dialog, dialog_action
from leadsync.admin.navigation import forget_open_failures
from leadsync.admin.tools import holds
from monitoring.admin.issue.mending import MendingViews
from monitoring.kinds import Source
from monitoring.models import SyncFailure
from sarah.kapso.work import Worked, replay

REPLAY = "replay-delivery"
WILL_REPLAY = _(
    "The delivery is worked once more, as Kapso sent it. Messages that came in already stay as "
    "they are. If it works, the failure is closed."
)


class HelpActions(MendingViews):
    """Offers on a failure's page what can end it."""

    has_retry_permission = holds("monitoring.retry_syncfailure")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        failure: Any = self.get_object(request, str(object_id))
        if failure is None or failure.resolved_at:
            return []
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if one.path != REPLAY or "delivery" in failure.payload]

    @dialog_action(
        description=_("Replay"),
        permissions=["retry"],
        url_path=REPLAY,
        icon="replay",
        dialog=dialog(_("Replay this delivery?"), WILL_REPLAY, button=_("Replay")),
    )
    def replay_delivery(self, request: HttpRequest, form: Form, object_id: str) -> None:
        mine = SyncFailure.objects.visible_to(request.user)
        failure = get_object_or_404(mine, pk=object_id, source=Source.KAPSO)
        match replay(int(failure.payload.get("delivery", 0))):
            case Worked.DONE:
                messages.success(request, _("The delivery is worked now."))
            case Worked.GONE:
                messages.error(request, _("The delivery is not kept any more."))
            case _:
                messages.error(request, _("It still does not work; the failure says why."))
        forget_open_failures()
