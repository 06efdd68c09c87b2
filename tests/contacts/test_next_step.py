"""A lead's next step: at most one is open, and each that was stays to be seen."""

import pytest
import time_machine
from django.db import IntegrityError
from django.utils import timezone

from contacts.merging import merge_by_hand, undo
from contacts.models import Contact, FollowUp, Merge, Workspace
from tests.callers import Caller
from tests.contacts.pages import saves
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db

FRIDAY = "2026-11-27T08:00:00Z"


@pytest.fixture
def dewi() -> Staff:
    return Staff("Sales", username="dewi")


@pytest.fixture
def lead() -> Contact:
    return ContactFactory(name="Budi")


def plans(staff: Staff, lead: Contact, **fields: str) -> list[str]:
    """Send what the panel on the lead's page sends; returns what the person is told."""
    path = f"/admin/contacts/contact/{lead.pk}/next-step/"
    return messages_of(staff.client.post(path, fields, follow=True))


def steps(lead: Contact) -> list[tuple[str, str, str]]:
    """What is to be done and when (UTC), and what became of it, the oldest first."""
    rows = lead.follow_ups.order_by("pk")
    return [(step.text, f"{step.due_at:%m-%d %H:%M}", step.outcome) for step in rows]


@time_machine.travel(FRIDAY, tick=False)
def test_a_step_is_planned_moved_and_done_and_all_of_it_stays_to_be_seen(
    dewi: Staff, lead: Contact
) -> None:
    plans(dewi, lead, text="Send  the offer", soon="tomorrow")
    plans(dewi, lead, due_at="2026-12-01T14:30")
    assert steps(lead) == [
        ("Send the offer", "11-30 02:00", "moved"),  # nine on Monday in Jakarta
        ("Send the offer", "12-01 07:30", ""),
    ]
    page = dewi.sees("contacts_contact_change", lead.pk)
    assert "Tue 1 Dec 2026, 14:30" in page

    plans(dewi, lead, close="done")

    _moved, done = lead.follow_ups.order_by("pk")
    assert (done.outcome, done.closed_by, done.assigned_to) == ("done", "dewi", dewi.user)
    assert "Done · dewi" in dewi.sees("contacts_contact_change", lead.pk)


@time_machine.travel(FRIDAY, tick=False)
@pytest.mark.parametrize(
    ("hours", "fields", "due"),
    [
        ({}, {"soon": "in_3_days"}, "11-30 02:00"),
        ({"working_days": "123456"}, {"soon": "tomorrow"}, "11-28 02:00"),
        ({"time_zone": "Asia/Makassar"}, {"soon": "next_monday"}, "11-30 01:00"),
        ({"holidays": ["2026-11-30"]}, {"soon": "next_monday"}, "12-01 02:00"),
        ({"time_zone": "Asia/Makassar"}, {"due_at": "2026-12-01T09:00"}, "12-01 01:00"),
    ],
)
@pytest.mark.one_database
def test_a_step_is_due_by_the_workspaces_clock(
    dewi: Staff, hours: dict[str, object], fields: dict[str, str], due: str
) -> None:
    lead = ContactFactory(workspace=WorkspaceFactory(slug="kopi", **hours))

    plans(dewi, lead, **fields)

    assert steps(lead) == [("Contact again", due, "")]


def test_who_planned_over_anothers_step_is_told_and_nobody_closes_a_step_unseen(
    dewi: Staff, lead: Contact
) -> None:
    plans(dewi, lead, text="Send the offer", soon="tomorrow")
    seen = str(lead.follow_ups.open().get().pk)

    told = plans(Staff("Sales", username="rudi"), lead, text="Call", soon="tomorrow")
    assert told == ["The next step is planned. It takes the place of “Send the offer”."]

    [refused] = plans(dewi, lead, close="done", step=seen)
    assert refused == "Nothing was changed: this step is no longer the open one."
    assert lead.follow_ups.open().get().text == "Call"


def test_a_step_is_the_leads_persons_or_ones_own_or_who_is_named(dewi: Staff) -> None:
    rudi, ani = UserFactory(username="rudi"), UserFactory(username="ani")
    leads = [ContactFactory(), ContactFactory(assigned_to=rudi), ContactFactory()]

    for lead, whose in zip(leads, ["", "", str(ani.pk)], strict=True):
        plans(dewi, lead, soon="tomorrow", whose=whose)

    assert [lead.follow_ups.get().assigned_to for lead in leads] == [dewi.user, rudi, ani]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "Choose when the next step is due."),
        ({"soon": "yesterday"}, "Select a valid choice"),
        ({"due_at": "soon"}, "Enter a valid date/time."),
        ({"soon": "tomorrow", "whose": "999999"}, "Select a valid choice"),
    ],
)
@pytest.mark.one_database
def test_what_cannot_be_planned_is_explained(
    dewi: Staff, lead: Contact, fields: dict[str, str], told: str
) -> None:
    [message] = plans(dewi, lead, **fields)

    assert told in message
    assert not lead.follow_ups.exists()


