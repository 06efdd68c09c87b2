"""Whom staff may see: the leads, conversations and failures of their own workspaces."""

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError

from contacts.models import Contact, FollowUp, Membership, Note, Workspace
from leadsync.admin.tools import ModelAdmin
from monitoring.models import Alert, AlertKind, FailureGroup, SyncFailure, SyncRun
from sarah.models import SarahState, StateUpdate
from tests.contacts.pages import ADD, saves, sent_by
from tests.factories import (
    CauseFactory,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
    join,
)
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> Workspace:
    return WorkspaceFactory(slug="kopi", members=[])


@pytest.fixture
def other() -> Workspace:
    return WorkspaceFactory(slug="batik", members=[])


@pytest.fixture
def ani(mine: Workspace) -> User:
    return UserFactory(group="Operators", workspaces=[mine])


def person(ani: User, **account: Any) -> User:
    """Ani as a request loads her, with other rights."""
    User.objects.filter(pk=ani.pk).update(**account)
    return User.objects.get(pk=ani.pk)


@pytest.mark.parametrize("model", [Contact, Note, FollowUp, SarahState, StateUpdate, SyncFailure])
def test_a_member_sees_the_rows_of_their_workspaces(
    ani: User, mine: Workspace, other: Workspace, model: type[Any]
):
    for workspace in (mine, other):
        lead = ContactFactory(workspace=workspace, phone="+6281200000001")
        lead.notes.create(text="Called.", author="ani")
        due_at = lead.created_at
        FollowUp.objects.create(contact=lead, text="Call", due_at=due_at, created_by="ani")
        MessageFactory(state=SarahStateFactory(workspace=workspace, contact_phone=lead.phone))
        SyncFailureFactory(workspace_ref=workspace.slug, contact_phone=lead.phone)

    assert model.objects.count() == 2
    assert model.objects.visible_to(ani).count() == 1
    assert model.objects.visible_to(person(ani, is_superuser=True)).count() == 2
    assert model.objects.visible_to(person(ani, is_active=False)).count() == 0
    assert model.objects.visible_to(AnonymousUser()).count() == 0


def test_a_cause_counts_the_failures_that_a_person_may_see(
    ani: User, mine: Workspace, other: Workspace
):
    shared, theirs = CauseFactory(exception="ValueError"), CauseFactory(exception="KeyError")
    SyncFailureFactory(workspace_ref="kopi", group=shared, occurrences=2)
    SyncFailureFactory(workspace_ref="batik", group=shared, occurrences=40)
    SyncFailureFactory(workspace_ref="batik", group=theirs)

    [cause] = FailureGroup.objects.visible_to(ani).with_numbers(ani)

    assert cause == shared
    assert (cause.open_failures, cause.leads, cause.occurrences) == (1, 1, 2)


def test_what_is_said_of_a_cause_stays_among_those_whom_it_concerns(
    mine: Workspace, other: Workspace
):
    operator, cause = Staff("Operators", workspaces=[mine]), CauseFactory(exception="ValueError")
    ours = SyncFailureFactory(workspace_ref="kopi", group=cause)
    theirs = SyncFailureFactory(workspace_ref="batik", group=cause)
    FailureGroup.objects.acknowledge(by="budi", note="Secret.")

    page = operator.sees("monitoring_failuregroup_change", cause.pk)
    pages = page + operator.sees("monitoring_failuregroup_changelist")
    operator.confirms("ignore", cause, hours="1", note="")
    operator.runs("ignore_these", [cause], confirmed="1", hours="1", note="")
    operator.confirms("resolve_all", cause, note="")

    assert "Secret." not in pages
    assert "budi" not in pages
    cause.refresh_from_db()
    assert (cause.ignored_by, cause.resolved_by, cause.acknowledged_by) == ("", "", "budi")
    ours.refresh_from_db()
    theirs.refresh_from_db()
    assert (bool(ours.resolved_at), bool(theirs.resolved_at)) == (True, False)


