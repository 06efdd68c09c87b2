"""The list of leads, what can be done from it, and what a lead's page shows."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from contacts.admin.desk import bulk as desk
from contacts.models import Contact, StatusChange
from monitoring.kinds import Kind
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.contacts.pages import ADD, LIST, notes, page_of
from tests.factories import (
    ANY_MOVE,
    ContactFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.staff import Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def dewi() -> Staff:
    return Staff("Sales", username="dewi")


@pytest.fixture
def sales(dewi: Staff) -> Client:
    """The browser of Dewi of Sales."""
    return dewi.client


def listed(client: Client, query: str = "") -> list[str]:
    """The names on the list, in its order."""
    return [lead.name for lead in client.get(f"{LIST}?{query}").context["cl"].result_list]


def test_the_lead_with_the_last_activity_comes_first(sales: Client) -> None:
    now = timezone.now()
    ContactFactory(name="older", last_activity_at=now - timedelta(days=1))
    ContactFactory(name="newer", last_activity_at=now)

    assert listed(sales) == ["newer", "older"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("lead_status__exact=new", {"cold", "mine"}),
        ("lead_status__exact=new&lead_status__exact=converted", {"cold", "mine", "won"}),
        ("lead_temperature__exact=hot", {"hot", "won"}),
        ("lead_score_from=40&lead_score_to=60", {"mine"}),
        ("lead_score_from=nonsense", {"cold", "mine", "hot", "won"}),
        ("hot=yes", {"hot"}),
        ("assigned=me", {"mine"}),
        ("assigned=nobody", {"cold", "hot", "won"}),
        ("assigned=99999999999999999999", {"cold", "mine", "hot", "won"}),
        ("active=today", {"mine", "hot", "won"}),
        ("active=30d", {"cold", "mine", "hot", "won"}),
        ("added=7d", {"mine", "hot", "won"}),
        ("added=before-7d", {"cold"}),
        ("added=2020-01-31..", {"cold", "mine", "hot", "won"}),
        ("added=2020-01-31..2020-02-01", set()),
        ("added=2020-01-31T10:00:00%2B07:00..2999-01-01", {"cold", "mine", "hot", "won"}),
        ("added_from=2020-01-31&added_to=2020-02-01", set()),
        ("added_to=2999-01-01", {"cold", "mine", "hot", "won"}),
        ("added_from=2020-02-31", {"cold", "mine", "hot", "won"}),
        ("added=2020-02-31..", {"cold", "mine", "hot", "won"}),
        ("added=0001-01-01..9999-12-31", {"cold", "mine", "hot", "won"}),
        ("added=9999d", {"cold", "mine", "hot", "won"}),
        ("reached=qualified", {"hot", "won"}),
        ("reached=nowhere", {"cold", "mine", "hot", "won"}),
        ("opted_out__exact=1", {"won"}),
        ("stale=yes", {"cold"}),
        ("moved=7d", set()),
        ("step=none", {"cold", "mine", "hot", "won"}),
        ("step=due", set()),
        ("source=import", {"cold"}),
        ("source=-", {"mine", "hot", "won"}),
    ],
)
def test_leads_are_filtered(sales: Client, query: str, names: set[str]) -> None:
    me = User.objects.get(username="dewi")
    ago = timezone.now() - timedelta(days=10)
    ContactFactory(name="cold", last_activity_at=ago, created_at=ago, source="import")
    ContactFactory(name="mine", lead_score=50, assigned_to=me)
    ContactFactory(name="hot", lead_temperature="hot", lead_score=80, lead_status="qualified")
    ContactFactory(name="won", lead_temperature="hot", lead_status="converted", opted_out=True)

    assert set(listed(sales, query)) == names


def test_the_workspace_is_shown_and_filtered_only_if_there_are_several(sales: Client) -> None:
    here = ContactFactory(name="here").workspace
    assert "workspace" not in sales.get(LIST).context["cl"].columns

    ContactFactory(name="there", workspace=WorkspaceFactory(slug="two"))

    assert "workspace" in sales.get(LIST).context["cl"].columns
    assert listed(sales, f"workspace__id__exact={here.pk}") == ["here"]


def test_a_longer_list_takes_no_more_queries(sales: Client, django_assert_num_queries) -> None:
    person = UserFactory()
    for slug in ("default", "two"):
        ContactFactory(assigned_to=person, workspace=WorkspaceFactory(slug=slug))
    sales.get(LIST)  # what is remembered between pages is by now

    with django_assert_num_queries(14) as few:
        sales.get(LIST)
    for slug in ("default", "two"):
        ContactFactory.create_batch(10, assigned_to=person, workspace=WorkspaceFactory(slug=slug))
    with django_assert_num_queries(len(few)):
        sales.get(LIST)


def test_a_page_shows_twenty_five_leads(sales: Client) -> None:
    ContactFactory.create_batch(26)

    assert (len(listed(sales)), len(listed(sales, "p=2"))) == (25, 1)


def test_a_long_list_is_counted_only_so_far(sales: Client, monkeypatch) -> None:
    monkeypatch.setattr("leadsync.infra.db.CAP", 3)
    ContactFactory.create_batch(5)

    page = sales.get(LIST)

    assert re.search(r"of 3\+", page.content.decode())


SORTED = {
    "status": ["new", "older new", "contacted", "archived"],
    "-status": ["archived", "contacted", "older new", "new"],
    "score": ["archived", "older new", "new", "contacted"],
    "-score": ["contacted", "new", "older new", "archived"],
    "name": ["archived", "contacted", "new", "older new"],
    "-added": ["older new", "contacted", "archived", "new"],
    "owner": ["contacted", "new", "archived", "older new"],  # up to 10,000 leads
    "nonsense": ["older new", "contacted", "archived", "new"],  # by activity, as always
}
"""By name of a column; statuses in their order, equal ones by their age."""


@pytest.mark.parametrize("column", SORTED)
def test_leads_are_sorted_by_a_column(sales: Client, column: str) -> None:
    ani, budi = UserFactory(username="ani"), UserFactory(username="budi")
    ContactFactory(name="new", lead_score=40, assigned_to=budi)
    ContactFactory(name="archived", lead_status="archived", lead_score=0)
    ContactFactory(name="contacted", lead_status="contacted", lead_score=90, assigned_to=ani)
    ContactFactory(name="older new", lead_score=39)

    assert listed(sales, f"o={column}") == SORTED[column]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("o=status", "contact_by_stage"),
        ("o=-status", "contact_by_stage"),
        ("o=score", "contact_by_score"),
        ("o=-score", "contact_by_score"),
        ("o=name", "contact_by_name"),
        ("o=-name", "contact_by_name"),
        ("o=-added", "contact_by_creation"),
        ("o=next", "follow_up_due"),
        ("q=kopi", "contact_business_type_trigrams"),
    ],
)
def test_an_index_sorts_and_finds(query: str, index: str) -> None:
    boss = Staff(is_superuser=True).client  # whose workspaces are no condition
    found = boss.get(f"{LIST}?{query}").context["cl"].queryset

    with connection.cursor() as cursor:
        # Which of them is cheaper depends on what other tests have left in the statistics.
        other = "indexscan" if query.startswith("q=") else "sort"
        cursor.execute(f"SET LOCAL enable_seqscan = off; SET LOCAL enable_{other} = off")
        assert index in found[:50].explain()


# Actions


def test_ticked_leads_change_their_status_each_with_its_history(dewi: Staff) -> None:
    leads = [ContactFactory(), ContactFactory(), ContactFactory(lead_status="archived")]
    other = ContactFactory()

    asked = dewi.runs("change_status", leads)
    assert "Change the status of these leads?" in asked.content.decode()
    assert not StatusChange.objects.exists()

    said = {"status": "archived", "archive_reason": "no_answer"}
    page = dewi.runs("change_status", leads, confirmed="1", **said)

    assert "2 leads moved to “Archived”" in page.content.decode()
    assert set(Contact.objects.filter(lead_status="archived")) == set(leads)
    moved = StatusChange.objects.values_list("contact", "from_status", "to", "by").order_by("pk")
    assert list(moved) == [(lead.pk, "new", "archived", "dewi") for lead in leads[:2]]
    leads[0].refresh_from_db()
    assert leads[0].status_changed_by == "dewi"
    assert leads[0].status_changed_at == leads[0].status_changes.get().at
    other.refresh_from_db()
    assert other.lead_status == "new"


def test_ticked_leads_are_assigned_to_whoever_asks(dewi: Staff) -> None:
    leads = [ContactFactory(), ContactFactory(assigned_to=UserFactory())]

    page = dewi.runs("assign_to_me", leads)

    assert "2 leads are now assigned to you." in page.content.decode()
    assert {lead.assigned_to.username for lead in Contact.objects.all()} == {"dewi"}


def test_nothing_happens_to_leads_by_merely_opening_an_address(sales: Client) -> None:
    chosen = {"_selected_action": [ContactFactory().pk]}

    for action in ("change_status", "assign_to_me"):
        sales.get(LIST, chosen | {"action": action}, follow=True)

    assert Contact.objects.filter(lead_status="new", assigned_to=None).count() == 1


def test_too_many_leads_at_once_are_refused(dewi: Staff, monkeypatch) -> None:
    monkeypatch.setattr(desk, "CAP", 1)
    leads = [ContactFactory(), ContactFactory()]

    page = dewi.runs("change_status", leads)

    assert "Nothing was changed" in page.content.decode()
    assert not StatusChange.objects.exists()


# Permissions


def test_sales_write_notes_but_change_and_delete_none(sales: Client) -> None:
    lead = ContactFactory()
    note = lead.notes.create(text="Old", author="rudi")

    notes(sales, lead, "Called\x00 him", id=str(note.pk), author="rudi")

    written = lead.notes.values_list("text", "author", "author_kind").order_by("pk")
    assert list(written) == [("Old", "rudi", "person"), ("Called him", "dewi", "person")]


def test_only_operators_delete_leads_and_their_conversations_stay(sales: Client) -> None:
    state = SarahStateFactory()
    lead = ContactFactory(phone=state.contact_phone)
    SarahState.objects.update(contact=lead)
    url = f"{LIST}{lead.pk}/delete/"
    assert sales.post(url, {"post": "yes"}).status_code == 403
    assert "delete_selected" not in sales.get(LIST).content.decode()

    answer = Staff("Operators").client.post(url, {"post": "yes"})

    assert answer.status_code == 302
    assert not Contact.objects.exists()
    assert SarahState.objects.get().contact is None


def test_operators_delete_ticked_leads(sales: Client) -> None:
    leads = ContactFactory.create_batch(3)
    ticked = {"action": "delete_selected", "_selected_action": [lead.pk for lead in leads[:2]]}

    Staff("Operators").client.post(LIST, ticked | {"confirmed": "1"})

    assert list(Contact.objects.all()) == leads[2:]


def test_whoever_may_only_look_sees_the_page_and_changes_nothing() -> None:
    lead = ContactFactory(staff_fields=["goals"], pain_points=["slow"])
    looker = Staff().client
    assert looker.get(page_of(lead)).status_code == 403
    may_look = Permission.objects.get(codename="view_contact")
    User.objects.get().user_permissions.add(may_look)

    page = looker.get(page_of(lead))

    assert page.status_code == 200
    for part in ("edit", "note", "move", "undo", "hand-back", "sync", "let-sarah-speak"):
        assert f"/{part}/" not in page.content.decode()
        path = f"{LIST}{lead.pk}/{part}/"
        assert looker.post(path, {"goals": "Forged", "field": "goals"}).status_code == 403, part
    assert looker.get(ADD).status_code == 403


# A lead's page


def test_a_leads_page_shows_history_conversation_and_failures_in_constant_queries(
    sales: Client, django_assert_num_queries
) -> None:
    lead = ContactFactory(phone=PHONE, staff_fields=["goals"])
    state = SarahStateFactory(contact_phone=PHONE, state="handoff")
    SyncFailureFactory(state=state, contact_phone=PHONE)
    lead.notes.create(text="Called", author="dewi")
    sales.get(page_of(lead))

    with django_assert_num_queries(25) as few:
        page = sales.get(page_of(lead)).content.decode()

    for link in (
        f"/admin/sarah/sarahstate/{state.pk}/change/",
        f"/admin/monitoring/syncfailure/{state.failures.get().pk}/change/",
    ):
        assert f'href="{link}"' in page
    assert "Sarah: handoff" in page
    for number, kind in enumerate([Kind.INVALID_PAYLOAD, Kind.CONTACT_NOT_FOUND]):
        SyncFailureFactory(state=state, contact_phone=PHONE, kind=kind)
        lead.change_status(("archived", "new")[number], by="dewi", why=ANY_MOVE)
        lead.notes.create(text="Called", author="dewi")
    with django_assert_num_queries(len(few)):
        sales.get(page_of(lead))


def test_an_assignee_is_a_person_of_staff(sales: Client) -> None:
    UserFactory(username="gone", is_active=False)
    Bot("sarah-bot-two")
    UserFactory(username="rudi")

    page = sales.get(ADD)

    people = page.context["adminform"].form.fields["assigned_to"].queryset
    assert {user.username for user in people} == {"dewi", "rudi"}
