"""A day of an owner: 40 leads arrive, 6 are hot, two people work, one goes home."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from contacts.models import Contact, Membership
from contacts.turns import give_waiting
from monitoring.notices.send import tell
from tests.bot import Bot
from tests.callers import Caller
from tests.factories import WorkspaceFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+62812555000{:02}"
FRIDAY = "2026-11-27T{}:00+07:00"
HOT = {"state": "handoff", "lead_score": 85, "lead_temperature": "hot"}


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(FRIDAY.format("08:30")) as traveller:
        yield lambda hour: traveller.move_to(FRIDAY.format(hour))


def notes_a_call(person: Staff, lead: Contact, **next_step: str) -> None:
    url = reverse("admin:contacts_contact_note", args=[lead.pk])
    person.client.post(url, {"note": "Called.", "kind": "call", **next_step})


def owners() -> dict[str, str | None]:
    handed_over = Contact.objects.filter(handed_over_at__isnull=False)
    return dict(handed_over.values_list("phone", "assigned_to__username"))


def test_at_the_end_nobody_who_was_handed_over_is_forgotten(
    clock: Callable[[str], None],
) -> None:
    kopi = WorkspaceFactory(slug="kopi", creates_contacts=True, assigns_by_turns=True, members=[])
    ani, budi = (
        Staff("Sales", username=name, email=f"{name}@kopi.id", workspaces=[kopi])
        for name in ("ani", "budi")
    )
    boss = Staff(is_superuser=True, username="boss", workspaces=[])
    sarah = Bot(workspace=kopi)
    manager = Caller("leads:read", "leads:write", name="manager-bot", workspace=kopi)
    for number in range(40):
        sarah.post(PHONE.format(number), state="qualifying", lead_score=20, message_count=1)

    clock("09:00")
    for number in range(4):
        sarah.post(PHONE.format(number), **HOT, message_count=2)
    tell()
    assert [*owners().values()].count("ani") == [*owners().values()].count("budi") == 2
    assert sorted(one.to[0] for one in mail.outbox) == ["ani@kopi.id"] * 2 + ["budi@kopi.id"] * 2

    clock("09:10")
    first, second = Contact.objects.filter(assigned_to=ani.user)
    notes_a_call(ani, first, soon="tomorrow")
    for lead in Contact.objects.filter(assigned_to=budi.user):
        notes_a_call(budi, lead, soon="tomorrow")

    clock("12:00")  # ani goes home; what is hers goes to budi
    Membership.objects.filter(user=ani.user).update(takes_leads=False)
    late = manager.read("/api/v1/leads/today/", assigned_to="ani")["results"]
    assert [(one["id"], one["reason"]) for one in late] == [(second.pk, "overdue")]
    boss.runs("assign_to", [first, second], confirmed="1", person=str(budi.user.pk))

    clock("16:55")
    for number in (4, 5):
        sarah.post(PHONE.format(number), **HOT, message_count=2)
    assert give_waiting() == 0

    clock("17:30")  # the owner looks what is left
    waiting = manager.read("/api/v1/leads/", standing="handed_over")["results"]
    assert len(waiting) == 3
    for lead in waiting:
        assert lead["assigned_to"] == "budi"
        manager.send(f"/api/v1/leads/{lead['id']}/follow-up/", {"when": "next_monday"})

    handed_over = Contact.objects.filter(handed_over_at__isnull=False)
    assert owners() == {PHONE.format(number): "budi" for number in range(6)}
    assert not handed_over.filter(answer_by__isnull=True).exists()
    assert not handed_over.exclude(follow_ups__closed_at__isnull=True).exists()
    assert {lead.follow_ups.open().get().assigned_to for lead in handed_over} == {budi.user}
    told = manager.read("/api/v1/leads/stats/")
    assert (told["total"], told["new"]["today"]["count"]) == (40, 40)
    assert (told["answered"]["in_time"], told["answered"]["late"]) == (3, 1)
    text = manager.read("/api/v1/leads/digest/", language="en")["text"]
    assert "40 new leads (0 before)." in text
    assert "3 wait for a person, 1 of them for too long:" in text
