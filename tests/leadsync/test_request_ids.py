"""Each request has an id that ties together its answer, its log lines and the rows it leaves."""

import re
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from leadsync.infra.requests import new_id, request_id, time_of
from monitoring.models import SyncFailure
from sarah.models import StateUpdate
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory
from tests.faults import LEADS, refusing
from tests.staff import Staff

OURS = re.compile(r"[0-9a-f]{32}")
SENT = "kapso-Run_2026-1124"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/admin/login/", 200),
        ("/nowhere", 404),
        ("/api/v1/leads/", 401),
        ("/api/v1/nowhere", 404),
    ],
)
def test_every_answer_names_its_request(client: Client, path: str, status: int) -> None:
    first, second = client.get(path), client.get(path)

    assert first.status_code == status
    assert OURS.fullmatch(first["X-Request-ID"])
    assert first["X-Request-ID"] != second["X-Request-ID"]
    if path.startswith("/api/"):
        assert first.json()["request_id"] == first["X-Request-ID"]
    assert request_id.get() == ""


def test_an_id_of_ours_begins_with_its_time() -> None:
    before = datetime.now(UTC)

    ours = [new_id() for _ in range(100)]

    assert len(set(ours)) == 100
    assert {uuid.UUID(one).version for one in ours} == {7}
    assert timedelta(milliseconds=-1) < time_of(ours[0]) - before < timedelta(seconds=10)


@pytest.mark.parametrize(
    "sent", [SENT, "6f1c2d3e00004000800000000000000f", "f" * 12 + "7fff8" + "f" * 15]
)
def test_other_ids_tell_no_time(sent: str) -> None:
    assert time_of(sent) is None


@pytest.mark.django_db
def test_a_page_of_the_admin_names_its_request() -> None:
    assert OURS.fullmatch(Staff("Operators").client.get("/admin/")["X-Request-ID"])


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [
        (SENT, True),
        ("a" * 64, True),
        ("6f1c2d3e-0000-4000-8000-00000000000f", True),
        ("a" * 65, False),
        ("short-1", False),
        ("6281234567890", False),
        ("+6281234567890", False),
        ("0812-3456-7890", False),
        ("good-one\r\nSet-Cookie: x=1", False),
        ("<script>alert(1)</script>", False),
        ("Budi Santoso", False),
        ("kapso-é-12345", False),
        ("", False),
    ],
)
def test_a_clients_id_is_kept_if_it_can_do_no_harm(
    client: Client, sent: str, is_kept: bool
) -> None:
    answered = client.get("/healthz", headers={"X-Request-ID": sent})["X-Request-ID"]

    assert answered == sent if is_kept else OURS.fullmatch(answered)


def test_the_journal_the_failure_and_the_log_name_the_request(bot: Bot, caplog) -> None:
    ContactFactory(phone=PHONE)
    seen: list[str] = []
    caplog.handler.addFilter(lambda record: not seen.append(request_id.get()))
    bot.client.defaults["HTTP_X_REQUEST_ID"] = SENT

    with refusing(LEADS):
        answer = bot.post(PHONE, state="handoff", extracted_data={"name": "Budi"})

    assert answer["X-Request-ID"] == SENT
    assert StateUpdate.objects.get().request_id == SENT
    assert SyncFailure.objects.get().request_id == SENT
    assert [record.name for record in caplog.records] == ["sarah.sync"]
    assert seen == [SENT]


@pytest.mark.django_db
def test_a_refused_body_names_its_request_too(bot: Bot) -> None:
    answer = bot.send("no json")

    assert SyncFailure.objects.get().request_id == answer["X-Request-ID"]
    assert answer.json()["request_id"] == answer["X-Request-ID"]
