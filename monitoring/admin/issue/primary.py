"""The one button of a cause or failure that really helps, by kind; and what stands beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from contacts.models import Contact, Workspace
from leadsync.admin.html import list_url
from leadsync.infra.db import CAP
from monitoring.kinds import Kind, Source
from monitoring.models import RefusedBody, SyncFailureQuerySet
from monitoring.titles import MENDED_IN_BODY

MAX_WORKSPACES = 200
COUNTED = "{n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A link, or a button that sends the ticked rows; one with a `path` opens a dialog."""

    label: str
    icon: str
    url: str = ""
    is_post: bool = False
    path: str = ""
    """Of an action of the page."""
    workspace: int | None = None
    """What the button says with its click."""
    choices: tuple[tuple[int, str], ...] = ()
    """Workspaces to choose from."""
    counted: tuple[str, str] = ("", "")
    """The label for one ticked row and for several."""
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    primary: Button | None = None
    beside: tuple[Button, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a page is about: a cause, or one failure of it."""

    source: str
    kind: str
    subject: str = ""
    exception: str = ""
    is_cause: bool
    newest: int | None = None
    """The newest open failure."""


def help_for(request: HttpRequest, about: About, failures: SyncFailureQuerySet) -> Help:
    """Return what ends these open failures."""
    if about.newest is None:
        return Help()
    if about.source == Source.BACKGROUND:
        return Help(hint=_("It is retried by itself; nobody has to press anything."))
    if about.source == Source.KAPSO:
        return _replay(about)
    return HELPS[Kind(about.kind)](request, about, failures)


def _add_people(request: HttpRequest, about: About, failures: SyncFailureQuerySet) -> Help:
    if not request.user.has_perm("contacts.add_contact"):
        return Help(hint=_("Ask somebody of Sales to add them as leads."))
    count = failures.filter(state__isnull=False).count()
    labels = (_("Add this person"), _("Add these {n} people"))
    homeless = failures.filter(state__isnull=False, state__workspace__isnull=True).exists()
    primary = Button(
        label=_counted(labels, count),
        counted=labels,
        icon="person_add",
        url=reverse("admin:monitoring_syncfailure_add_people"),
        is_post=True,
        choices=_choices(_mine(request)) if homeless else (),
    )
    workspace = _mine(request).filter(slug=about.subject).first()
    beside: tuple[Button, ...] = ()
    can_switch = request.user.has_perm("contacts.change_workspace")
    if workspace and not workspace.creates_contacts and can_switch:
        url = reverse("strangers-add-always", args=[workspace.pk])
        beside = (Button(label=_("Always add them"), icon="all_inclusive", url=url, is_post=True),)
    return Help(primary=primary if count else None, beside=beside)


def _choose_workspace(request: HttpRequest, about: About, failures: SyncFailureQuerySet) -> Help:
    if not request.user.has_perm("monitoring.retry_syncfailure"):
        return Help()
    phones = list(failures.exclude(contact_phone="").values_list("contact_phone", flat=True))
    homes = Contact.objects.filter(phone__in=phones[:CAP]).values("workspace")
    primary = Button(
        label=_("They belong here"),
        icon="storefront",
        url=reverse("admin:monitoring_syncfailure_move_people"),
        is_post=True,
        choices=_choices(_mine(request).filter(pk__in=homes)),
        question=_("In which workspace does Sarah talk to them?"),
    )
    hint = _(
        "What Sarah says to them without naming a workspace goes there from now on. Better still: "
        "bind the bot's key to its workspace."
    )
    return Help(primary=primary if primary.choices else None, hint=hint)


def _create_workspace(request: HttpRequest, about: About, failures: SyncFailureQuerySet) -> Help:
    ref = about.subject or failures.values_list("workspace_ref", flat=True).first() or ""
    name = ref.replace("-", " ").replace("_", " ").title()
    known = {"kapso_phone_number_id": ref} if ref.isdecimal() else {"name": name, "slug": ref}
    form = f"{reverse('admin:contacts_workspace_add')}?{urlencode(known)}"
    create = Button(label=_("Create this workspace"), icon="add_business", url=form)
    can_create = request.user.has_perm("contacts.add_workspace")
    meant = _meant(request, ref)
    if meant is None or not request.user.has_perm("monitoring.retry_syncfailure"):
        return Help(primary=create if can_create else None)
    move = Button(
        label=_("Put them into %s") % meant.slug,
        icon="move_item",
        url=reverse("admin:monitoring_syncfailure_move_people"),
        is_post=True,
        workspace=meant.pk,
    )
    told = {"meant": meant.slug, "ref": ref}
    hint = _(
        "Did you mean %(meant)s? Then correct %(ref)s in the bot's workflow, and put those who "
        "wrote into it."
    )
    return Help(
        primary=create if can_create else move,
        beside=(move,) if can_create else (),
        hint=hint % told,
    )


def _retry(request: HttpRequest, about: About, failures: SyncFailureQuerySet) -> Help:
    if not request.user.has_perm("monitoring.retry_syncfailure"):
        return Help()
    count = failures.retryable().count()
    labels = (_("Retry"), _("Retry all {n}"))
    primary = Button(
        label=_counted(labels, count),
        counted=labels,
        icon="sync",
        url=reverse("admin:monitoring_syncfailure_retry_people"),
        is_post=True,
    )
    return Help(primary=primary if count else None)


def _repair(request: HttpRequest, about: About, failures: SyncFailureQuerySet) -> Help:
    """On a failure's page, the form that repairs it stands below."""
    if not (about.is_cause and request.user.has_perm("monitoring.retry_syncfailure")):
        return Help()
    page = reverse("admin:monitoring_syncfailure_change", args=[about.newest])
    return Help(primary=Button(label=_("Repair the fields"), icon="build", url=f"{page}#repair"))


def _send_again(request: HttpRequest, about: About, failures: SyncFailureQuerySet) -> Help:
    if about.subject in MENDED_IN_BODY:
        return _repair(request, about, failures)
    if not request.user.has_perm("monitoring.retry_syncfailure"):
        return Help()
    count = RefusedBody.objects.filter(failure__in=failures).count()
    if not count:
        return Help(hint=_("Nothing of it is kept any more: it cannot be sent again."))
    labels = (_("Send this message again"), _("Send these {n} messages again"))
    primary = Button(
        label=_counted(labels, count),
        counted=labels,
        icon="replay",
        url=reverse("admin:monitoring_syncfailure_send_messages"),
        is_post=True,
    )
    hints = {
        "key_ended": _("Give the bot a valid key first, then send them again."),
        "no_right": _("Widen the key first, then send them again."),
        "foreign": _("Correct workspace_id in the bot's workflow, or widen the key, first."),
    }
    return Help(primary=primary, hint=hints.get(about.subject, ""))


def _replay(about: About) -> Help:
    if not about.is_cause:
        return Help(primary=Button(label=_("Replay"), icon="replay", path="replay-delivery"))
    url = list_url("sarah_kapsodelivery", outcome="parked")
    return Help(primary=Button(label=_("See the deliveries"), icon="inbox", url=url))


HELPS: dict[Kind, Any] = {
    Kind.CONTACT_NOT_FOUND: _add_people,
    Kind.AMBIGUOUS_CONTACT: _choose_workspace,
    Kind.WORKSPACE_NOT_FOUND: _create_workspace,
    Kind.SYNC_ERROR: _retry,
    Kind.INVALID_PAYLOAD: _repair,
    Kind.REJECTED_PAYLOAD: _send_again,
}


def _counted(labels: tuple[str, str], count: int) -> str:
    return labels[count != 1].replace(COUNTED, str(count))


def _mine(request: HttpRequest) -> Any:
    return Workspace.objects.visible_to(request.user)


def _choices(workspaces: Iterable[Workspace]) -> tuple[tuple[int, str], ...]:
    return tuple((one.pk, str(one)) for one in list(workspaces)[:MAX_WORKSPACES])


def _meant(request: HttpRequest, ref: str) -> Workspace | None:
    """The workspace whose slug is spelled much like what the bot said."""
    by_slug = {one.slug: one for one in _mine(request)[:MAX_WORKSPACES]}
    close = get_close_matches(ref.lower(), by_slug, n=1, cutoff=0.7)
    return by_slug[close[0]] if close else None
