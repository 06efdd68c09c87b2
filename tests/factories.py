"""Rows for tests."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import product
from typing import Any

import factory
from django.contrib.auth.models import Group, User
from django.utils import timezone
from factory.django import DjangoModelFactory

from contacts.models import Contact, Membership, Workspace
from contacts.workflow import Why
from monitoring.kinds import Kind, Source
from monitoring.models import FailureGroup, SyncFailure
from sarah.models import Outcome, SarahState, StateUpdate

ANY_MOVE = Why(text="As the test says.", archived="no_answer", forced=True)
"""For a lead that has to be somewhere, whatever the rules are."""


def join(people: Iterable[User], workspaces: Iterable[Workspace]) -> None:
    """Make these people members of these workspaces."""
    pairs = product(people, list(workspaces))
    rows = [Membership(user=user, workspace=workspace) for user, workspace in pairs]
    Membership.objects.bulk_create(rows, ignore_conflicts=True)


class WorkspaceFactory(DjangoModelFactory):
    class Meta:
        model = Workspace
        django_get_or_create = ("slug",)
        skip_postgeneration_save = True

    slug = "default"
    name = factory.LazyAttribute(lambda workspace: workspace.slug.title())

    @factory.post_generation
    def members(self, create, people, **kwargs):
        """All of staff, unless the test says who."""
        staff = User.objects.filter(is_staff=True) if people is None else people
        if create:
            join(staff, [self])


class ContactFactory(DjangoModelFactory):
    class Meta:
        model = Contact

    workspace = factory.SubFactory(WorkspaceFactory)
    phone = factory.Sequence(lambda n: f"+62812{n:08d}")


class SarahStateFactory(DjangoModelFactory):
    """A conversation; creating one syncs it, as saving always does."""

    class Meta:
        model = SarahState

    workspace = factory.SubFactory(WorkspaceFactory)
    contact_phone = factory.Sequence(lambda n: f"+62813{n:08d}")


def fail_sync(
    state: SarahState, reason: str = "sync_error", *, due: timedelta | None = None, **columns: Any
) -> SarahState:
    """Leave the conversation as a failed sync leaves it: its retry is `due` from now, or never."""
    columns = {"synced_at": None, "sync_reason": reason} | columns
    if due is not None:
        columns |= {"next_sync_at": timezone.now() + due}
    SarahState.objects.filter(pk=state.pk).update(**columns)
    state.refresh_from_db()
    return state


def waiting_lead(name: str, **fields: Any) -> Contact:
    """A lead that Sarah handed over two hours ago."""
    then = timezone.now() - timedelta(hours=2)
    handed_over = {"status_changed_at": then, "handed_over_at": then, "answer_by": then}
    return ContactFactory(name=name, lead_status="contacted", **handed_over | fields)


def unseen_lead(state: SarahState, **fields: Any) -> Contact:
    """The lead that the conversation waits for, written in bulk: that heals nothing by itself."""
    fields = {"workspace": state.workspace or WorkspaceFactory()} | fields
    lead = ContactFactory.build(phone=state.contact_phone, **fields)
    return Contact.objects.bulk_create([lead])[0]


class MessageFactory(DjangoModelFactory):
    """What a bot posted, as the journal has it."""

    class Meta:
        model = StateUpdate

    state = factory.SubFactory(SarahStateFactory)
    body = "{}"
    outcome = Outcome.SYNCED


class CauseFactory(DjangoModelFactory):
    """What failures have in common."""

    class Meta:
        model = FailureGroup
        django_get_or_create = ("source", "kind", "exception", "function")

    source = Source.SARAH
    kind = Kind.SYNC_ERROR
    exception = ""
    function = ""


class SyncFailureFactory(DjangoModelFactory):
    class Meta:
        model = SyncFailure

    source = Source.SARAH
    kind = Kind.SYNC_ERROR
    workspace_ref = "default"
    contact_phone = factory.Sequence(lambda n: f"+62814{n:08d}")
    error = "Something broke."
    group = factory.SubFactory(
        CauseFactory,
        source=factory.SelfAttribute("..source"),
        kind=factory.SelfAttribute("..kind"),
    )


class UserFactory(DjangoModelFactory):
    """A person of staff, who is a member of all workspaces unless the test says of which;
    `group` puts them into Sales or Operators."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    password = factory.django.Password("secret")
    is_staff = True

    @factory.post_generation
    def group(self, create, name, **kwargs):
        if name:
            self.groups.add(Group.objects.get(name=name))

    @factory.post_generation
    def workspaces(self, create, workspaces, **kwargs):
        if self.is_staff:
            join([self], Workspace.objects.all() if workspaces is None else workspaces)
