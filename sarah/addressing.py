"""Finds where a message belongs: its workspace, phone and conversation (CONTRACT 3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q

from contacts import phones
from contacts.addresses import Address as Who
from contacts.models import Contact, Workspace
from leadsync.infra.db import LOST, is_busy
from leadsync.infra.queries import Belief, CompiledQuery
from leadsync.infra.waits import bounded_waits
from monitoring.models.failures import SyncFailure
from sarah.merge import merge_facts
from sarah.models import SarahState, StateUpdate


class ForeignWorkspace(Exception):
    """The message names another workspace than the one its key is bound to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A person in a workspace. If the workspace is unknown, `ref` is the name that was sent."""

    who: Who
    workspace: Workspace | None
    ref: str = ""
    is_bound: bool = False

    @property
    def waiting_refs(self) -> tuple[str | None, str | None]:
        """The one or two names under which conversations may wait for this workspace.

        A key for all workspaces may have left some without a name, and now says where they belong.
        A key bound to one workspace does not reach those: they may belong to somebody else.
        """
        if self.workspace and not self.is_bound:
            return "", self.ref
        nameless = self.is_bound and not self.ref
        return (None, None) if nameless else (self.ref, self.ref)

    def is_home_of(self, state: SarahState) -> bool:
        """Whether a conversation of this person belongs here, also if it waits for this place."""
        if state.workspace_id is None:
            return state.workspace_ref in self.waiting_refs
        return self.workspace is not None and state.workspace_id == self.workspace.pk


def find_address(
    raw_phone: object, user_id: str = "", *, ref: str, key_workspace: Workspace | None
) -> Address:
    """Return the address of a message with this phone, user id and workspace name.

    The workspace is the one named; else the key's; else the only one there is; else the one where
    the person is a lead. Raises InvalidPhone, and ForeignWorkspace if the key is bound to another.
    """
    if key_workspace:
        if ref and not key_workspace.answers_to(ref):
            raise ForeignWorkspace
        who = _read_who(raw_phone, user_id, region=key_workspace.region)
        return Address(who=who, workspace=key_workspace, ref=ref, is_bound=True)
    if ref:
        workspace = _believed_for_ref(ref)
        who = _read_who(raw_phone, user_id, region=region_of(workspace))
        return Address(who=who, workspace=workspace, ref=ref)
    who = _read_who(raw_phone, user_id, region=region_of(None))
    workspace = workspace_for_person(who)
    if workspace and phones.is_national(raw_phone) and is_the_only(workspace):
        who = _read_who(raw_phone, user_id, region=workspace.region)
    return Address(who=who, workspace=workspace)


def _read_who(raw_phone: object, user_id: str, *, region: str) -> Who:
    """Who that is; an unusable phone beside an id is left out."""
    if raw_phone is None:
        return Who(user_id=user_id)
    try:
        return Who(phone=phones.to_e164(raw_phone, region=region), user_id=user_id)
    except phones.InvalidPhone:
        if user_id:
            return Who(user_id=user_id)
        raise


def workspace_for_ref(ref: str) -> Workspace | None:
    """Return the workspace with this slug, else with this Kapso phone number id."""
    found = _named(ref, ref)
    return next(iter(sorted(found, key=lambda workspace: workspace.slug != ref)), None)


def workspace_for_person(who: Who) -> Workspace | None:
    """Return the only workspace there is, else the only one where the person is a lead, else that
    of them which somebody of staff has chosen.

    None as well while the leads' table is locked: no message may depend on it.
    """
    if only := _believed_only(None):
        return only
    is_lead = Exists(Contact.objects.at(who).filter(workspace=OuterRef("pk")))
    try:
        with bounded_waits():
            homes = list(Workspace.objects.filter(is_lead)[:2])
            return _chosen_home(who) if len(homes) == 2 else next(iter(homes), None)
    except LOST as error:
        if not is_busy(error):
            raise
        return None


def _chosen_home(who: Who) -> Workspace | None:
    chosen = SarahState.objects.of(who).filter(
        workspace_chosen_at__isnull=False, workspace__in=Contact.objects.at(who).values("workspace")
    )
    latest = chosen.select_related("workspace").order_by("-workspace_chosen_at").first()
    return latest.workspace if latest else None


def _the_only_workspace(_none: None) -> Workspace | None:
    workspaces = _first_two()
    return workspaces[0] if len(workspaces) == 1 else None


_named = CompiledQuery(lambda: Workspace.objects.filter(Q(slug="") | Q(kapso_phone_number_id="")))
_first_two = CompiledQuery(lambda: Workspace.objects.order_by("pk")[:2])
_believed_for_ref = Belief(workspace_for_ref)
_believed_only = Belief(_the_only_workspace)


def workspace_of(state: SarahState) -> Workspace | None:
    """Return the conversation's workspace, or the one it waits for if that exists by now."""
    if state.workspace:
        return state.workspace
    ref = state.workspace_ref
    return workspace_for_ref(ref) if ref else workspace_for_person(state.who)


def is_the_only(workspace: Workspace) -> bool:
    return [only.pk for only in _first_two()] == [workspace.pk]


def region_of(workspace: Workspace | None) -> str:
    return workspace.region if workspace else settings.LEADSYNC_DEFAULT_REGION


