"""The admin's pages of workspaces."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from contacts.models import Contact, Workspace
from sarah.models import SarahState
from tests.bot import Bot
from tests.contacts.pages import saves, sent_by
from tests.factories import ContactFactory, WorkspaceFactory
from tests.staff import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

LIST = "/admin/contacts/workspace/"


def page_of(workspace: Workspace | None = None) -> str:
    """Its page; of the only workspace unless another is given."""
    return f"{LIST}{(workspace or Workspace.objects.get()).pk}/change/"


@pytest.fixture
def operator() -> Client:
    return Staff("Operators").client


def test_an_operator_adds_a_workspace(operator: Client) -> None:
    saves(operator, f"{LIST}add/", name="Toko  Maju", slug="toko-maju", region="SG")

    added = Workspace.objects.get(slug="toko-maju")
    assert (added.name, added.region, added.kapso_phone_number_id) == ("Toko Maju", "SG", None)
    assert not added.creates_contacts


def test_a_slug_never_changes(operator: Client) -> None:
    saves(operator, page_of(), slug="other", name="New name")

    workspace = Workspace.objects.get()
    assert (workspace.slug, workspace.name) == ("default", "New name")


@pytest.mark.django_db(transaction=True)
def test_naming_the_kapso_id_lets_waiting_conversations_find_their_workspace(
    operator: Client, bot: Bot
) -> None:
    ContactFactory(phone="+6281234567890")
    bot.post(workspace_id="106540352242922", extracted_data={"name": "Budi"})
    assert SarahState.objects.get().workspace is None

    saves(operator, page_of(), kapso_phone_number_id="106540352242922")

    assert SarahState.objects.get().contact.name == "Budi"


@pytest.mark.django_db(transaction=True)
def test_a_workspace_may_archive_who_is_not_interested(operator: Client, bot: Bot) -> None:
    workspace = Workspace.objects.get()
    phones = ["+6281234567890", "+6281234567891"]
    for phone in phones:
        ContactFactory(phone=phone)

    saves(operator, page_of(), status_after_completed_cold="archived")
    for phone, temperature in zip(phones, ("cold", "warm"), strict=True):
        bot.post(phone, state="completed", lead_temperature=temperature)

    told = dict(Contact.objects.with_standing().values_list("phone", "standing"))
    assert [told[phone] for phone in phones] == ["closed_cold", "closed_by_sarah"]
    assert Contact.objects.get(phone=phones[0]).lead_status == "archived"
    saves(operator, page_of(), name="Kopi")
    workspace.refresh_from_db()
    assert workspace.status_by_state == {"completed_cold": "archived"}
    saves(operator, page_of(), status_after_completed_cold="")
    workspace.refresh_from_db()
    assert workspace.status_by_state is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (
            "0812-3456-7890\r\n\r\n  +62 812 3456 7891 \r\nwa.me/6281234567890",
            ["+6281234567890", "+6281234567891"],
        ),
        ("", []),
    ],
)
def test_test_numbers_are_written_in_any_spelling(
    operator: Client, typed: str, kept: list[str]
) -> None:
    Workspace.objects.update(test_numbers=["+6281299999999"])
    assert sent_by(operator.get(page_of()))["test_numbers"] == "+6281299999999"

    saves(operator, page_of(), test_numbers=typed, max_created_per_hour="50")

    workspace = Workspace.objects.get()
    assert (workspace.test_numbers, workspace.max_created_per_hour) == (kept, 50)
    assert sent_by(operator.get(page_of()))["test_numbers"] == "\r\n".join(kept)


def test_they_are_read_in_the_region_that_is_chosen(operator: Client) -> None:
    saves(operator, page_of(), region="MY", test_numbers="012-345 6789")

    assert Workspace.objects.get().test_numbers == ["+60123456789"]


def test_a_line_that_is_no_number_is_named_and_nothing_is_saved(operator: Client) -> None:
    page = saves(operator, page_of(), test_numbers="0812-3456-7890\r\nBudi <b>\r\n0812")

    errors = page.context["adminform"].form.errors["test_numbers"]
    assert [error.partition(":")[0] for error in errors] == ["“Budi <b>”", "“0812”"]
    assert "Budi &lt;b&gt;" in page.content.decode()
    assert Workspace.objects.get().test_numbers == []


def test_there_may_be_200_test_numbers(operator: Client) -> None:
    lines = [f"+62812345{number:05}" for number in range(201)]

    for count in (201, 200):
        saves(operator, page_of(), test_numbers="\r\n".join(lines[:count]))

    assert Workspace.objects.get().test_numbers == lines[:200]


@pytest.mark.parametrize("numbers", [["0812-3456-7890"], [6281234567890], "+6281234567890"])
def test_other_writers_cannot_store_what_is_no_list_of_numbers(numbers: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Workspace(slug="kopi-kita", name="Kopi", test_numbers=numbers).full_clean()

    assert set(refused.value.message_dict) == {"test_numbers"}


def test_the_page_tells_how_many_leads_sarah_has_just_created(operator: Client) -> None:
    workspace = WorkspaceFactory(slug="kopi-kita", max_created_per_hour=2)
    seen = []

    for _round in range(2):
        ContactFactory(source="sarah", workspace=workspace)
        seen.append("Limit reached" in operator.get(page_of(workspace)).content.decode())

    assert seen == [False, True]


@pytest.mark.both_databases
def test_a_workspace_in_use_cannot_be_deleted() -> None:
    root = Staff(is_superuser=True).client
    used, unused = ContactFactory().workspace, WorkspaceFactory(slug="unused")

    answers = [
        root.post(f"{LIST}{workspace.pk}/delete/", {"post": "yes"}).status_code
        for workspace in (used, unused)
    ]

    assert answers == [403, 302]
    assert list(Workspace.objects.all()) == [used]


def test_sales_see_workspaces_and_change_none() -> None:
    sales = Staff("Sales").client

    assert sales.get(LIST).status_code == 200
    assert sales.get(page_of()).status_code == 200
    assert sales.post(page_of(), {"name": "Mine"}).status_code == 403
    assert sales.get(f"{LIST}add/").status_code == 403


def test_the_list_leads_to_a_workspaces_leads(operator: Client, django_assert_num_queries) -> None:
    WorkspaceFactory(slug="two", name="Two")
    lead = ContactFactory(name="Budi", workspace=WorkspaceFactory(slug="one", name="One"))
    operator.get(LIST)

    with django_assert_num_queries(7):
        page = operator.get(LIST)

    link = f"/admin/contacts/contact/?workspace__id__exact={lead.workspace_id}"
    assert f'href="{link}"' in page.content.decode()
    assert "Budi" in operator.get(link).content.decode()


def test_a_page_begins_with_how_the_workspace_stands_and_opens_a_section_only_if_it_is_wrong(
    operator: Client,
) -> None:
    ContactFactory(workspace=Workspace.objects.get())

    page = operator.get(page_of()).content.decode()
    wrong = saves(operator, page_of(), opens_at="late").content.decode()

    for sentence in (
        "1 lead</a>; Sarah has not said anything yet.",
        "Kapso&#x27;s webhook is not connected.",
        "Unknown numbers wait until somebody adds them.",
        "Open Mon, Tue, Wed, Thu, Fri, 09:00 to 17:00; hot leads are answered within 15 minutes.",
    ):
        assert sentence in page, sentence
    assert '<details class="ls-section" open>' not in page
    assert wrong.count('<details class="ls-section" open>') == 1
