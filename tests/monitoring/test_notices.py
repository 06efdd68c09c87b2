"""The right person is told about a lead now: once, in their language, when they want to hear it."""

import json
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core import mail
from django.utils import timezone

from contacts.models import Contact, Membership, Workspace
from monitoring.alerts import deliver
from monitoring.models import LeadEvent, LeadMessage, NotificationPreferences
from monitoring.notices.find import find_events
from monitoring.notices.send import tell
from monitoring.pruning import prune
from tests.bot import Bot
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory
from tests.faults import postgresql
from tests.staff import Staff
from tests.threads import at_once

pytestmark = pytest.mark.django_db

HOOK = "https://hooks.example.com/T0/secret"
HOT = {"state": "handoff", "lead_score": 85, "lead_temperature": "hot"}


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory(slug="kopi", region="SG", members=[])


def member(workspace: Workspace, name: str, **wishes: Any) -> User:
    person = UserFactory(username=name, email=f"{name}@example.com", workspaces=[workspace])
    if wishes:
        NotificationPreferences.objects.create(user=person, **wishes)
    return person


def handed_over(workspace: Workspace, **fields: Any) -> Contact:
    """A hot lead whose clock has begun to run."""
    now = timezone.now()
    clock = {"handed_over_at": now, "handed_over_as": "hot", "answer_by": now + timedelta(hours=1)}
    return ContactFactory(workspace=workspace, lead_score=85, **clock | fields)


def told() -> list[tuple[str, str]]:
    """Whom, and the first line without our name."""
    lines = [(one.to[0].partition("@")[0], one.subject) for one in mail.outbox]
    return sorted((name, line.removeprefix("[LeadSync] ")) for name, line in lines)


# What, and to whom


@pytest.mark.django_db(transaction=True)
def test_a_hot_lead_that_is_handed_over_is_told_to_all_members_if_it_is_nobodys(
    bot: Bot, workspace: Workspace
) -> None:
    member(workspace, "ani")
    member(workspace, "budi")
    member(WorkspaceFactory(slug="teh", members=[]), "elsewhere")
    lead = ContactFactory(workspace=workspace, name="Dewi", business_type="Toko roti")
    facts = {"extracted_data": {"name": "Dewi", "business_type": "Toko roti"}}
    bot.post(lead.phone, **HOT, **facts)
    assert not LeadEvent.objects.exists()  # not inside the bot's request

    assert (tell(), tell()) == (2, 0)

    assert told() == [("ani", "Hot lead: Dewi (85)"), ("budi", "Hot lead: Dewi (85)")]
    body = mail.outbox[0].body
    assert "Needs: Toko roti. Handed over 0 minutes ago. A person should answer by" in body


@pytest.mark.parametrize("members", [["ani"], []])
def test_somebody_is_told_where_the_owner_is_gone_or_nobody_is_a_member(
    workspace: Workspace, members: list[str]
) -> None:
    boss = {"email": "boss@example.com", "is_superuser": True, "workspaces": []}
    gone = UserFactory(username="gone", is_active=False, workspaces=[])
    UserFactory(username="boss", **boss)
    for name in members:
        member(workspace, name)
    handed_over(workspace, name="Dewi", assigned_to=gone)

    tell()

    assert told() == [((members or ["boss"])[0], "Hot lead: Dewi (85)")]


def test_its_owner_alone_is_told_if_it_has_one(workspace: Workspace) -> None:
    ani, _budi = member(workspace, "ani"), member(workspace, "budi")
    handed_over(workspace, name="Dewi", assigned_to=ani)

    tell()

    assert told() == [("ani", "Hot lead: Dewi (85)")]


