"""A person can be erased for good: nothing remains but a keyed hash, and nothing old returns."""

import json
import re
import stat
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection, models
from django.db.models import Model
from django.utils import timezone
from factory import Transformer

from contacts.erasure import is_erased, is_erased_since
from contacts.models import (
    AddressChange,
    ChatMark,
    ChatMessage,
    Contact,
    Erasure,
    MarketingWord,
    Merge,
    Note,
    Workspace,
)
from monitoring.models import Alert, AlertDelivery, AlertSettings, RefusedBody, SyncFailure
from sarah.models import KapsoDelivery, SarahState, StateUpdate
from tests.bot import Bot
from tests.factories import (
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
)
from tests.staff import Staff, action_url, messages_of

pytestmark = pytest.mark.django_db

PHONE, NAME, BSUID = "+6281299988877", "Zebedeus", "ID.Zq7Canary"
CANARY = f"{NAME} {PHONE}"
TRACES = ("81299988877", NAME, BSUID)
TOLD = {"name": NAME, "business_scoped_user_id": BSUID}
NEIGHBOUR = "+6281211112222"

WITHOUT_PEOPLE = {
    *("leadsync.Tries", "leadsync.Dismissal"),
    *("leadsync.IdempotentAnswer", "leadsync.Invitation", "leadsync.LogIn"),
    *("leadsync.ApiKey", "monitoring.Backup", "monitoring.AlertSettings", "monitoring.Heartbeat"),
    *("monitoring.SyncRun", "contacts.Erasure", "sarah.KapsoFeed", "leadsync.FailedLogin"),
    *("contacts.MergeSuggestion", "contacts.Membership"),  # only which two leads, or which staff
    *(
        "contacts.Departure",
        "monitoring.NotificationPreferences",
        "contacts.SavedView",
    ),  # only which lead
}
"""Models of ours that never tell of somebody who talked to a bot."""
NO_FREE_TEXT = (
    *("workspace_ref", "fingerprint", "digest", "request_id", "exception", "function", "subject"),
    *("business_scoped_user_id", "user_id", "former", "idempotency_key"),
)


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    return settings.VAR_DIR


def plant(phone: str = PHONE, *, text: str = CANARY, told: Any = TOLD) -> dict[type[Model], Model]:
    """One row about this person of each kind; `text` in all columns that can have it."""
    bsuid = BSUID if phone == PHONE else "ID.Neighbour"
    lead = ContactFactory(phone=phone, business_scoped_user_id=bsuid)
    here = {"workspace": lead.workspace, "wamid": phone}
    state = SarahStateFactory(contact_phone=phone, extracted_data=told)
    failure = SyncFailureFactory(contact_phone="", kind="rejected_payload", fingerprint=phone)
    cause = failure.group
    settings, _ = AlertSettings.objects.get_or_create(workspace=None)
    alert = Alert.objects.create(cause="flood", subject=phone, text="")
    planted: list[Model] = [
        lead,
        lead.notes.create(text="", author="ani"),
        lead.status_changes.create(from_status="new", to="qualified", by="ani"),
        lead.assignments.create(by="ani", actor_kind="person"),
        event := lead.told_events.create(kind="handed_over", happened_at=timezone.now()),
        event.messages.create(person=UserFactory(), channel="email", error=""),
        lead.follow_ups.create(text="", due_at=timezone.now(), created_by="ani"),
        lead.edits.create(field="goals", by="ani"),
        state,
        ChatMark.objects.create(**here, status="read"),
        ChatMessage.objects.create(
            **here, business_scoped_user_id=bsuid, author="lead", sent_at=timezone.now()
        ),
        AddressChange.objects.create(workspace=lead.workspace, former=bsuid, phone=phone),
        MarketingWord.objects.create(
            workspace=lead.workspace, contact_phone=phone, is_stopped=True
        ),
        KapsoDelivery.objects.create(workspace=lead.workspace, idempotency_key=phone, body=""),
        Merge.objects.create(survivor=lead, absorbed={}, before={}, after={}),
        MessageFactory(state=state),
        failure,
        RefusedBody.objects.create(refusal="body", digest=phone, body=text.encode(), error=""),
        alert,
        AlertDelivery.objects.create(
            settings=settings, alert=alert, event="raised", channel="email", recipient="a@b.co"
        ),
        LogEntry.objects.create(
            user=UserFactory(password=Transformer.Force("!")),
            content_type=ContentType.objects.get_for_model(Contact),
            object_id=str(lead.pk),
            action_flag=CHANGE,
        ),
    ]
    for row in [*planted, cause]:
        type(row)._base_manager.filter(pk=row.pk).update(**filled(row, text))
    return {type(row): row for row in planted}


