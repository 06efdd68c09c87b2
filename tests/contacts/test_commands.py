"""`create_workspace`"""

import pytest
from django.core.management import CommandError, call_command

from contacts.models import Contact, Workspace
from tests.bot import PHONE, Bot


@pytest.mark.django_db
def test_a_workspace_is_added_with_what_was_said(capsys):
    call_command(
        "create_workspace", "kopi-kita", "--name", "Kopi Kita!", "--region", "sg",
        "--kapso-phone-number-id", "1065", "--create-contacts", "--max-created-per-hour", "50",
        "--test-number", "8123 4567", "--test-number", "+65 9123 4568",
    )  # fmt: skip

    added = Workspace.objects.get(slug="kopi-kita")
    assert (added.name, added.region) == ("Kopi Kita!", "SG")
    assert (added.kapso_phone_number_id, added.creates_contacts) == ("1065", True)
    assert added.max_created_per_hour == 50
    assert added.test_numbers == ["+6581234567", "+6591234568"]
    assert "kopi-kita" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_slug_is_enough(capsys):
    call_command("create_workspace", "kopi-kita")

    added = Workspace.objects.get(slug="kopi-kita")
    assert (added.name, added.region) == ("Kopi Kita", "ID")
    assert (added.kapso_phone_number_id, added.creates_contacts) == (None, False)
    assert (added.max_created_per_hour, added.test_numbers) == (500, [])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "arguments",
    [
        ["default"],
        ["Kopi Kita"],
        ["x" * 51],
        ["a", "--region", "Indonesia"],
        ["a", "--region", "1D"],
        ["a", "--kapso-phone-number-id", "1065"],
        ["a", "--max-created-per-hour", "-1"],
        ["a", "--test-number", "Budi"],
    ],
)
def test_what_cannot_be_a_workspace_is_refused(arguments):
    Workspace.objects.create(slug="b", kapso_phone_number_id="1065")

    with pytest.raises(CommandError):
        call_command("create_workspace", *arguments)

    assert set(Workspace.objects.values_list("slug", flat=True)) == {"default", "b"}


@pytest.mark.django_db(transaction=True)
def test_a_workspace_takes_in_what_waited_for_it(bot: Bot, capsys) -> None:
    bot.post(workspace_id="kopi-kita", extracted_data={"name": "Budi"})

    call_command("create_workspace", "kopi-kita", "--create-contacts")

    lead = Contact.objects.get()
    assert (lead.phone, lead.name, lead.workspace.slug) == (PHONE, "Budi", "kopi-kita")
