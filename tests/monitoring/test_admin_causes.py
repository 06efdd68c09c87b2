"""Causes of failures in the admin: seen at a glance, looked after, ended."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from monitoring.admin.issue.page import plain
from monitoring.jobs import worker
from monitoring.models import FailureGroup, SyncFailure
from sarah.models import SarahState
from tests.factories import CauseFactory, SarahStateFactory, SyncFailureFactory, unseen_lead
from tests.staff import Staff, action_url, messages_of

pytestmark = pytest.mark.django_db

LIST = "/admin/monitoring/failuregroup/"
ACTIONS = ("acknowledge", "ignore", "reopen", "resolve_all")


def failing_cause(count: int = 1, **fields: object) -> FailureGroup:
    """A cause with so many open failures."""
    cause = CauseFactory(function="sarah.sync.sync", exception="ValueError", **fields)
    SyncFailureFactory.create_batch(count, group=cause, kind=cause.kind)
    return cause


def test_the_list_shows_what_somebody_should_know_of() -> None:
    shown = {failing_cause(kind="sync_error"), failing_cause(kind="contact_not_found")}
    ignored, quiet = failing_cause(kind="ambiguous_contact"), CauseFactory(kind="rejected_payload")
    FailureGroup.objects.filter(pk=ignored.pk).ignore(
        until=timezone.now() + timedelta(hours=1), by="ani"
    )
    FailureGroup.objects.filter(kind="contact_not_found").acknowledge(by="ani")
    staff = Staff("Operators")

    def listed(**query: str) -> set[FailureGroup]:
        return set(staff.list_of(FailureGroup, **query).result_list)

    assert listed() == shown
    assert listed(status="ignored") == {ignored}
    assert listed(status="healed") == {quiet}
    assert listed(status="all") == {*shown, ignored, quiet}
    assert listed(kind__exact="sync_error") < shown


def test_a_page_says_how_bad_it_is_and_what_to_do() -> None:
    cause = failing_cause(3)
    staff = Staff("Operators")

    page = staff.sees("monitoring_failuregroup_change", cause.pk)

    assert f"<title> {plain(cause.title)} | LeadSync</title>" in page
    assert "show the traceback to your developer" in page
    assert f'href="/admin/monitoring/syncfailure/?group={cause.pk}"' in page
    assert "0 in 24 h, 0 in the last hour" in page
    assert "ValueError" in staff.sees("monitoring_failuregroup_changelist")


def test_somebody_takes_a_cause_on_and_everybody_sees_who() -> None:
    cause = failing_cause()
    staff = Staff("Operators")

    staff.confirms("acknowledge", cause, note="At it.")

    page = staff.sees("monitoring_failuregroup_change", cause.pk)
    assert "At it." in page
    assert f"by {staff.user.username}" in page
    assert action_url("acknowledge", cause) not in page
    assert "Acknowledged." in staff.sees("monitoring_failuregroup_history", cause.pk)
    staff.confirms("reopen", cause)
    assert FailureGroup.objects.with_numbers().filter(status="open").get() == cause


def test_a_cause_is_ignored_for_as_long_as_a_person_says() -> None:
    cause = failing_cause()
    staff = Staff("Operators")

    assert staff.confirms("ignore", cause, hours="5", note="").status_code == 200  # not offered
    assert not FailureGroup.objects.with_numbers().filter(status="ignored").exists()
    staff.confirms("ignore", cause, hours="168", note="")

    cause.refresh_from_db()
    left = cause.ignored_until - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert cause.ignored_by == staff.user.username


def test_resolving_a_cause_closes_its_failures_and_no_others() -> None:
    cause, other = failing_cause(3), SyncFailureFactory(kind="contact_not_found")
    staff = Staff("Operators")

    assert ">3</dd>" in staff.client.get(action_url("resolve_all", cause)).content.decode()
    answer = staff.confirms("resolve_all", cause, note="Mended.")

    assert answer["HX-Redirect"] == f"{LIST}{cause.pk}/change/"
    assert messages_of(staff.client.get(answer["HX-Redirect"])) == ["3 failures marked resolved."]
    assert SyncFailure.objects.open().get() == other
    found = FailureGroup.objects.with_numbers().filter(status="resolved").get()
    assert (found, found.resolved_by, found.note) == (cause, staff.user.username, "Mended.")


def test_all_failures_of_a_cause_are_retried() -> None:
    state = SarahStateFactory()
    failure = state.failures.get()
    unseen_lead(state)
    staff = Staff("Operators")

    url = reverse("admin:monitoring_syncfailure_retry_people")
    answer = staff.client.post(url, {"cause": failure.group.pk, "everybody": "1"}, follow=True)

    told = messages_of(answer)
    assert told == ["1 conversation is in sync now."]
    assert FailureGroup.objects.with_numbers().filter(status="healed").get() == failure.group


def test_a_page_counts_the_retries_that_the_worker_has_still_to_do() -> None:
    failure = SarahStateFactory().failures.get()
    staff = Staff("Operators")
    watching = 'hx-trigger="every 2s"'

    assert watching not in staff.sees("monitoring_failuregroup_change", failure.group.pk)
    SarahState.objects.all().retry_now(by="ani")
    assert f"{watching} hx-select" in staff.sees("monitoring_failuregroup_change", failure.group.pk)
    worker().work_once()
    assert watching not in staff.sees("monitoring_failuregroup_change", failure.group.pk)


def test_a_page_offers_only_what_makes_sense_there() -> None:
    staff = Staff("Operators")

    def offers(cause: FailureGroup) -> set[str]:
        page = staff.sees("monitoring_failuregroup_change", cause.pk)
        return {action for action in ACTIONS if action_url(action, cause) in page}

    assert offers(failing_cause()) == {"acknowledge", "ignore", "resolve_all"}
    assert offers(failing_cause(kind="rejected_payload")) == {
        "acknowledge",
        "ignore",
        "resolve_all",
    }
    assert offers(CauseFactory()) == set()


@pytest.mark.parametrize(
    "page",
    [
        "failuregroup_resolve_all",
        "alertsettings_send_test_alert",
    ],
)
def test_an_action_on_what_is_gone_by_now_is_not_found(page: str) -> None:
    """As where a colleague or the worker has deleted it while its page was open."""
    url = reverse(f"admin:monitoring_{page}", args=[99_999])

    answer = Staff(is_superuser=True).client.post(url, {"_form_submitted": "True"})

    assert answer.status_code == 404