@pytest.mark.django_db(transaction=True)
def test_whose_turn_it_is_gets_one_message_and_nobody_else_any(
    bot: Bot, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(assigns_by_turns=True)
    member(workspace, "ani")
    Membership.objects.filter(user=member(workspace, "budi")).update(takes_leads=False)
    lead = ContactFactory(workspace=workspace, name="Dewi")

    bot.post(lead.phone, **HOT)
    tell()

    assert told() == [("ani", "Hot lead: Dewi (85)")]


def test_a_lead_that_somebody_assigns_to_me_is_told_unless_i_took_it(workspace: Workspace) -> None:
    ani, budi = member(workspace, "ani"), member(workspace, "budi")
    given, taken, passed_on = (
        ContactFactory(workspace=workspace, name=name) for name in ("Given", "Taken", "Passed on")
    )
    given.assign(ani, by="boss")
    taken.assign(ani, by="ani")
    passed_on.assign(ani, by="boss")
    passed_on.assign(budi, by="boss")

    tell()

    assert told() == [
        ("ani", "A lead for you: Given (0)"),
        ("budi", "A lead for you: Passed on (0)"),
    ]
    assert "Assigned to you by boss." in mail.outbox[0].body


def test_a_clock_that_has_nearly_run_out_is_told_before_it_has(workspace: Workspace) -> None:
    ani = member(workspace, "ani", muted=["handed_over"])
    with time_machine.travel(timezone.now(), tick=False) as clock:
        soon = timezone.now() + timedelta(minutes=15)
        handed_over(workspace, name="Dewi", assigned_to=ani, answer_by=soon)
        tell()
        assert told() == []
        clock.shift(timedelta(minutes=11))
        find_events()
        LeadMessage.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
        tell()

    assert told() == [("ani", "Answer soon: Dewi (85)")]


@pytest.mark.django_db(transaction=True)
def test_an_archived_lead_that_writes_again_is_told(bot: Bot, workspace: Workspace) -> None:
    member(workspace, "ani")
    lead = ContactFactory(workspace=workspace, name="Dewi", lead_status="archived")

    bot.post(lead.phone, state="qualifying")
    tell()

    assert told() == [("ani", "Writes again: Dewi (0)")]


def test_what_is_over_by_the_time_it_would_be_told_is_not_told(workspace: Workspace) -> None:
    ani = member(workspace, "ani")
    answered, reassigned, gone, unseen = (
        handed_over(workspace, assigned_to=ani, name=name)
        for name in ("Answered", "Reassigned", "Gone", "Unseen")
    )
    find_events()
    answered.change_status("qualified", by="ani")
    Contact.objects.filter(pk=answered.pk).answered(by="ani", at=timezone.now())
    Contact.objects.filter(pk=reassigned.pk).update(assigned_to=member(workspace, "budi"))
    gone.delete()
    Contact.objects.filter(pk=unseen.pk).update(workspace=WorkspaceFactory(slug="x", members=[]))

    tell()

    assert told() == []
    assert not LeadMessage.objects.filter(next_attempt_at__isnull=False).exists()


# How


def test_each_is_told_in_their_language_by_what_they_chose(
    workspace: Workspace, monkeypatch
) -> None:
    posted: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        deliver.webhooks, "post", lambda url, body, **_how: posted.append((url, json.loads(body)))
    )
    member(workspace, "ani", language="id")
    member(workspace, "budi", by_email=False, webhook_url=HOOK)
    member(workspace, "cici", muted=["handed_over"])
    handed_over(workspace, name="Dewi")

    assert tell() == 2

    [(name, title)] = told()
    assert (name, title) == ("ani", "Lead Hot: Dewi (85)")
    [(url, body)] = posted
    assert url == HOOK
    assert body["text"].startswith("[LeadSync] Hot lead: Dewi (85)\n")
    assert (body["cause"], body["workspace"]) == ("handed_over", "kopi")


def test_the_country_of_the_workspace_tells_the_language_of_who_chose_none() -> None:
    member(WorkspaceFactory(slug="default", region="ID"), "ani")
    handed_over(Workspace.objects.get(), name="Dewi")

    tell()

    assert told() == [("ani", "Lead Hot: Dewi (85)")]


def test_a_message_links_to_the_lead(workspace: Workspace, settings: Any) -> None:
    settings.LEADSYNC_SITE_URL = "https://leads.example.com"
    member(workspace, "ani")
    lead = handed_over(workspace)

    tell()

    url = f"https://leads.example.com/admin/contacts/contact/{lead.pk}/change/"
    assert url in mail.outbox[0].body


def test_what_a_lead_calls_itself_neither_formats_nor_calls_nor_links(workspace: Workspace) -> None:
    member(workspace, "ani")
    handed_over(
        workspace,
        name="*Budi*\r\nBcc: x@evil.com\x1b[31m <!channel>",
        business_type="https://evil.com [x](y) `z`",
    )

    tell()

    [message] = mail.outbox
    assert message.subject == "[LeadSync] Hot lead: Budi Bcc: xevil.com !channel (85)"
    assert "Needs: https evil.com x(y) z." in message.body
    assert message.recipients() == ["ani@example.com"]
    assert "\nBcc" not in message.message().as_string()