def test_no_lead_has_two_open_steps(lead: Contact) -> None:
    FollowUp.objects.create(contact=lead, text="Call", due_at=timezone.now(), created_by="dewi")

    with pytest.raises(IntegrityError):
        FollowUp.objects.create(contact=lead, text="Call", due_at=timezone.now(), created_by="ani")


def test_who_may_only_look_plans_nothing(lead: Contact) -> None:
    looker = Staff()

    path = f"/admin/contacts/contact/{lead.pk}/next-step/"
    assert looker.client.post(path, {"soon": "tomorrow"}).status_code == 403
    assert looker.client.get(path).status_code == 405
    assert not lead.follow_ups.exists()


def test_two_leads_that_become_one_keep_the_step_that_is_due_first(
    dewi: Staff, lead: Contact
) -> None:
    other = ContactFactory()
    plans(dewi, lead, text="Later", due_at="2026-12-02T09:00")
    plans(dewi, other, text="First", due_at="2026-12-01T09:00")

    merge_by_hand(lead.pk, other.pk, by="dewi", chosen={})

    assert {(text, outcome) for text, _due, outcome in steps(lead)} == {
        ("First", ""),
        ("Later", "dropped"),
    }
    undo(Merge.objects.get().pk, by="dewi")
    assert [text for text, _due, _outcome in steps(other)] == ["First"]


def test_an_operator_sets_the_hours_of_a_workspace() -> None:
    operator = Staff("Operators")
    workspace = Workspace.objects.get()
    page = f"/admin/contacts/workspace/{workspace.pk}/change/"

    saves(
        operator.client,
        page,
        time_zone="Asia/Jayapura",
        working_days=["6", "1", "2"],
        opens_at="08:00",
        closes_at="16:00",
        holidays="2026-12-25\n2026-01-01",
    )

    workspace.refresh_from_db()
    assert (workspace.time_zone, workspace.working_days) == ("Asia/Jayapura", "126")
    assert workspace.holidays == ["2026-01-01", "2026-12-25"]
    assert f"{workspace.opens_at:%H:%M} {workspace.closes_at:%H:%M}" == "08:00 16:00"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"time_zone": "Mars/Base"}, "Use a name such as Asia/Jakarta."),
        ({"holidays": "Christmas"}, "“Christmas” is no date"),
        ({"opens_at": "18:00"}, "Open before you close"),
        ({"hot_minutes": "0"}, "greater than or equal to 1"),
    ],
)
@pytest.mark.one_database
def test_hours_that_cannot_be_are_refused(fields: dict[str, str], told: str) -> None:
    page = f"/admin/contacts/workspace/{Workspace.objects.get().pk}/change/"

    answer = saves(Staff("Operators").client, page, **fields)

    assert told in answer.content.decode()


@time_machine.travel(FRIDAY, tick=False)
def test_the_manager_bot_plans_moves_and_closes_a_step(lead: Contact) -> None:
    bot, rudi = Caller("leads:write", name="manager-bot"), UserFactory(username="rudi")
    path = f"/api/v1/leads/{lead.pk}/follow-up/"

    bot.send(path, {"text": "Send the offer", "when": "tomorrow", "assigned_to": "rudi"})
    moved = bot.send(path, {"due_at": "2026-12-01T07:30:00Z"})
    closed = bot.send(path, {"outcome": "done"})

    assert moved.json()["follow_up"] == {
        "text": "Send the offer",
        "due_at": "2026-12-01T07:30:00Z",
        "assigned_to": rudi.username,
        "created_by": "manager-bot",
    }
    assert closed.json() == {"follow_up": None}
    assert steps(lead) == [
        ("Send the offer", "11-30 02:00", "moved"),
        ("Send the offer", "12-01 07:30", "done"),
    ]
    assert {step.created_by_kind for step in lead.follow_ups.all()} == {"bot"}


@pytest.mark.parametrize(
    "body",
    [{}, {"text": "Call"}, {"when": "never"}, {"when": "tomorrow", "outcome": "done"},
     {"when": "tomorrow", "assigned_to": "no\0body"},
     {"when": "tomorrow", "assigned_to": "nobody"}, {"outcome": "moved"}],
)  # fmt: skip
def test_a_bot_is_told_what_cannot_be_planned(lead: Contact, body: dict[str, str]) -> None:
    answer = Caller("leads:write").send(f"/api/v1/leads/{lead.pk}/follow-up/", body)

    assert answer.status_code == 400
    assert not lead.follow_ups.exists()
