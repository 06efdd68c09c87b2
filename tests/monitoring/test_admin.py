"""Sync failures in the admin: understood, ended, and harmless whatever they carry."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from monitoring.kinds import Kind
from monitoring.models import Heartbeat, RefusedBody, SyncFailure, SyncRun
from sarah import retry
from sarah.resolve import resolve_failures
from tests.factories import SarahStateFactory, SyncFailureFactory, unseen_lead
from tests.staff import Staff, action_url, messages_of

pytestmark = pytest.mark.django_db

LIST = "/admin/monitoring/syncfailure/"


def failing_conversation(**fields: object) -> SyncFailure:
    """A conversation that waits for its lead, and its failure."""
    return SarahStateFactory(**fields).failures.get()


def issue_of(staff: Staff, failure: SyncFailure) -> Any:
    url = reverse("admin:monitoring_syncfailure_change", args=[failure.pk])
    return staff.client.get(url).context["issue"]


def primary_of(staff: Staff, failure: SyncFailure) -> Any:
    return issue_of(staff, failure)["primary"]


def test_the_list_begins_with_what_is_open() -> None:
    opened, resolved = SyncFailureFactory.create_batch(2)
    resolve_failures(SyncFailure.objects.filter(pk=resolved.pk), by="ani")
    staff = Staff("Operators")

    assert list(staff.list_of(SyncFailure).result_list) == [opened]
    assert list(staff.list_of(SyncFailure, outcome="resolved").result_list) == [resolved]
    assert len(staff.list_of(SyncFailure, outcome="all").result_list) == 2


def test_filters_narrow_the_list() -> None:
    wanted = SyncFailureFactory(kind=Kind.REJECTED_PAYLOAD, workspace_ref="shop")
    SyncFailureFactory()
    staff = Staff("Operators")

    for query in (
        {"kind__exact": "rejected_payload"},
        {"workspace": "shop"},
        {"seen": "24h", "workspace": "shop"},
        {"source__exact": "sarah", "workspace": "shop"},
        {"group": str(wanted.group_id)},
    ):
        assert list(staff.list_of(SyncFailure, **query).result_list) == [wanted], query
    assert not staff.list_of(SyncFailure, seen_to="2020-01-01").result_list


def test_a_page_tells_what_happened_and_what_to_do() -> None:
    failure = failing_conversation(extracted_data={"name": "Budi"})
    SyncFailure.objects.update(request_id="req-12345678", traceback="Traceback: boom")

    staff = Staff("Operators")
    page = staff.sees("monitoring_syncfailure_change", failure.pk)

    assert "somebody who is no lead yet" in page
    assert "No lead has this phone." in page
    assert "&quot;name&quot;: &quot;Budi&quot;" in page
    assert reverse("admin:sarah_sarahstate_change", args=[failure.state_id]) in page
    cause = reverse("admin:monitoring_failuregroup_change", args=[failure.group_id])
    assert cause in page
    assert "req-12345678" in page
    assert "<details" in page[: page.index("Traceback: boom")]  # folded away
    assert cause not in Staff("Sales").sees("monitoring_syncfailure_change", failure.pk)
    staff.client.cookies["django_language"] = "id"
    assert "No lead has this phone." not in staff.sees("monitoring_syncfailure_change", failure.pk)


@pytest.mark.parametrize(("ref", "field"), [("soon", "slug"), ("1065", "kapso_phone_number_id")])
def test_an_unknown_workspace_is_one_click_from_being_one(ref: str, field: str) -> None:
    failure = SyncFailureFactory(kind=Kind.WORKSPACE_NOT_FOUND, workspace_ref=ref)
    staff = Staff("Operators")

    page = staff.client.get(primary_of(staff, failure).url)

    assert page.context["adminform"].form[field].value() == ref
    assert bool(page.context["adminform"].prepopulated_fields) is (field != "slug")


@pytest.mark.django_db(transaction=True)
def test_who_adds_what_was_missing_is_told_what_healed() -> None:
    """Commits are real, as the healing is."""
    failure = failing_conversation()
    SarahStateFactory(workspace=None, workspace_ref="soon")
    staff = Staff("Operators")
    fields = {"phone": failure.contact_phone, "workspace": failure.state.workspace_id}
    inline = {"notes-TOTAL_FORMS": "0", "notes-INITIAL_FORMS": "0"}
    status = {"lead_status": "new", "lead_temperature": "cold", "language": "id", "lead_score": "0"}
    form = staff.client.get(reverse("admin:contacts_workspace_add")).context["adminform"].form
    workspace = {one.name: one.value() for one in form if one.value() is not None}
    workspace |= {"name": "Soon", "slug": "soon", "creates_contacts": "on"}
    workspace |= {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}

    lead = staff.client.post(
        reverse("admin:contacts_contact_add"), {**fields, **status, **inline}, follow=True
    )
    made = staff.client.post(reverse("admin:contacts_workspace_add"), workspace, follow=True)

    healed = "1 failure that waited for this is closed now."
    assert healed in messages_of(lead)
    assert healed in messages_of(made)


def test_a_body_kept_as_text_is_shown_as_the_json_it_is() -> None:
    body = json.dumps({"lead_score": "abc", "deep": {"er": 1}})
    failure = SyncFailureFactory(kind=Kind.INVALID_PAYLOAD, payload={"body": body})
    broken = SyncFailureFactory(kind=Kind.REJECTED_PAYLOAD, payload={"body": "{not json"})
    staff = Staff("Operators")

    page = staff.sees("monitoring_syncfailure_change", failure.pk)

    assert "    &quot;er&quot;: 1" in page
    assert "{not json" in staff.sees("monitoring_syncfailure_change", broken.pk)


def test_what_is_too_large_for_a_page_is_downloaded_whole_by_whoever_may_see_it() -> None:
    sent = b'{"contact_phone": "x", "story": "' + b"x" * 60_000
    failure = SyncFailureFactory(
        kind=Kind.REJECTED_PAYLOAD, payload={"body": "beginning"}, workspace_ref="default"
    )
    other = SyncFailureFactory(kind=Kind.INVALID_PAYLOAD, payload={"body": '{"lead_score": "y"}'})
    RefusedBody.objects.create(failure=failure, refusal="body", digest="1", body=sent, error="No.")
    name, staff = "monitoring_syncfailure_payload", Staff("Operators")
    url = reverse(f"admin:{name}", args=[failure.pk])

    answer = staff.client.get(url)

    assert answer.content == sent
    assert answer["Content-Disposition"].startswith("attachment;")
    assert "no-store" in answer["Cache-Control"]
    assert url in staff.sees("monitoring_syncfailure_change", failure.pk)
    assert staff.sees(name, other.pk) == '{"lead_score": "y"}'
    assert staff.status_of(name, 999) == 404
    assert Staff("Operators", workspaces=[]).status_of(name, failure.pk) == 404


@pytest.mark.parametrize(
    "body",
    ['{"name": "\\ud800"}', "[" * 900 + "]" * 900, "1" * 5000, '{"score": NaN}', "\u202e", ""],
    ids=["half a character", "deep", "long number", "NaN", "bidi", "empty"],
)
@pytest.mark.one_database
def test_a_page_bears_whatever_was_sent(body: str) -> None:
    failure = SyncFailureFactory(kind=Kind.REJECTED_PAYLOAD, payload={"body": body})

    assert Staff("Operators").sees("monitoring_syncfailure_change", failure.pk)


def test_marking_resolved_asks_for_a_note_and_signs_it() -> None:
    failures = SyncFailureFactory.create_batch(2)
    staff = Staff("Operators")

    question = staff.runs("mark_resolved", failures)
    assert "Mark these failures resolved?" in question.content.decode()
    assert SyncFailure.objects.open().count() == 2
    answer = staff.runs("mark_resolved", failures, confirmed="1", note="Nobody we know.")

    assert messages_of(answer) == ["2 failures marked resolved."]
    assert set(
        SyncFailure.objects.values_list("resolution", "resolved_by", "note", named=False)
    ) == {("manual", staff.user.username, "Nobody we know.")}


def test_a_retry_says_what_came_of_it() -> None:
    mended, still_broken = failing_conversation(), failing_conversation()
    refused = SyncFailureFactory(kind=Kind.REJECTED_PAYLOAD)
    unseen_lead(mended.state)
    staff = Staff("Operators")

    question = staff.runs("retry", [mended, still_broken, refused]).content.decode()
    assert "No retry can end them" in question
    assert SyncFailure.objects.open().count() == 3
    answer = staff.runs("retry", [mended, still_broken, refused], confirmed="1")

    assert [message.split(":")[0].split(";")[0] for message in messages_of(answer)] == [
        "1 conversation is in sync now.",
        "1 conversation still does not sync",
        "1 failure was left alone",
    ]
    mended.refresh_from_db()
    assert (mended.resolution, mended.resolved_by) == ("retried", staff.user.username)
    assert set(SyncFailure.objects.open()) == {still_broken, refused}


def test_a_page_offers_what_can_be_done_and_what_really_helps_first() -> None:
    staff = Staff("Operators")
    waiting = failing_conversation()
    refused = SyncFailureFactory(kind=Kind.REJECTED_PAYLOAD)
    resendable = SyncFailureFactory(kind=Kind.REJECTED_PAYLOAD)
    resendable.bodies.create(body=b"{", digest="1", refusal="body")
    elsewhere = SyncFailureFactory(kind=Kind.WORKSPACE_NOT_FOUND, state=waiting.state)
    broken = SyncFailureFactory(kind=Kind.SYNC_ERROR, state=waiting.state)

    def offers(failure: SyncFailure) -> list[str]:
        issue = issue_of(staff, failure)
        first = issue["primary"]
        label = first and (first["title"] if isinstance(first, dict) else first.label)
        return [str(one) for one in (label, *(action["title"] for action in issue["actions"]))]

    assert offers(waiting) == ["Add this person", "Mark resolved"]
    assert offers(elsewhere) == ["Create this workspace", "Mark resolved"]
    assert offers(resendable) == ["Send this message again", "Mark resolved"]
    assert offers(broken) == ["Retry", "Mark resolved"]
    assert offers(refused) == ["None", "Mark resolved"]
    resolve_failures(SyncFailure.objects.filter(pk=waiting.pk), by="ani")
    assert offers(waiting) == ["None"]


def test_a_dialog_without_a_token_is_refused() -> None:
    failure = SyncFailureFactory()
    client = Client(enforce_csrf_checks=True)
    client.force_login(Staff("Operators").user)

    answer = client.post(action_url("mark_this_resolved", failure), {"_form_submitted": "True"})

    assert answer.status_code == 403
    assert SyncFailure.objects.open().exists()


def test_operators_see_what_reconciliations_came_to() -> None:
    SyncRun.objects.create(trigger="worker", checked=1234, healed=3, error="Broken off.")
    SyncRun.objects.update(finished_at=timezone.now())

    assert "Broken off." in Staff("Operators").sees("monitoring_syncrun_changelist")


# Actions on many: what will happen, a yes, and what came of it


def waiting(count: int) -> None:
    """So many failures of conversations whose lead is there by now."""
    for state in SarahStateFactory.create_batch(count):
        unseen_lead(state)


def test_an_action_takes_all_that_match_the_filter_and_not_only_the_page() -> None:
    matching = SyncFailureFactory.create_batch(55, workspace_ref="shop")
    other = SyncFailureFactory()
    staff, url = Staff("Operators"), f"{LIST}?workspace=shop"
    selected = {"_selected_action": [matching[0].pk], "select_across": "1"}
    chosen = selected | {"action": "mark_resolved"}

    question = staff.client.post(url, chosen).content.decode()
    answer = staff.client.post(url, chosen | {"confirmed": "1", "note": "x"}, follow=True)

    assert ">55</dd>" in question
    assert 'name="select_across" value="1"' in question
    assert messages_of(answer) == ["55 failures marked resolved."]
    assert SyncFailure.objects.open().get() == other


def test_a_question_tells_what_is_selected() -> None:
    refused = SyncFailureFactory.create_batch(2, kind="rejected_payload")
    closed = SyncFailureFactory()
    resolve_failures(SyncFailure.objects.filter(pk=closed.pk), by="ani")
    chosen = [row.pk for row in (*refused, closed, SyncFailureFactory())]

    question = Staff("Operators").client.post(
        f"{LIST}?outcome=all", {"action": "retry", "_selected_action": chosen}
    )

    assert [(str(label), number) for label, number in question.context["numbers"]] == [
        ("Failures", "4"),
        ("Sync error", "2"),
        ("Message refused", "2"),
        ("Resolved already, will be left alone", "1"),
        ("No retry can end them, will be left alone", "3"),
    ]


def test_a_retry_of_many_says_what_is_done_and_what_the_worker_does(monkeypatch) -> None:
    monkeypatch.setattr(retry, "AT_ONCE", 1)
    waiting(3)
    SyncFailureFactory(kind="rejected_payload")
    staff = Staff("Operators")

    answer = staff.runs("retry", SyncFailure.objects.all(), confirmed="1")

    assert messages_of(answer) == [
        "1 conversation is in sync now.",
        "2 more are due now, for the worker.",
        "No worker is running: start one (manage.py sync_worker).",
        "1 failure was left alone: it is resolved, or no retry can end it.",
    ]
    Heartbeat.objects.beat("w")
    assert len(messages_of(staff.runs("retry", SyncFailure.objects.all(), confirmed="1"))) == 3