# When


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-27T23:30:00", "2026-11-28T07:00:00"),
        ("2026-11-28T06:59:00", "2026-11-28T07:00:00"),
        ("2026-11-28T07:00:00", None),
        ("2026-11-28T21:59:00", None),
    ],
)
def test_quiet_hours_end_in_the_morning(now: str, until: str | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    wishes = NotificationPreferences(
        quiet_from=clock_time(22),
        quiet_until=clock_time(7),
    )

    ends = wishes.quiet_end(moment, UTC)

    assert ends == (datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None)


def test_in_quiet_hours_nothing_is_told_until_they_end(workspace: Workspace) -> None:
    local = timezone.localtime(timezone.now(), workspace.work_time.zone)
    quiet = {
        "quiet_from": (local - timedelta(hours=1)).time(),
        "quiet_until": (local + timedelta(hours=1)).time(),
    }
    member(workspace, "ani", **quiet)
    handed_over(workspace, answer_by=timezone.now() + timedelta(hours=9))

    assert tell() == 0
    [message] = LeadMessage.objects.all()
    assert message.next_attempt_at
    assert timedelta() < message.next_attempt_at - timezone.now() <= timedelta(hours=1)
    assert message.attempts == 0

    NotificationPreferences.objects.update(quiet_from=None, quiet_until=None)
    _make_due()
    assert tell() == 1


def _make_due() -> None:
    waiting = LeadMessage.objects.filter(next_attempt_at__isnull=False)
    waiting.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_a_flood_becomes_one_summary(workspace: Workspace) -> None:
    ani = member(workspace, "ani")
    for number in range(30):
        handed_over(workspace, name=f"Lead {number}", assigned_to=ani)

    assert tell() == 30

    [message] = mail.outbox
    assert message.subject == "[LeadSync] 30 hot leads handed over"
    assert "and 25 more" in message.body
    assert not LeadMessage.objects.filter(delivered_at__isnull=True).exists()


def test_a_steady_stream_becomes_a_summary_after_a_few(workspace: Workspace) -> None:
    ani = member(workspace, "ani")
    for number in range(9):
        handed_over(workspace, name=f"Lead {number}", assigned_to=ani)
        tell()
    assert len(mail.outbox) == 5

    LeadMessage.objects.filter(delivered_at__isnull=False).update(
        delivered_at=timezone.now() - timedelta(minutes=11)
    )
    _make_due()
    tell()

    assert mail.outbox[-1].subject == "[LeadSync] 4 hot leads handed over"
    assert len(mail.outbox) == 6


def test_what_does_not_arrive_is_tried_again_and_given_up(
    workspace: Workspace, monkeypatch
) -> None:
    member(workspace, "ani")
    handed_over(workspace, answer_by=timezone.now() + timedelta(hours=9))
    with monkeypatch.context() as away:
        away.setattr(deliver, "_send", lambda *_message: 1 / 0)
        for _attempt in range(6):
            tell()
            _make_due()

    [message] = LeadMessage.objects.all()
    assert (message.attempts, message.next_attempt_at, message.delivered_at) == (5, None, None)
    assert message.error == "Sending failed (ZeroDivisionError). Look at the log."


# Once, and not for ever


@postgresql
@pytest.mark.django_db(transaction=True)
def test_several_workers_tell_each_event_once(workspace: Workspace) -> None:
    member(workspace, "ani")
    for number in range(3):
        handed_over(workspace, name=f"Lead {number}")

    at_once([tell] * 4)
    tell()

    assert LeadEvent.objects.count() == 3
    sent = "\n".join(one.body for one in mail.outbox)
    assert [sent.count(f"Lead {number}") for number in range(3)] == [1, 1, 1]


def test_events_are_forgotten_in_time_and_with_their_lead_and_person(workspace: Workspace) -> None:
    ani = member(workspace, "ani")
    lead = handed_over(workspace)
    tell()

    with time_machine.travel(timezone.now() + timedelta(days=91)):
        assert prune()["events of leads"] == 1
    handed_over(workspace)
    find_events()
    ani.delete()
    assert not LeadMessage.objects.exists()
    lead.delete()


# The page


def test_a_person_chooses_what_how_and_when(workspace: Workspace) -> None:
    dewi = Staff("Sales", username="dewi", email="dewi@example.com", workspaces=[workspace])
    page = dewi.client.get("/admin/monitoring/notificationpreferences/", follow=True)
    [(url, _status)] = page.redirect_chain
    fields = page.context["adminform"].form.initial
    assert set(fields["events"]) == {"handed_over", "assigned", "running_out", "re_engaged"}

    answer = dewi.client.post(
        url,
        {
            "events": ["assigned"], "by_email": "on", "language": "id",
            "quiet_from": "22:00", "quiet_until": "07:00",
            "webhook_url": HOOK, "webhook_header": "X-API-Key", "header_value": "k-1",
        },
        follow=True,
    )  # fmt: skip

    assert answer.status_code == 200, answer.context["errors"]
    [wishes] = NotificationPreferences.objects.all()
    assert (wishes.user, wishes.muted) == (
        dewi.user,
        ["handed_over", "running_out", "re_engaged"],
    )
    assert wishes.channels_for("assigned") == ["email", "webhook"]
    assert (wishes.quiet_from, wishes.webhook_header_value) == (
        clock_time(22),
        "k-1",
    )
    assert "k-1" not in answer.content.decode()


def test_nobody_sees_or_changes_what_others_chose(workspace: Workspace) -> None:
    theirs = NotificationPreferences.objects.create(user=UserFactory(), webhook_url=HOOK)
    boss = Staff(is_superuser=True)

    answer = boss.client.get(
        f"/admin/monitoring/notificationpreferences/{theirs.pk}/change/", follow=True
    )

    assert HOOK not in answer.content.decode()
