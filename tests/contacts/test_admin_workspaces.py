"""The admin's pages of workspaces."""

import pytest
from django.test import Client

from contacts.models import Workspace
from sarah.models import SarahState
from tests.bot import Bot
from tests.contacts.pages import client_of, sent_by
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/contacts/workspace/"


@pytest.fixture
def operator() -> Client:
    return client_of("Operators")


def test_an_operator_adds_a_workspace(operator: Client) -> None:
    form = sent_by(operator.get(f"{LIST}add/"))

    operator.post(f"{LIST}add/", form | {"name": "Toko  Maju", "slug": "toko-maju", "region": "SG"})

    added = Workspace.objects.get(slug="toko-maju")
    assert (added.name, added.region, added.kapso_phone_number_id) == ("Toko Maju", "SG", None)
    assert not added.creates_contacts


def test_a_slug_never_changes(operator: Client) -> None:
    workspace = Workspace.objects.get()
    url = f"{LIST}{workspace.pk}/change/"

    operator.post(url, sent_by(operator.get(url)) | {"slug": "other", "name": "New name"})

    workspace.refresh_from_db()
    assert (workspace.slug, workspace.name) == ("default", "New name")


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_naming_the_kapso_id_lets_waiting_conversations_find_their_workspace(
    operator: Client, bot: Bot
) -> None:
    ContactFactory(phone="+6281234567890")
    bot.post(workspace_id="106540352242922", extracted_data={"name": "Budi"})
    assert SarahState.objects.get().workspace is None
    url = f"{LIST}{Workspace.objects.get().pk}/change/"

    operator.post(url, sent_by(operator.get(url)) | {"kapso_phone_number_id": "106540352242922"})

    assert SarahState.objects.get().contact.name == "Budi"


def test_a_workspace_in_use_cannot_be_deleted() -> None:
    root = Client()
    root.force_login(UserFactory(is_superuser=True))
    used, unused = ContactFactory().workspace, WorkspaceFactory(slug="unused")

    answers = [
        root.post(f"{LIST}{workspace.pk}/delete/", {"post": "yes"}).status_code
        for workspace in (used, unused)
    ]

    assert answers == [403, 302]
    assert list(Workspace.objects.all()) == [used]


def test_sales_see_workspaces_and_change_none() -> None:
    sales = client_of("Sales")
    url = f"{LIST}{Workspace.objects.get().pk}/change/"

    assert sales.get(LIST).status_code == 200
    assert sales.get(url).status_code == 200
    assert sales.post(url, {"name": "Mine"}).status_code == 403
    assert sales.get(f"{LIST}add/").status_code == 403


def test_the_list_leads_to_a_workspaces_leads(operator: Client, django_assert_num_queries) -> None:
    WorkspaceFactory(slug="two", name="Two")
    lead = ContactFactory(name="Budi", workspace=WorkspaceFactory(slug="one", name="One"))
    operator.get(LIST)

    with django_assert_num_queries(6):
        page = operator.get(LIST)

    link = f"/admin/contacts/contact/?workspace__id__exact={lead.workspace_id}"
    assert f'href="{link}"' in page.content.decode()
    assert "Budi" in operator.get(link).content.decode()
