"""Actions on all failures that match, and the page of the run that does them."""

import pytest
from django.core.cache import cache

from monitoring.models import BulkAction, BulkItem, BulkRun, Heartbeat, SyncFailure
from sarah.bulk import work_bulk_runs
from tests.factories import SyncFailureFactory
from tests.staff import Staff, action_url, messages_of, queries_of

pytestmark = pytest.mark.django_db

LIST = "/admin/monitoring/syncfailure/"
RUNS = "/admin/monitoring/bulkrun/"


def run_on_all(action: BulkAction = BulkAction.RESOLVE) -> BulkRun:
    return BulkRun.objects.ask(action, SyncFailure.objects.all(), by="ani")


def test_an_action_takes_all_that_match_the_filter_and_not_only_the_page() -> None:
    matching = SyncFailureFactory.create_batch(55, workspace_ref="shop")
    other = SyncFailureFactory()
    staff = Staff("Operators")
    chosen = {
        "action": "mark_resolved",
        "_selected_action": [matching[0].pk],
        "select_across": "1",
    }

    question = staff.client.post(f"{LIST}?workspace=shop", chosen).content.decode()
    answer = staff.client.post(f"{LIST}?workspace=shop", chosen | {"confirmed": "1", "note": "x"})

    assert ">55</dd>" in question
    assert 'name="select_across" value="1"' in question
    run = BulkRun.objects.get()
    assert answer.url == f"{RUNS}{run.pk}/change/"
    assert run.items.count() == 55
    assert SyncFailure.objects.open().count() == 56  # left to the worker
    assert work_bulk_runs() == 55
    assert SyncFailure.objects.open().get() == other


def test_a_question_tells_what_is_selected() -> None:
    refused = SyncFailureFactory.create_batch(2, kind="rejected_payload")
    closed = SyncFailureFactory()
    SyncFailure.objects.filter(pk=closed.pk).resolve(by="ani")
    chosen = [row.pk for row in (*refused, closed, SyncFailureFactory())]

    question = Staff("Operators").client.post(
        f"{LIST}?outcome=all", {"action": "try_again", "_selected_action": chosen}
    )

    assert [(str(label), number) for label, number in question.context["numbers"]] == [
        ("Failures", "4"),
        ("Sync error", "2"),
        ("Message refused", "2"),
        ("Resolved already, will be left alone", "1"),
        ("Cannot be tried again, will be left alone", "3"),
    ]


def test_a_run_shows_how_far_it_is_and_what_became_of_each() -> None:
    failure = SyncFailureFactory()
    run = run_on_all()
    staff = Staff("Operators")
    Heartbeat.objects.beat("w")

    before = staff.sees("monitoring_bulkrun_change", run.pk)
    work_bulk_runs()
    after = staff.sees("monitoring_bulkrun_change", run.pk)

    assert "0 of 1" in before
    assert 'hx-trigger="every 2s"' in before
    assert "No worker is running" not in before
    assert "1 of 1" in after
    assert 'hx-trigger="every 2s"' not in after
    assert f"{LIST}{failure.pk}/change/" in after
    assert "1 of 1" in staff.sees("monitoring_bulkrun_changelist")
    listed = staff.list_of(BulkItem, run__id__exact=str(run.pk), result__exact="resolved")
    assert listed.result_count == 1


def test_a_page_that_watches_a_run_is_loaded_anew_at_its_end() -> None:
    SyncFailureFactory()
    run = run_on_all()
    staff = Staff("Operators")
    watch = {"HX-Request": "true"}

    assert "HX-Refresh" not in staff.client.get(f"{RUNS}{run.pk}/change/", headers=watch)
    work_bulk_runs()
    assert staff.client.get(f"{RUNS}{run.pk}/change/", headers=watch)["HX-Refresh"] == "true"


def test_without_a_worker_a_person_can_work_a_run() -> None:
    SyncFailureFactory.create_batch(2)
    run = run_on_all()
    staff = Staff("Operators")

    page = staff.sees("monitoring_bulkrun_change", run.pk)
    assert "No worker is running" in page
    assert action_url("work_now", run) in page
    answer = staff.confirms("work_now", run)

    assert messages_of(staff.client.get(answer["HX-Redirect"])) == ["2 failures marked resolved."]
    assert not SyncFailure.objects.open().exists()


def test_the_rest_of_a_run_is_cancelled() -> None:
    SyncFailureFactory()
    run = run_on_all()
    staff = Staff("Operators")

    staff.confirms("cancel", run)

    assert work_bulk_runs() == 0
    page = staff.sees("monitoring_bulkrun_change", run.pk)
    assert f"Cancelled by {staff.user.username}" in page
    assert action_url("cancel", run) not in page
    assert SyncFailure.objects.open().exists()


@pytest.mark.parametrize("action", ["work_now", "cancel"])
def test_looking_at_a_dialog_changes_nothing_and_sales_may_not_answer_it(action: str) -> None:
    SyncFailureFactory()
    run = run_on_all()
    sales = Staff("Sales")

    assert Staff("Operators").client.get(action_url(action, run)).status_code == 200
    assert sales.confirms(action, run).status_code == 403

    for page in ("monitoring_bulkrun_changelist", "monitoring_bulkitem_changelist"):
        assert sales.status_of(page) == 403
    run.refresh_from_db()
    assert not run.is_over
    assert SyncFailure.objects.open().exists()


def test_the_lists_take_as_many_statements_for_many_rows_as_for_few() -> None:
    staff = Staff("Operators")
    SyncFailureFactory()
    run = run_on_all()
    pages = (
        RUNS,
        f"/admin/monitoring/bulkitem/?run__id__exact={run.pk}",
        f"{RUNS}{run.pk}/change/",
    )
    few = [queries_of(staff.client, page) for page in pages]
    for failure in SyncFailureFactory.create_batch(9):
        BulkItem.objects.create(run=run, failure=failure, seen_at=failure.last_seen_at)
        run_on_all()
    cache.clear()

    assert [queries_of(staff.client, page) for page in pages] == few
