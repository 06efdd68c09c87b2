"""Whose a lead is: by hand, in bulk, by a bot, or by turns as Sarah hands leads over."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.handoffs import free_of_the_gone, give_waiting
from contacts.models import Contact, Membership, Workspace
from tests.bot import Bot
from tests.callers import Caller
from tests.contacts.pages import sent_by
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory
from tests.faults import postgresql
from tests.staff import Staff, messages_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db

HOT = {"state": "handoff", "lead_score": 80, "lead_temperature": "hot"}


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory(slug="kopi", assigns_by_turns=True, members=[])


def member(workspace: Workspace, name: str, **fields: Any) -> Any:
    person = UserFactory(username=name, workspaces=[])
    Membership.objects.create(workspace=workspace, user=person, **fields)
    return person


def owners(*leads: Contact) -> list[str | None]:
    names = dict(Contact.objects.values_list("pk", "assigned_to__username"))
    return [names[lead.pk] for lead in leads]


def history(lead: Contact) -> list[tuple[str, ...]]:
    return list(lead.assignments.values_list("from_name", "to_name", "by", "actor_kind"))


# By turns


@pytest.mark.django_db(transaction=True)
def test_leads_that_sarah_hands_over_go_by_turns_to_who_takes_leads(
    bot: Bot, workspace: Workspace
) -> None:
    for name in ("ani", "budi"):
        member(workspace, name)
    member(workspace, "away", takes_leads=False)
    gone = member(workspace, "gone")
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    member(WorkspaceFactory(slug="teh", members=[]), "elsewhere")
    leads = ContactFactory.create_batch(3, workspace=workspace)

    for lead in leads:
        bot.post(lead.phone, state="qualifying")
        assert owners(lead) == [None]
        bot.post(lead.phone, **HOT)

    assert owners(*leads) == ["ani", "budi", "ani"]
    assert history(leads[0]) == [("", "ani", "sarah-bot", "bot")]


@pytest.mark.django_db(transaction=True)
def test_no_turn_takes_a_lead_from_somebody_nor_happens_twice(
    bot: Bot, workspace: Workspace
) -> None:
    ani, budi = member(workspace, "ani"), member(workspace, "budi")
    lead = ContactFactory(workspace=workspace, assigned_to=budi)
    repeated = ContactFactory(workspace=workspace)

    bot.post(lead.phone, **HOT)
    for count in (5, 6):
        bot.post(repeated.phone, **HOT, message_count=count)

    assert owners(lead, repeated) == ["budi", "ani"]
    assert Membership.objects.get(user=budi).last_given_at is None
    assert (lead.assignments.count(), repeated.assignments.count()) == (0, 1)
    assert ani.memberships.get().last_given_at


@pytest.mark.django_db(transaction=True)
def test_without_the_switch_nobody_is_given_a_lead(bot: Bot) -> None:
    ani = UserFactory()
    lead = ContactFactory()
    assert lead.workspace.memberships.filter(user=ani, takes_leads=True).exists()

    bot.post(lead.phone, **HOT)

    assert owners(lead) == [None]


@pytest.mark.django_db(transaction=True)
def test_turns_cost_a_message_without_a_handoff_nothing(bot: Bot, workspace: Workspace) -> None:
    member(workspace, "ani")
    lead = ContactFactory(workspace=workspace)
    bot.post(lead.phone, state="qualifying", message_count=1)

    def cost(count: int) -> int:
        with CaptureQueriesContext(connection) as statements:
            bot.post(lead.phone, extracted_data={"goals": str(count)}, message_count=count)
        return len(statements)

    by_turns = cost(2)
    Workspace.objects.update(assigns_by_turns=False)

    assert by_turns == cost(3)


@postgresql
@pytest.mark.django_db(transaction=True)
def test_handoffs_at_once_go_to_different_people(bot: Bot, workspace: Workspace) -> None:
    names = {member(workspace, f"person-{number}").username for number in range(4)}
    leads = ContactFactory.create_batch(4, workspace=workspace)

    at_once([lambda lead=lead: Bot(f"bot-{lead.pk}").post(lead.phone, **HOT) for lead in leads])

    assert {*owners(*leads)} == names


@pytest.mark.django_db(transaction=True)
def test_a_lead_that_nobody_could_take_goes_to_the_first_who_is_back(
    bot: Bot, workspace: Workspace
) -> None:
    ani = member(workspace, "ani", takes_leads=False)
    lead, decided = ContactFactory.create_batch(2, workspace=workspace)
    for one in (lead, decided):
        bot.post(one.phone, **HOT)
    assert give_waiting() == 0
    decided.assign(ani, by="boss")
    decided.assign(None, by="boss")

    Membership.objects.update(takes_leads=True)

    assert (give_waiting(), give_waiting()) == (1, 0)
    assert owners(lead, decided) == ["ani", None]
    assert history(lead) == [("", "ani", "LeadSync", "system")]


@pytest.mark.django_db(transaction=True)
def test_without_the_switch_a_lead_that_nobody_answered_in_time_goes_by_turns(
    bot: Bot, workspace: Workspace
) -> None:
    Workspace.objects.update(assigns_by_turns=False)
    member(workspace, "ani")
    lead, forgotten = ContactFactory.create_batch(2, workspace=workspace)
    with time_machine.travel("2026-11-24T03:00:00Z", tick=False) as clock:
        bot.post(forgotten.phone, **HOT)
        clock.shift(timedelta(days=2))
        bot.post(lead.phone, **HOT)
        assert give_waiting() == 0
        clock.shift(timedelta(minutes=16))
        assert (give_waiting(), give_waiting()) == (1, 0)

    assert owners(lead, forgotten) == ["ani", None]  # what is long past is left to people


@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_clock_is_ahead_gives_no_lead_before_its_time(
    bot: Bot, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.objects.update(assigns_by_turns=False)
    member(workspace, "ani")
    lead = ContactFactory(workspace=workspace)
    with time_machine.travel("2026-11-26T03:00:00Z", tick=False) as clock:
        bot.post(lead.phone, **HOT)
        clock.shift(timedelta(hours=12))
        monkeypatch.setattr("leadsync.infra.clock._difference", timedelta(hours=-12))
        assert give_waiting() == 0
        monkeypatch.setattr("leadsync.infra.clock._difference", timedelta(hours=-11))
        assert give_waiting() == 1


@pytest.mark.django_db(transaction=True)
def test_who_is_alone_takes_what_was_not_answered_in_time(bot: Bot, workspace: Workspace) -> None:
    Workspace.objects.update(assigns_by_turns=False)
    boss = UserFactory(username="boss", is_superuser=True, workspaces=[])
    lead = ContactFactory(workspace=workspace)
    with time_machine.travel("2026-11-26T03:00:00Z", tick=False) as clock:
        bot.post(lead.phone, **HOT)
        clock.shift(timedelta(minutes=16))
        UserFactory(username="second", is_superuser=True, workspaces=[])
        assert give_waiting() == 0
        type(boss).objects.filter(username="second").update(is_active=False)
        away = member(lead.workspace, "ani", takes_leads=False)
        assert give_waiting() == 0
        away.memberships.all().delete()
        assert give_waiting() == 1

    assert owners(lead) == ["boss"]


def test_the_open_leads_of_who_may_not_log_in_any_more_are_nobodys(workspace: Workspace) -> None:
    boss, ani = Staff(is_superuser=True, username="boss"), member(workspace, "ani")
    budi = member(workspace, "budi")
    lead, won, budis = ContactFactory.create_batch(3, workspace=workspace, assigned_to=ani)
    Contact.objects.filter(pk=won.pk).update(lead_status="converted")
    budis.assign(budi, by="boss")
    lead.follow_ups.create(text="Call", due_at=timezone.now(), assigned_to=ani, created_by="ani")

    account = f"/admin/auth/user/{ani.pk}/change/"
    form = sent_by(boss.client.get(account))
    form.pop("is_active")
    page = boss.client.post(account, form, follow=True)

    assert "1 open lead of theirs is nobody's now." in unescape(messages_of(page)[0])
    assert owners(lead, won, budis) == [None, "ani", "budi"]
    assert history(lead) == [("ani", "", "LeadSync", "system")]
    assert lead.follow_ups.get().assigned_to is None
    type(budi).objects.filter(pk=budi.pk).update(is_active=False)  # by some other way
    assert (free_of_the_gone(), free_of_the_gone()) == (1, 0)
    assert owners(budis) == [None]


# By hand


@pytest.fixture
def dewi(workspace: Workspace) -> Staff:
    return Staff("Sales", username="dewi", workspaces=[workspace])


def test_whoever_assigns_leads_sees_what_each_person_has_to_do(
    dewi: Staff, workspace: Workspace
) -> None:
    ani = member(workspace, "ani", takes_leads=False)
    late = {"handed_over_at": timezone.now() - timedelta(hours=2), "handed_over_as": "hot",
            "answer_by": timezone.now() - timedelta(hours=1)}  # fmt: skip
    ContactFactory.create_batch(2, workspace=workspace, assigned_to=ani)
    ContactFactory(workspace=workspace, assigned_to=ani, **late)
    ContactFactory(workspace=workspace, assigned_to=ani, lead_status="archived")
    ContactFactory(assigned_to=ani)  # elsewhere
    leads = ContactFactory.create_batch(2, workspace=workspace)

    asked = dewi.runs("assign_to", leads).content.decode()

    assert "dewi (0 open)" in asked
    assert "ani (3 open, 1 overdue, takes none by turns)" in asked


def test_chosen_leads_go_to_a_member_with_their_next_steps(
    dewi: Staff, workspace: Workspace
) -> None:
    ani, budi = member(workspace, "ani"), member(workspace, "budi")
    mine, anis = ContactFactory.create_batch(2, workspace=workspace, assigned_to=dewi.user)
    anis.assign(ani, by="boss")
    for lead, whose in ((mine, dewi.user), (anis, dewi.user)):
        lead.follow_ups.create(
            text="Call", due_at=timezone.now(), assigned_to=whose, created_by="dewi"
        )

    page = dewi.runs("assign_to", [mine, anis], confirmed="1", person=str(budi.pk))

    assert messages_of(page) == ["2 leads are now assigned to budi."]
    assert owners(mine, anis) == ["budi", "budi"]
    assert history(mine) == [("dewi", "budi", "dewi", "person")]
    whose = [lead.follow_ups.get().assigned_to for lead in (mine, anis)]
    assert whose == [budi, dewi.user]  # a step that somebody else has to do stays theirs


def test_chosen_leads_go_to_nobody(dewi: Staff, workspace: Workspace) -> None:
    lead = ContactFactory(workspace=workspace, assigned_to=dewi.user)

    page = dewi.runs("assign_to", [lead], confirmed="1", person="nobody")

    assert messages_of(page) == ["1 lead is nobody's now."]
    assert history(lead) == [("dewi", "", "dewi", "person")]


def test_nobody_gets_a_lead_of_a_workspace_that_is_not_theirs(workspace: Workspace) -> None:
    boss, ani = Staff(is_superuser=True), member(workspace, "ani")
    ours = ContactFactory(workspace=workspace)
    other = ContactFactory(workspace=WorkspaceFactory(slug="teh", members=[]))

    page = boss.runs("assign_to", [ours, other], confirmed="1", person=str(ani.pk))

    assert owners(ours, other) == ["ani", None]
    assert messages_of(page)[1].startswith("1 lead stays where it is: this person is no member")


def test_my_leads_are_a_filter_of_the_list(dewi: Staff, workspace: Workspace) -> None:
    mine, _other = ContactFactory.create_batch(2, workspace=workspace)
    mine.assign(dewi.user, by="dewi")

    assert list(dewi.list_of(Contact, assigned="me").queryset) == [mine]


def test_a_lead_that_is_assigned_in_its_form_has_it_in_its_history(workspace: Workspace) -> None:
    lead, ani = ContactFactory(workspace=workspace), member(workspace, "ani")

    lead.edit({"assigned_to": ani}, by="dewi")

    assert history(lead) == [("", "ani", "dewi", "person")]


# By a bot


@pytest.fixture
def manager(workspace: Workspace) -> Caller:
    return Caller("leads:write", "leads:read", name="manager-bot", workspace=workspace)


def test_a_bot_assigns_a_lead_and_reads_who_could_take_it(
    manager: Caller, workspace: Workspace
) -> None:
    member(workspace, "ani")
    lead = ContactFactory(workspace=workspace)
    path = f"/api/v1/leads/{lead.pk}/assign/"

    given = manager.send(path, {"assigned_to": "ani"}).json()
    again = manager.send(path, {"assigned_to": "ani"}).json()

    assert given == {"id": lead.pk, "assigned_to": "ani", "changed": True}
    assert again == given | {"changed": False}
    [ani] = manager.read(path)["people"]
    assert ani == {"user_name": "ani", "name": "", "open": 1, "overdue": 0, "takes_leads": True}
    [entry] = manager.read(f"/api/v1/leads/{lead.pk}/timeline/")["results"]
    assert (entry["kind"], entry["author"], entry["author_kind"]) == (
        *("assignment", "manager-bot", "bot"),
    )
    assert entry["details"] == {"from_name": "", "to_name": "ani"}
    assert manager.send(path, {"assigned_to": None}).json()["assigned_to"] is None


@pytest.mark.parametrize("name", ["elsewhere", "nobody", "", "no\0body", "manager-bot", 7])
def test_a_bot_gives_a_lead_to_members_of_its_workspace_only(
    manager: Caller, workspace: Workspace, name: object
) -> None:
    member(WorkspaceFactory(slug="teh", members=[]), "elsewhere")
    lead = ContactFactory(workspace=workspace)

    answer = manager.send(f"/api/v1/leads/{lead.pk}/assign/", {"assigned_to": name})

    assert (answer.status_code, [*answer.json()["fields"]]) == (400, ["assigned_to"])
    assert not lead.assignments.exists()


def test_a_bot_does_not_assign_against_a_persons_later_word(
    manager: Caller, workspace: Workspace
) -> None:
    read = timezone.now()
    lead, ani = ContactFactory(workspace=workspace), member(workspace, "ani")
    lead.assign(ani, by="boss")

    said = {"assigned_to": None, "as_of": read.isoformat()}
    answer = manager.send(f"/api/v1/leads/{lead.pk}/assign/", said)

    assert (answer.status_code, owners(lead)) == (409, ["ani"])


def test_a_bound_key_assigns_only_in_its_workspace(manager: Caller) -> None:
    path = f"/api/v1/leads/{ContactFactory().pk}/assign/"

    assert (manager.send(path, {"assigned_to": None}).status_code) == 404
    assert manager.get(path).status_code == 404


def test_a_bot_reads_the_open_next_step(manager: Caller, workspace: Workspace) -> None:
    lead = ContactFactory(workspace=workspace)
    path = f"/api/v1/leads/{lead.pk}/follow-up/"

    nothing = manager.read(path)
    manager.send(path, {"when": "tomorrow", "text": "Call"})

    assert (nothing, manager.read(path)["follow_up"]["text"]) == ({"follow_up": None}, "Call")
    other = ContactFactory()
    assert manager.get(f"/api/v1/leads/{other.pk}/follow-up/").status_code == 404