def recall(
    raw_phone: object, user_id: str = "", *, ref: str, key_workspace: Workspace | None
) -> SarahState | None:
    """Return the conversation that a message to this address would continue.

    If there is none and no workspace was named, the person's newest conversation that the key may
    see. Raises InvalidPhone and ForeignWorkspace.
    """
    address = None
    if key_workspace or ref or phones.is_national(raw_phone):
        address = find_address(raw_phone, user_id, ref=ref, key_workspace=key_workspace)
    who = address.who if address else _read_who(raw_phone, user_id, region=region_of(None))
    newest_first: list[SarahState] = _RECALLED[_halves(who)](*who.identities)
    if len(newest_first) > 1 and address is None:
        address = find_address(raw_phone, user_id, ref="", key_workspace=None)
    for state in newest_first:
        if address and address.is_home_of(state):
            return state
    return None if key_workspace or ref else next(iter(newest_first), None)


def known_conversation(address: Address) -> SarahState | None:
    """Return the conversation at this address with its lead, both locked, if it is in order.

    One statement, which waits for nobody: what somebody else holds is passed over. None as well if
    another conversation of the phone waits to be adopted, or the message tells a new id.
    """
    who = address.who
    if address.workspace is None or not who.phone:
        return None
    for state in _known(1, who.phone, address.workspace.pk):  # 1: of EXISTS
        state.workspace, state.is_lead_locked = address.workspace, True
        ids = {who.user_id or None, state.business_scoped_user_id}
        lead_has_them = ids <= {None, state.contact.business_scoped_user_id}
        is_new_id = who.user_id and state.business_scoped_user_id is None
        return state if state.is_in_order and lead_has_them and not is_new_id else None
    return None


def locked_conversation(address: Address) -> SarahState | None:
    """Return the conversation at this address, locked: messages of one lead queue up for it."""
    workspace_id = address.workspace.pk if address.workspace else None
    who = address.who
    find = _LOCKED[_halves(who)]
    states = _of_one(find(workspace_id, *address.waiting_refs, *who.identities), who)
    return adopt(states, address.workspace) if states else None


def _of_one(states: list[SarahState], who: Who) -> list[SarahState]:
    """Those that are this person's: phone and id may lead to two people who are known in full."""
    fitting = [state for state in states if state.may_be(who)]
    if fitting or not states:
        return fitting
    by_id = [state for state in states if state.business_scoped_user_id == who.user_id]
    return by_id or states[:1]


def is_known_apart(who: Who, workspace: Workspace) -> bool:
    """Whether a conversation knows only one half of this address."""
    if not (who.phone and who.user_id):
        return False
    lacks_half = Q(contact_phone__isnull=True) | Q(business_scoped_user_id__isnull=True)
    return SarahState.objects.of(who).filter(lacks_half, workspace=workspace).exists()


def join_conversations(who: Who, workspace: Workspace) -> None:
    """Merge what was said by phone and by id into one conversation, in a transaction of its own:
    conversations are locked before leads."""
    with bounded_waits():
        locked = SarahState.objects.select_for_update(no_key=True).of(who).order_by("pk")
        known = list(locked.filter(workspace=workspace))
        if states := _of_one(known, who):
            survivor = adopt(states, workspace)
            if len(states) == len(known):  # else somebody else has the other half
                survivor.take_address(who)


def adopt(states: Sequence[SarahState], workspace: Workspace | None) -> SarahState:
    """Merge the conversations at one address into one, and move it to `workspace` if given.

    The caller holds the rows' locks. The row that has a workspace survives. What was said later
    wins; what was said earlier fills the gaps. Failures and messages move to the survivor.
    """
    survivor, *others = sorted(states, key=lambda state: (state.workspace_id is None, state.pk))
    for other in others:
        earlier, later = sorted((survivor, other), key=lambda state: state.updated_at)
        facts, _left_out = merge_facts(earlier.extracted_data, later.extracted_data)
        SyncFailure.objects.filter(state=other).move_to(survivor)
        StateUpdate.objects.filter(state=other).update(state=survivor)
        survivor.absorb(other, facts=facts)
    if workspace and survivor.workspace_id is None:
        survivor.move_home(workspace)
    if workspace:
        survivor.workspace = workspace  # this instance is loaded already: spares a query
    return survivor


Halves = tuple[bool, bool]
"""Whether a phone is known, and whether an id is."""
PEOPLE: dict[Halves, Q] = {
    (True, False): Q(contact_phone=""),
    (False, True): Q(business_scoped_user_id=""),
    (True, True): Q(contact_phone="") | Q(business_scoped_user_id=""),
}
HOME = Q(workspace=0) | Q(workspace__isnull=True, workspace_ref__in=["1", "2"])


def _halves(who: Who) -> Halves:
    return bool(who.phone), bool(who.user_id)


def _recalled(person: Q) -> CompiledQuery:
    return CompiledQuery(
        lambda: (
            SarahState.objects.filter(person).select_related("workspace").order_by("-updated_at")
        )
    )


def _locked(person: Q) -> CompiledQuery:
    return CompiledQuery(
        lambda: (
            SarahState.objects.select_for_update(no_key=True).filter(HOME, person).order_by("pk")
        )
    )


_RECALLED = {halves: _recalled(person) for halves, person in PEOPLE.items()}
_LOCKED = {halves: _locked(person) for halves, person in PEOPLE.items()}
_known = CompiledQuery(
    lambda: (
        SarahState.objects.select_for_update(no_key=True, skip_locked=True, of=("self", "contact"))
        .select_related("contact")
        .filter(
            ~Exists(
                SarahState.objects.filter(
                    contact_phone=OuterRef("contact_phone"), workspace__isnull=True
                )
            ),
            contact__workspace=F("workspace"),
            contact__phone=F("contact_phone"),
            workspace=0,
            contact_phone="",
        )
    )
)
