"""What the primary buttons of causes and failures do; each is a POST on ticked rows."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from contacts.models import Workspace
from leadsync.admin.actions import tell_retried
from leadsync.admin.filters import row_id
from leadsync.admin.navigation import forget_open_failures
from leadsync.admin.tools import ModelAdmin
from monitoring.admin.issue.people import ticked, ticked_bodies
from monitoring.admin.issue.repairs import send_repaired
from monitoring.admin.selection import retry
from monitoring.models import SyncFailure
from sarah.api.send_again import SentAgain, send_now
from sarah.choosing import Moved, move_to
from sarah.models import SarahState
from sarah.retry import Retried
from sarah.strangers import add_all

SHOWN = 5
RETRY = "monitoring.retry_syncfailure"


class MendingViews(ModelAdmin):
    """The addresses that both pages post to."""

    def get_urls(self) -> list[URLPattern]:
        pages: list[tuple[str, Any]] = [
            ("add-people", self.add_people),
            ("move-people", self.move_people),
            ("retry-people", self.retry_people),
            ("send-messages", self.send_messages),
            ("repair", self.repair),
        ]
        return [
            path(
                f"{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"monitoring_syncfailure_{name.replace('-', '_')}",
            )
            for name, view in pages
        ] + super().get_urls()

    def add_people(self, request: HttpRequest) -> HttpResponse:
        """Add those who are ticked as leads, with what Sarah knows of them."""
        _need(request, "contacts.add_contact", "sarah.view_sarahstate")
        by, states = request.user.get_username(), _states(request)
        if workspace := _workspace(request):
            _tell_moved(request, move_to(states, workspace, by=by), is_quiet=True)
        tried = add_all(states, by=by)
        count = tried.synced + tried.due + tried.still_failing
        if count:
            text = ngettext("%d person is a lead now.", "%d people are leads now.", count)
            messages.success(request, text % count)
            tell_retried(request, tried)
        else:
            messages.warning(request, _("Nobody was added: choose a workspace for them first."))
        return _back(request)

    def move_people(self, request: HttpRequest) -> HttpResponse:
        """Put those who are ticked into the workspace that was chosen."""
        _need(request, RETRY)
        workspace = _workspace(request)
        if workspace is None:
            messages.error(request, _("Choose a workspace."))
            return _back(request)
        moved = move_to(_states(request), workspace, by=request.user.get_username())
        _tell_moved(request, moved)
        return _back(request)

    def retry_people(self, request: HttpRequest) -> HttpResponse:
        """Copy what Sarah learned of those who are ticked to their leads again."""
        _need(request, RETRY)
        retry(request, ticked(request, _failures(request)))
        return _back(request)

    def send_messages(self, request: HttpRequest) -> HttpResponse:
        """Send the messages that are ticked again."""
        _need(request, RETRY)
        bodies = ticked_bodies(request, _failures(request))
        tell_sent(request, send_now(bodies, by=request.user.get_username()))
        return _back(request)

    def repair(self, request: HttpRequest) -> HttpResponse:
        """Receive a failure's message with what a person typed for its unusable fields."""
        _need(request, RETRY)
        failure = get_object_or_404(_failures(request).select_related("state__workspace"))
        send_repaired(request, failure)
        return _back(request)


def tell_sent(request: HttpRequest, sent: SentAgain) -> None:
    """Tell the person what came of messages that were sent again."""
    forget_open_failures()
    if count := sent.received:
        text = ngettext("%d message is received now.", "%d messages are received now.", count)
        messages.success(request, text % count)
    for why, count in sent.refused.most_common(SHOWN):
        messages.error(request, _("%(n)d refused again: %(why)s") % {"n": count, "why": why})
    if sent.left:
        command = f"manage.py send_again {request.POST.get('failure', '')}".strip()
        told = {"n": sent.left, "command": command}
        messages.info(request, _("%(n)d are left: send again, or run %(command)s.") % told)


def _need(request: HttpRequest, *permissions: str) -> None:
    if not request.user.has_perms(("monitoring.view_syncfailure", *permissions)):
        raise PermissionDenied


def _failures(request: HttpRequest) -> Any:
    """The open failures of the page that was posted from, as far as this person may see them."""
    failures = SyncFailure.objects.visible_to(request.user).open()
    if "failure" in request.POST:
        return failures.filter(pk=row_id(request.POST["failure"]))
    return failures.filter(group=row_id(request.POST.get("cause")))


def _states(request: HttpRequest) -> Any:
    chosen = ticked(request, _failures(request)).filter(state__isnull=False)
    pks = list(chosen.values_list("state_id", flat=True))
    return SarahState.objects.filter(pk__in=pks)


def _workspace(request: HttpRequest) -> Workspace | None:
    chosen = row_id(request.POST.get("workspace"))
    return Workspace.objects.visible_to(request.user).filter(pk=chosen).first()


def _tell_moved(request: HttpRequest, moved: Moved, *, is_quiet: bool = False) -> None:
    if not is_quiet:
        tried = Retried(synced=moved.synced, still_failing=moved.still_failing)
        tell_retried(request, tried)
    if moved.left:
        text = ngettext(
            "%d conversation is left: press once more.",
            "%d conversations are left: press once more.",
            moved.left,
        )
        messages.info(request, text % moved.left)


def _back(request: HttpRequest) -> HttpResponse:
    forget_open_failures()
    page, pk = "failuregroup", row_id(request.POST.get("cause"))
    if "failure" in request.POST:
        page, pk = "syncfailure", row_id(request.POST["failure"])
    return HttpResponseRedirect(reverse(f"admin:monitoring_{page}_change", args=[pk]))
