"""A day of an owner: 40 leads arrive, 6 are hot, two people work, one goes home."""

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.urls import reverse

from contacts.handoffs import give_waiting, plan_next_steps
from contacts.models import Contact, FollowUp, Outcome, Workspace
from monitoring.notices.send import tell
from tests.bot import Bot
from tests.callers import Caller
from tests.contacts.pages import sent_by
from tests.factories import ANY_MOVE, WorkspaceFactory
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


def worker() -> None:
    """What the worker's jobs do meanwhile."""
    give_waiting()
    plan_next_steps()
    tell()


def handed_over() -> Any:
    return Contact.objects.filter(handed_over_at__isnull=False)


def owners() -> dict[str, str | None]:
    return dict(handed_over().values_list("phone", "assigned_to__username"))


def test_at_the_end_nobody_who_was_handed_over_is_forgotten(
    clock: Callable[[str], None],
) -> None:
    """In an installation as it comes: nobody has switched anything on."""
    kopi = WorkspaceFactory(slug="kopi", creates_contacts=True, members=[])
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
    worker()
    assert {*owners().values()} == {None}
    assert {one.to[0] for one in mail.outbox} == {"ani@kopi.id", "budi@kopi.id"}

    clock("09:10")  # each takes one and calls; two are left
    first, second, *left = handed_over().order_by("phone")
    for person, lead in ((ani, first), (budi, second)):
        person.runs("assign_to_me", [lead])
        notes_a_call(person, lead)

    clock("09:20")  # the time is over: what was everybody's is somebody's now
    mail.outbox.clear()
    worker()
    assert sorted(owners().values()) == ["ani", "ani", "budi", "budi"]
    assert sorted({one.to[0] for one in mail.outbox}) == ["ani@kopi.id", "budi@kopi.id"]
    notes_a_call(budi, next(lead for lead in left if owners()[lead.phone] == "budi"))

    clock("12:00")  # ani goes home, and her account is switched off; what is hers is nobody's
    late = manager.read("/api/v1/leads/today/", assigned_to="ani")["results"]
    assert [one["reason"] for one in late] == ["overdue"]
    account = reverse("admin:auth_user_change", args=[ani.user.pk])
    form = sent_by(boss.client.get(account))
    form.pop("is_active")
    boss.client.post(account, form)
    worker()
    assert {*handed_over().filter(answered_at=None).values_list("assigned_to__username")} == {
        ("budi",)
    }
    boss.runs("assign_to", [first], confirmed="1", person=str(budi.user.pk))

    clock("16:55")
    for number in (4, 5):
        sarah.post(PHONE.format(number), **HOT, message_count=2)
    worker()
    assert [*owners().values()].count(None) == 2  # to be answered on Monday by 9:10
    assert "assigned=nobody" in boss.sees("index")
    boss.runs("assign_to", handed_over().filter(assigned_to=None), confirmed="1",
              person=str(budi.user.pk))  # fmt: skip

    clock("17:30")  # the owner looks what is left
    assert owners() == {PHONE.format(number): "budi" for number in range(6)}
    assert not handed_over().filter(answer_by__isnull=True).exists()
    assert not handed_over().exclude(follow_ups__closed_at__isnull=True).exists()
    steps = [lead.follow_ups.open().get() for lead in handed_over()]
    assert {step.assigned_to for step in steps} == {budi.user}
    assert {(step.text, step.due_at.isoformat()) for step in steps} == {
        ("Hubungi lagi", "2026-11-30T02:00:00+00:00"),
    }
    told = manager.read("/api/v1/leads/stats/")
    assert (told["total"], told["new"]["today"]["count"]) == (40, 40)
    assert (told["answered"]["in_time"], told["answered"]["late"]) == (2, 2)
    text = manager.read("/api/v1/leads/digest/", language="en")["text"]
    assert "40 new leads (0 before)." in text
    assert "3 wait for a person, 1 of them for too long:" in text


def test_what_leadsync_plans_gives_way_to_people(clock: Callable[[str], None]) -> None:
    kopi = WorkspaceFactory(slug="kopi", creates_contacts=True, region="SG")
    dewi, sarah = Staff("Sales", username="dewi"), Bot(workspace=kopi)
    planned, own, dropped, won, off = (PHONE.format(number) for number in range(5))
    for phone in (planned, own, dropped, won):
        sarah.post(phone, **HOT)
    lead_of = {lead.phone: lead for lead in handed_over()}
    notes_a_call(dewi, lead_of[own], soon="tomorrow", text="Send the offer")
    clock("09:00")
    assert (plan_next_steps(), plan_next_steps()) == (3, 0)
    page = Staff("Operators").sees("contacts_workspace_change", kopi.pk)
    assert 'name="plans_next_steps"' in page and 'name="quiet_days"' in page  # noqa: PT018

    lead_of[dropped].follow_ups.open().close(Outcome.DROPPED, by="dewi")
    lead_of[won].change_status("converted", by="dewi", why=ANY_MOVE)
    Workspace.objects.update(plans_next_steps=False)
    sarah.post(off, **HOT)
    assert plan_next_steps() == 0
    Workspace.objects.update(plans_next_steps=True)
    clock("17:00")
    assert plan_next_steps() == 1

    rows = FollowUp.objects.open().values_list("contact__phone", "text")
    assert dict(rows) == {planned: "Contact again", own: "Send the offer", off: "Contact again"}