def test_only_operators_see_what_belongs_to_no_workspace_yet(ani: User, mine: Workspace):
    sales = UserFactory(group="Sales", workspaces=[mine])
    SarahStateFactory(workspace=None, workspace_ref="tidak-ada")
    failure = SyncFailure.objects.get()
    alert = Alert.objects.create(cause=AlertKind.NEW_CAUSE, subject=str(failure.group_id))
    SyncRun.objects.create(trigger="worker")

    for model in (SarahState, SyncFailure, FailureGroup, Alert, SyncRun):
        assert model.objects.visible_to(ani).count() == 1, model
        assert model.objects.visible_to(sales).count() == 0, model

    WorkspaceFactory(slug="tidak-ada", members=[])
    assert SyncFailure.objects.visible_to(ani).count() == 0
    assert not FailureGroup.objects.visible_to(ani).exists()
    assert not Alert.objects.visible_to(ani).filter(pk=alert.pk).exists()


def test_a_person_joins_a_workspace_once(ani: User, mine: Workspace, other: Workspace):
    join([ani], [mine, other])

    assert set(Workspace.objects.visible_to(User.objects.get(pk=ani.pk))) == {mine, other}
    assert Membership.objects.get(workspace=other).takes_leads
    with pytest.raises(IntegrityError):
        Membership.objects.create(user=ani, workspace=mine)


def test_a_page_whose_rows_belong_to_nobody_cannot_be_made():
    with pytest.raises(ImproperlyConfigured, match="Say who may see the rows of contenttypes"):
        ModelAdmin(ContentType, admin.site)


def test_who_sees_no_workspace_is_told_whom_to_ask():
    UserFactory(is_superuser=True, first_name="Budi")
    newcomer = Staff("Sales", workspaces=[])

    assert "Ask Budi to add you to yours." in newcomer.sees("contacts_contact_changelist")
    assert "Ask Budi to add you to yours." in newcomer.sees("index")


def test_a_lead_is_assigned_only_to_who_may_see_it(mine: Workspace, other: Workspace):
    ani, budi = Staff("Sales", workspaces=[mine, other]), UserFactory(workspaces=[other])
    lead = ContactFactory(workspace=mine)

    url = f"/admin/contacts/contact/{lead.pk}/edit/?field=assigned_to"
    page = ani.client.get(url)
    offered = set(page.context["form"].fields["assigned_to"].queryset)
    typed = {"workspace": mine.pk, "phone": "0812 3456 7890", "assigned_to": budi.pk}
    added = saves(ani.client, ADD, **typed)

    assert offered == {ani.user}
    assert "This person is no member of the workspace." in added.content.decode()


def test_members_are_changed_on_the_workspaces_page(ani: User, mine: Workspace, other: Workspace):
    boss, budi = Staff(is_superuser=True, workspaces=[]), UserFactory(workspaces=[mine])
    lead = ContactFactory(workspace=mine, assigned_to=ani)
    won = ContactFactory(workspace=mine, assigned_to=ani, lead_status="converted")
    elsewhere = ContactFactory(workspace=other, assigned_to=ani)
    url = f"/admin/contacts/workspace/{mine.pk}/change/"
    members = {user: n for n, user in enumerate(sorted([ani, budi], key=lambda u: u.username))}
    typed = {f"memberships-{members[ani]}-DELETE": "on"}
    form = sent_by(boss.client.get(url)) | typed
    del form[f"memberships-{members[budi]}-takes_leads"]

    answer = boss.client.post(url, form, follow=True)

    assert "1 open lead is assigned to nobody now." in messages_of(answer)
    assert list(mine.memberships.values_list("user", "takes_leads")) == [(budi.pk, False)]
    owners = {one: Contact.objects.get(pk=one.pk).assigned_to for one in (lead, won, elsewhere)}
    assert owners == {lead: None, won: ani, elsewhere: ani}


def test_an_operator_is_a_member_of_the_workspace_that_they_add():
    operator = Staff("Operators", workspaces=[])

    saves(operator.client, "/admin/contacts/workspace/add/", name="Kopi", slug="kopi")

    assert "Kopi" in operator.sees("contacts_workspace_changelist")


def test_the_leads_of_a_deleted_account_are_nobodys_with_a_line_in_their_history(mine: Workspace):
    boss, ani = Staff(is_superuser=True, workspaces=[]), UserFactory(workspaces=[mine])
    won = ContactFactory(workspace=mine, assigned_to=ani, lead_status="converted")

    boss.client.post(f"/admin/auth/user/{ani.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(pk=ani.pk).exists()
    line = won.assignments.get()
    assert (line.from_name, line.to_name, line.by) == (ani.username, "", boss.user.username)
