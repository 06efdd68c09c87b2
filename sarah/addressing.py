"""For which workspace and phone a message is meant (CONTRACT 3, first row)."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from contacts import phones
from contacts.models import Contact, Workspace
from sarah.models import SarahState


class ForeignWorkspace(Exception):
    """The key is bound to another workspace than the one named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A phone and its workspace; without a workspace, the name it was given (blank for none)."""

    phone: str
    workspace: Workspace | None
    ref: str = ""
    is_bound: bool = False

    @property
    def waiting_refs(self) -> tuple[str | None, str | None]:
        """The one or two names under which conversations may have waited for this workspace.

        A key for all workspaces left some without a name, and now says where they belong. A key
        bound to one workspace does not reach those: they may be somebody else's.
        """
        if self.workspace and not self.is_bound:
            return "", self.ref
        nameless = self.is_bound and not self.ref
        return (None, None) if nameless else (self.ref, self.ref)

    def is_home_of(self, state: SarahState) -> bool:
        """Whether a conversation of this phone belongs here, also if it waited until now."""
        if state.workspace_id is None:
            return state.workspace_ref in self.waiting_refs
        return self.workspace is not None and state.workspace_id == self.workspace.pk


def find_address(raw_phone: object, *, ref: str, key_workspace: Workspace | None) -> Address:
    """Where a message with this phone and this workspace name belongs.

    The workspace is the one named; else the key's; else the only one there is; else the one where
    the phone is a lead. Raises InvalidPhone, and ForeignWorkspace for a key bound elsewhere.
    """
    if key_workspace:
        if ref and not key_workspace.answers_to(ref):
            raise ForeignWorkspace
        phone = phones.to_e164(raw_phone, region=key_workspace.region)
        return Address(phone=phone, workspace=key_workspace, ref=ref, is_bound=True)
    if ref:
        workspace = named(ref)
        phone = phones.to_e164(raw_phone, region=region_of(workspace))
        return Address(phone=phone, workspace=workspace, ref=ref)
    phone = phones.to_e164(raw_phone, region=region_of(None))
    workspace = implied(phone)
    if workspace and phones.is_national(raw_phone) and is_the_only(workspace):
        phone = phones.to_e164(raw_phone, region=workspace.region)
    return Address(phone=phone, workspace=workspace)


def named(ref: str) -> Workspace | None:
    """The workspace with this slug, or else with this Kapso phone number id."""
    found = Workspace.objects.filter(Q(slug=ref) | Q(kapso_phone_number_id=ref))
    return next(iter(sorted(found, key=lambda workspace: workspace.slug != ref)), None)


def implied(phone: str) -> Workspace | None:
    """The only workspace there is, or else the only one where the phone is a lead."""
    is_lead = Exists(Contact.objects.filter(workspace=OuterRef("pk"), phone=phone))
    match list(Workspace.objects.annotate(is_lead=is_lead).order_by("-is_lead")[:2]):
        case [only]:
            return only
        case [first, second] if first.is_lead and not second.is_lead:
            return first
    return None


def is_the_only(workspace: Workspace) -> bool:
    return not Workspace.objects.exclude(pk=workspace.pk).exists()


def region_of(workspace: Workspace | None) -> str:
    return workspace.region if workspace else settings.LEADSYNC_DEFAULT_REGION