def filled(row: Model, text: str) -> dict[str, Any]:
    """The text for each free column of a row."""
    columns: dict[str, Any] = {}
    for field in row._meta.concrete_fields:
        is_free = not (field.choices or field.name in NO_FREE_TEXT)
        is_free &= not ("phone" in field.name or field.name.endswith("_by"))
        if isinstance(field, models.JSONField) and field.name != "staff_fields":
            columns[field.name] = {"told": text, **TOLD} if text == CANARY else {"told": text}
        elif isinstance(field, models.CharField | models.TextField) and is_free:
            columns[field.name] = text[: field.max_length or 200]
    return columns


def everything() -> Iterator[tuple[str, str]]:
    """All values of all tables as text, with their table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for value in (value for row in cursor.fetchall() for value in row):
                is_binary = isinstance(value, bytes | memoryview)
                yield table, bytes(value).decode() if is_binary else str(value)


def traces() -> set[str]:
    """The tables in which something tells of the person."""
    return {table for table, text in everything() if any(trace in text for trace in TRACES)}


def test_every_model_of_ours_is_planted_or_is_about_nobody() -> None:
    planted = {model._meta.label for model in plant()}
    ours = {"contacts", "leadsync", "monitoring", "sarah"}
    known = {model._meta.label for model in apps.get_models() if model._meta.app_label in ours}

    assert known == (planted - {"admin.LogEntry"}) | WITHOUT_PEOPLE | {
        *("contacts.Workspace", "monitoring.FailureGroup"),  # they may mention people
    }


def test_nothing_remains_of_a_person_in_any_table(capsys) -> None:
    WorkspaceFactory(slug="kopi", test_numbers=[PHONE, NEIGHBOUR])
    others = plant(NEIGHBOUR, text="Kept", told={"name": "Kept"})
    plant()
    assert traces() >= {model._meta.db_table for model in others} | {
        *("contacts_workspace", "monitoring_failuregroup"),
    }

    call_command("erase_person", "0812-9998-8877")

    assert traces() == set()
    assert not any(trace in capsys.readouterr().out for trace in TRACES)
    for model, row in others.items():
        assert model._base_manager.filter(pk=row.pk).exists(), model
    assert Workspace.objects.get(slug="kopi").test_numbers == [NEIGHBOUR]


@pytest.mark.parametrize("near", [f"{PHONE}1", "+62281299988877", PHONE.replace("+62", "+60")])
def test_whose_number_contains_it_is_somebody_else(near: str) -> None:
    others = plant(near, text=f"Kept {near} PT.Maju", told={"name": "Kept"})
    WorkspaceFactory(slug="kopi", test_numbers=[near])
    told = {**TOLD, "business_type": "PT.Maju"}  # as short as an id of WhatsApp's
    SarahStateFactory(contact_phone=PHONE, extracted_data=told)

    call_command("erase_person", PHONE)

    for model, row in others.items():
        assert model._base_manager.filter(pk=row.pk).exists(), model
    assert Workspace.objects.get(slug="kopi").test_numbers == [near]
    assert SarahState.objects.get().contact_phone == near


@pytest.mark.parametrize(
    "body",
    [
        b'{"contact_phone": "0812 9998 8877 or so", "name": "x"',
        b'{"contact_phone": "+62 (812) 9998-8877"',
        b"phone=6281299988877&state=handoff",
        b"5 0062 (0) 812-9998-8877 7",
        b'{"business_scoped_user_id": "ID.Zq7Canary"',
        "phone: [+62] {812}\u2011 9998\u200b .8877".encode(),
        "\uff10\uff18\uff11\uff12 \uff19\uff19\uff19\uff18\uff0d\uff18\uff18\uff17\uff17".encode(),
        "\u0660\u0668\u0661\u0662 \u0669\u0669\u0669\u0668 \u0668\u0668\u0667\u0667".encode(),
        b'{"contact_phone": "\\uff10\\uff18\\uff11\\uff12 99988877"',
    ],
)
def test_bodies_whose_phone_nobody_could_read_are_found_by_their_digits(body: bytes) -> None:
    SarahStateFactory(contact_phone=PHONE, extracted_data=TOLD)
    key = {"refusal": "body", "error": "Not JSON."}
    failure = SyncFailureFactory(
        contact_phone="", kind="rejected_payload", payload={"body": body.decode()}
    )
    for number, of in enumerate((body, b'{"contact_phone": "0812 1111 2222 or so"')):
        RefusedBody.objects.create(digest=str(number), body=of, failure=failure, **key)

    call_command("erase_person", PHONE)

    assert traces() == set()
    # The failure counts another body as well: it stays, without the one that it showed.
    assert RefusedBody.objects.get().failure == failure
    assert SyncFailure.objects.get().payload == {}


def test_the_log_of_the_admin_forgets_a_lead_that_was_deleted_before() -> None:
    SarahStateFactory(contact_phone=PHONE, extracted_data=TOLD)
    namesake = ContactFactory(name="Budi")
    for row, name in ((999, NAME), (namesake.pk, "Budi")):
        LogEntry.objects.create(
            user=UserFactory(password=Transformer.Force("!")),
            content_type=ContentType.objects.get_for_model(Contact),
            object_id=str(row),
            object_repr=name,
            action_flag=CHANGE,
        )

    call_command("erase_person", PHONE)

    assert LogEntry.objects.get().object_repr == "Budi"


def test_a_person_without_a_number_is_erased_by_their_id() -> None:
    lead = ContactFactory(phone=None, business_scoped_user_id=BSUID, whatsapp_name=NAME)
    ChatMessage.objects.create(
        workspace=lead.workspace,
        wamid="1",
        business_scoped_user_id=BSUID,
        author="lead",
        text=CANARY,
        sent_at=timezone.now(),
    )

    call_command("erase_person", BSUID)

    assert traces() == set()
    assert is_erased(BSUID)


def test_what_remains_is_a_hash_with_a_key_of_its_own_for_the_owner_only(folder: Path) -> None:
    plant()
    before = timezone.now()

    call_command("erase_person", PHONE)

    assert Erasure.objects.count() == 2  # the phone, and the BSUID that was told with it
    assert [is_erased(one) for one in (PHONE, BSUID, NEIGHBOUR)] == [True, True, False]
    assert is_erased_since(PHONE, before)
    assert not is_erased_since(PHONE, timezone.now())
    assert {path.name for path in folder.iterdir()} == {"erasure.key", "erasures.jsonl"}
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not any(trace in path.read_text() for trace in TRACES)


def test_machines_share_a_key_from_the_environment(folder: Path, settings: Any) -> None:
    settings.LEADSYNC_ERASURE_KEY = "one and the same on all our machines"
    call_command("erase_person", PHONE)

    settings.VAR_DIR = folder / "of another machine"

    assert is_erased(PHONE)
    settings.LEADSYNC_ERASURE_KEY = ""
    assert not is_erased(PHONE)


def test_a_restored_backup_brings_nobody_back(capsys) -> None:
    plant()
    plant(NEIGHBOUR, text="Kept", told={})
    call_command("erase_person", PHONE)
    Erasure.objects.all().delete()  # the backup is older, and knows of no erasure
    yesterday = timezone.now() - timedelta(days=1)
    ContactFactory(phone=PHONE, created_at=yesterday)
    SarahStateFactory(contact_phone=PHONE, created_at=yesterday, extracted_data=TOLD)

    call_command("reapply_erasures", "--dry-run")
    assert "Would erase 2 rows of 1 people" in capsys.readouterr().out
    assert Contact.objects.filter(phone=PHONE).exists()
    call_command("reapply_erasures")

    assert traces() == set()
    assert is_erased(PHONE)
    assert Contact.objects.get().phone == NEIGHBOUR


def test_erasures_that_another_key_made_are_a_problem(folder: Path, capsys) -> None:
    call_command("erase_person", PHONE)
    (folder / "erasure.key").write_text("another")

    with pytest.raises(SystemExit) as stopped:
        call_command("reapply_erasures")

    assert stopped.value.code == 3
    assert "LEADSYNC_ERASURE_KEY" in capsys.readouterr().err


def test_a_broken_list_stops_before_anything_is_erased(folder: Path) -> None:
    call_command("erase_person", PHONE)
    with (folder / "erasures.jsonl").open("a") as file:
        file.write("{}\n")

    with pytest.raises(CommandError, match=r"erasures\.jsonl, line 2"):
        call_command("reapply_erasures")


def test_a_new_message_makes_somebody_new_whom_no_old_one_reaches(bot: Bot) -> None:
    plant()
    call_command("erase_person", PHONE)
    excluded = {"success": True, "sync": False, "syncReason": "excluded"}
    body = json.dumps({"contact_phone": PHONE, "extracted_data": TOLD})
    post = {"path": "/sarah/state", "data": body, "content_type": "application/json"}

    replayed = bot.client.post(**post, headers={"X-LeadSync-Replayed": "1"})
    nothing = SarahState.objects.exists()
    new = bot.post(PHONE, state="qualifying")
    LogEntry.objects.create(
        user=UserFactory(password=Transformer.Force("!")), object_repr=PHONE, action_flag=CHANGE
    )
    call_command("reapply_erasures")

    assert (replayed.json(), nothing) == (excluded, False)
    assert new.json()["syncReason"] == "contact_not_found"
    assert SarahState.objects.get().extracted_data == {}
    assert LogEntry.objects.filter(object_repr=PHONE).exists()


@pytest.mark.parametrize(("said", "remain"), [("yes", 0), ("no", 1), ("", 1)])
def test_on_a_terminal_it_asks_first(monkeypatch, capsys, said: str, remain: int) -> None:
    plant()
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: said)

    if remain:
        with pytest.raises(CommandError, match="Nothing was erased"):
            call_command("erase_person", PHONE)
    else:
        call_command("erase_person", PHONE)

    assert "1 notes" in capsys.readouterr().out
    assert Note.objects.count() == remain


def test_a_dry_run_only_counts(folder: Path, capsys) -> None:
    planted = plant()

    call_command("erase_person", PHONE, "--dry-run")

    assert f"Would erase {len(planted)} rows." in capsys.readouterr().out
    assert Contact.objects.exists()
    assert not folder.exists()


def test_all_about_a_person_is_exported_as_one_file_for_its_owner(tmp_path: Path, capsys) -> None:
    plant()
    plant(NEIGHBOUR, text="Kept", told={})
    path = tmp_path / "person.json"

    call_command("export_person", PHONE, "--out", str(path))
    call_command("export_person", PHONE)

    told = json.loads(path.read_text())
    shown = json.loads(capsys.readouterr().out)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {name for name, rows in told.items() if isinstance(rows, list) and len(rows) == 1} == {
        *(
            "leads",
            "next steps",
            "messages about leads",
            "events of leads",
            "assignments",
            "notes",
            "edits",
            "status changes",
            "conversations",
            "messages",
            "failures",
        ),
        *("refused messages", "alerts", "alert deliveries", "entries in the admin's log"),
        *(
            "merges",
            "chat messages",
            "delivery marks",
            "words about marketing",
            "changed addresses",
            "deliveries from Kapso",
        ),
    }
    assert (
        told["conversations"][0]["extracted_data"] | TOLD
        == told["conversations"][0]["extracted_data"]
    )
    assert (told["phone"], told["leads"]) == (PHONE, shown["leads"])
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_person", PHONE, "--out", str(path))


@pytest.mark.parametrize("model", [Contact, SarahState])
def test_an_operator_sees_what_goes_and_erases_it(model: type[Model], folder: Path) -> None:
    row, operator = plant()[model], Staff("Operators")
    url = action_url("erase_this", row)

    preview = operator.client.get(url).content.decode()
    known = Contact.objects.count()
    done = operator.client.post(url, {"confirmed": "1"}, follow=True)

    assert re.search(r"notes</dt>\s*<dd[^>]*>1<", preview)
    assert (known, traces()) == (1, set())
    assert messages_of(done) == ["21 rows were erased."]
    log = LogEntry.objects.get()
    assert (log.user, log.change_message) == (operator.user, "Erased a person.")


@pytest.mark.parametrize("model", [Contact, SarahState])
def test_an_operator_takes_all_about_a_person_along(model: type[Model]) -> None:
    row = plant()[model]

    answer = Staff("Operators").client.get(action_url("export_this", row))

    assert json.loads(answer.getvalue())["leads"][0]["phone"] == PHONE
    assert answer["Content-Disposition"] == f'attachment; filename="person-{row.pk}.json"'
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("action", ["erase_this", "export_this"])
def test_sales_can_do_neither(action: str) -> None:
    planted, sales = plant(), Staff("Sales")

    for model in (Contact, SarahState):
        answer = sales.client.post(action_url(action, planted[model]), {"confirmed": "1"})
        assert answer.status_code == 403
    assert Contact.objects.exists()


def test_not_even_a_superuser_deletes_what_was_said_in_another_way() -> None:
    planted, superuser = plant(), Staff(is_superuser=True)

    for model in (SarahState, StateUpdate):
        page = f"{model._meta.app_label}_{model._meta.model_name}_delete"
        assert superuser.status_of(page, planted[model].pk) == 403


def test_a_folder_that_cannot_be_written_erases_nothing(folder: Path) -> None:
    folder.write_text("in the way")
    lead = plant()[Contact]

    with pytest.raises(CommandError, match=r"Nothing was erased.*var"):
        call_command("erase_person", PHONE)
    url = action_url("erase_this", lead)
    told = Staff("Operators").client.post(url, {"confirmed": "1"}, follow=True)

    assert "cannot be written" in messages_of(told)[0]
    assert Contact.objects.exists()
