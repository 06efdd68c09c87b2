"""`import_states`: moving over from another backend in mid-conversation."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from contacts import erasure
from contacts.models import Contact
from sarah.models import SarahState, StateUpdate
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

ROW = {
    "state": "handoff",
    "lead_score": 82,
    "lead_temperature": "hot",
    "extracted_data": {"name": "Budi", "goals": "more", "odd": {"kept": [1]}},
    "language": "en",
    "message_count": 14,
    "contact_phone": PHONE,
    "workspace_id": "default",
    "created_at": "2026-05-01T08:00:00Z",
    "updated_at": "2026-05-03T08:00:00Z",
    "last_message_at": "2026-05-03T07:59:58Z",
}


@pytest.fixture
def imports(tmp_path: Path, capsys) -> Any:
    """Import these rows; returns the exit code and what was told."""
    WorkspaceFactory()

    def run(*rows: object, options: tuple[str, ...] = ()) -> tuple[int, str]:
        file = tmp_path / "states.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        file.write_text("\n".join(lines))
        try:
            call_command("import_states", str(file), *options)
            code = 0
        except SystemExit as ended:
            code = int(ended.code or 0)
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def test_the_bots_next_get_remembers_all_that_the_other_backend_knew(bot: Bot, imports) -> None:
    lead = ContactFactory(phone=PHONE)

    code, told = imports(ROW)

    assert (code, "1 added" in told) == (0, True)
    assert bot.get().json() == ROW
    lead.refresh_from_db()
    assert (lead.name, lead.lead_score, lead.lead_status) == ("Budi", 82, "contacted")
    assert lead.answer_by is None  # an import starts no clock
    assert not StateUpdate.objects.exists()


def test_a_second_import_changes_nothing(imports) -> None:
    ContactFactory(phone=PHONE)
    imports(ROW)
    before = SarahState.objects.values().get()

    code, told = imports(ROW)

    assert (code, "1 unchanged" in told) == (0, True)
    assert SarahState.objects.values().get() == before


def test_a_bot_that_began_anew_after_the_switch_gets_its_memory_back(bot: Bot, imports) -> None:
    ContactFactory(phone=PHONE)
    bot.post(state="qualifying", lead_score=20, message_count=1, extracted_data={"goals": "newer"})

    imports(ROW)

    memory = bot.get().json()
    assert (memory["state"], memory["lead_score"], memory["message_count"]) == ("handoff", 82, 14)
    assert memory["extracted_data"]["name"] == "Budi"
    assert memory["extracted_data"]["goals"] == "newer"
    assert memory["updated_at"] > ROW["updated_at"]


def test_what_went_on_here_stays(bot: Bot, imports) -> None:
    ContactFactory(phone=PHONE)
    bot.post(state="completed", lead_score=90, message_count=20)

    imports(ROW)

    memory = bot.get().json()
    assert (memory["state"], memory["lead_score"], memory["message_count"]) == ("completed", 90, 20)
    assert memory["extracted_data"]["name"] == "Budi"


def test_an_older_word_of_the_bot_undoes_no_persons_move(imports) -> None:
    lead = ContactFactory(phone=PHONE)
    lead.change_status("qualified", by="dewi")

    imports(ROW)

    lead.refresh_from_db()
    assert (lead.lead_status, lead.lead_score) == ("qualified", 82)


def test_a_conversation_without_a_lead_waits_for_it(imports) -> None:
    code, told = imports(ROW)

    assert (code, "1 contact_not_found" in told) == (3, True)
    assert SarahState.objects.get().updated_at == datetime(2026, 5, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ("{", "not JSON"),
        ({"state": "greeting", "message_count": 0}, "contact_phone is required"),
        (ROW | {"contact_phone": "Budi"}, "letters"),
        (ROW | {"state": "wooing"}, "state is not one of"),
        (ROW | {"updated_at": "yesterday"}, "ISO 8601"),
    ],
)
def test_what_is_no_conversation_is_told_and_costs_no_other(row: object, error, imports) -> None:
    ContactFactory(phone="+6281200000009")

    code, told = imports(row, ROW | {"contact_phone": "+6281200000009"})

    assert (code, SarahState.objects.count()) == (3, 1)
    assert "line 1: " in told
    assert error in told
    assert "Budi" not in told


def test_nobody_who_was_erased_is_brought_back(imports) -> None:
    erasure.remember([PHONE])

    code, told = imports(ROW)

    assert (code, SarahState.objects.exists()) == (3, False)
    assert "erased" in told


def test_all_of_them_go_where_the_person_says(imports) -> None:
    there = WorkspaceFactory(slug="kopi-kita")
    ContactFactory(phone=PHONE, workspace=there)

    code, _told = imports(ROW | {"workspace_id": "17"}, options=("--workspace", "kopi-kita"))

    assert (code, SarahState.objects.get().workspace) == (0, there)


def test_a_dry_run_writes_nothing(imports) -> None:
    ContactFactory(phone=PHONE)

    _code, told = imports(ROW, options=("--dry-run",))

    assert "Would take over 1 conversations: 1 added" in told
    assert not SarahState.objects.exists()
    assert Contact.objects.get().name == ""


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Cannot read"):
        call_command("import_states", str(tmp_path / "none.jsonl"))
