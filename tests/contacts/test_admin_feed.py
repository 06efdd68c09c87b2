"""A workspace's page: its feed from Kapso is set up, tried out and watched there."""

from html import unescape

import pytest
from django.test import Client

from contacts.models import Workspace
from monitoring.models import SyncFailure
from sarah.kapso.signatures import sign
from sarah.models import KapsoDelivery, KapsoFeed
from tests.contacts.pages import saves
from tests.factories import WorkspaceFactory
from tests.faults import refusing
from tests.kapso import Kapso, example
from tests.staff import Staff, action_url, messages_of

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "contacts_workspace_change"


@pytest.fixture
def operator() -> Staff:
    return Staff("Operators")


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


def wizard_of(workspace: Workspace) -> str:
    return f"/admin/contacts/workspace/{workspace.pk}/webhook/"


def page_of(operator: Staff, workspace: Workspace) -> str:
    return unescape(operator.sees(PAGE, workspace.pk))


def test_the_secret_is_shown_once_and_signs_what_comes(
    operator: Staff, workspace: Workspace
) -> None:
    first = operator.client.post(wizard_of(workspace)).content.decode()
    second = operator.client.get(wizard_of(workspace)).content.decode()

    secret = KapsoFeed.objects.get().secret
    assert (secret in first, secret in second) == (True, False)
    assert f"http://testserver/webhooks/kapso/{workspace.slug}/" in second
    assert "whatsapp.message.received" in second
    assert "Waiting for the first event" in second
    assert secret not in page_of(operator, workspace)
    assert "None has come yet" in page_of(operator, workspace)
    signed = {"X-Webhook-Signature": sign(b"{}", secret)}
    url = f"/webhooks/kapso/{workspace.slug}/"
    assert Client().post(url, b"{}", "application/json", headers=signed).status_code == 200


def test_the_page_turns_green_with_the_first_event_and_says_what_is_refused(
    operator: Staff,
) -> None:
    kapso = Kapso()
    fragment = f"/admin/contacts/workspace/{kapso.workspace.pk}/came/"
    kapso.feed.refuse(2)
    waiting = operator.client.get(fragment).content.decode()
    assert "every 2s" in waiting
    assert "2 deliveries were refused" in waiting

    kapso.send(example("text"))

    arrived = operator.client.get(fragment).content.decode()
    assert "every 2s" not in arrived
    delivery = KapsoDelivery.objects.get()
    assert f"/admin/sarah/kapsodelivery/{delivery.pk}/change/" in arrived


def test_connecting_twice_keeps_the_secret(operator: Staff, workspace: Workspace) -> None:
    operator.client.post(wizard_of(workspace))
    secret = KapsoFeed.objects.get().secret

    operator.client.post(wizard_of(workspace))

    assert KapsoFeed.objects.get().secret == secret


def test_a_new_secret_leaves_the_one_before_valid_for_a_while(operator: Staff) -> None:
    kapso = Kapso()

    operator.confirms("rotate_kapso", kapso.workspace)

    feed = KapsoFeed.objects.get()
    assert feed.secret != kapso.feed.secret
    assert feed.secret in page_of(operator, kapso.workspace)
    assert kapso.send(example("text")).status_code == 200


def test_a_test_event_goes_the_way_of_kapsos(operator: Staff) -> None:
    kapso = Kapso()

    operator.confirms("test_kapso", kapso.workspace)

    assert KapsoDelivery.objects.get().worked_at
    page = page_of(operator, kapso.workspace)
    assert "The test event came in" in page
    assert "leadsync.test" in page


def test_where_kapso_is_not_connected_there_is_nothing_to_test_and_the_page_says_so(
    operator: Staff, workspace: Workspace
) -> None:
    url = action_url("test_kapso", workspace)

    for answer in (operator.client.get(url, follow=True), operator.client.post(url, follow=True)):
        assert answer.request["PATH_INFO"].endswith(f"/workspace/{workspace.pk}/change/")
        assert messages_of(answer) == ["This is not possible now: see how it stands."]
    assert "Connect Kapso" in page_of(operator, workspace)


def test_the_page_says_what_is_refused_and_what_needs_a_person(operator: Staff) -> None:
    kapso = Kapso(refused=3)
    kapso.feed.refuse(1)
    KapsoDelivery.objects.create(
        workspace=kapso.workspace, idempotency_key="1", body="{}", next_attempt_at=None
    )

    page = page_of(operator, kapso.workspace)

    assert "4 deliveries were refused" in page
    assert "1 delivery broke ten times" in page


def test_leads_from_messages_and_metas_secret_are_set_there(operator: Staff) -> None:
    kapso = Kapso()
    page = f"/admin/contacts/workspace/{kapso.workspace.pk}/change/"

    saves(
        operator.client,
        page,
        **{"kapso_feed-0-app_secret": "metas", "chat_days": "30", "kapso_feed-0-creates_leads": ""},
    )

    kapso.feed.refresh_from_db()
    assert (kapso.feed.app_secret, kapso.feed.secret) == ("metas", "leadsync-example-secret")
    assert Workspace.objects.get().chat_days == 30


def test_sales_neither_see_nor_change_the_feed() -> None:
    kapso, sales = Kapso(), Staff("Sales")

    page = sales.sees(PAGE, kapso.workspace.pk)
    sales.confirms("rotate_kapso", kapso.workspace)
    assert sales.client.post(wizard_of(kapso.workspace)).status_code == 403

    assert "/webhooks/kapso/" not in page
    assert KapsoFeed.objects.get().secret == "leadsync-example-secret"


def test_a_failure_of_a_delivery_is_replayed_on_its_page_and_closed(operator: Staff) -> None:
    kapso = Kapso()
    with refusing("contacts_chatmessage"):
        kapso.send(example("text"))
        failure = SyncFailure.objects.get()
        broken = operator.confirms("replay_delivery", failure)
    assert "Replay" in operator.sees("monitoring_syncfailure_change", failure.pk)
    assert broken.status_code == 200
    assert SyncFailure.objects.open().get().occurrences == 2

    operator.confirms("replay_delivery", failure)

    failure.refresh_from_db()
    assert failure.resolution == "healed"
    assert KapsoDelivery.objects.get().worked_at


def test_an_operator_replays_deliveries(operator: Staff) -> None:
    kapso = Kapso()
    kapso.send(example("text"))
    delivery = KapsoDelivery.objects.get()
    assert "Rina" in operator.sees("sarah_kapsodelivery_change", delivery.pk)

    operator.runs("replay", [delivery])

    assert KapsoDelivery.objects.due().count() == 1
    assert operator.list_of(KapsoDelivery, outcome="waiting").result_count == 1
    assert Staff("Sales").status_of("sarah_kapsodelivery_changelist") == 403
