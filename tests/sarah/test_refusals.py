"""What cannot be saved is refused with a sentence, and recorded, because no bot looks."""

import json
from hashlib import sha256
from io import BytesIO

import pytest
from django.test import Client
from django.utils import timezone

from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import WorkspaceFactory

pytestmark = pytest.mark.django_db(transaction=True)

BODY = json.dumps({"contact_phone": PHONE, "state": "handoff"})
TOO_LARGE = json.dumps({"contact_phone": PHONE, "note": "é" * 40_000}, ensure_ascii=False)
REFUSED = [
    (b"", 400, "not JSON"),
    (b"{", 400, "not JSON"),
    (b'{"contact_phone": "\xff"}', 400, "not JSON"),
    (b"contact_phone=0812", 400, "not JSON"),
    (b'["0812"]', 400, "not an object"),
    (b"null", 400, "not an object"),
    (b"{}", 400, "contact_phone is required"),
    (b'{"contact_phone": null}', 400, "contact_phone is required"),
    (b'{"contact_phone": "", "state": "handoff"}', 400, "contact_phone is required"),
    (b'{"contact_phone": "Budi"}', 400, "letters"),
    (b'{"contact_phone": "0812"}', 400, "too few"),
    (b'{"contact_phone": ["0812"]}', 400, "not text"),
    (b'{"contact_phone": true}', 400, "not text"),
    (b"[" * 60_000, 400, "not JSON"),
    (TOO_LARGE.encode(), 413, "64 KiB"),
]


@pytest.mark.parametrize(("body", "status", "sentence"), REFUSED)
def test_a_body_that_cannot_be_saved_is_refused_and_recorded(
    bot: Bot, body: bytes, status: int, sentence: str
) -> None:
    answer = bot.send(body)

    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert sentence in answer.json()["error"]
    failure = SyncFailure.objects.get()
    assert (failure.source, failure.kind) == ("sarah", "rejected_payload")
    assert (failure.contact_phone, failure.state) == ("", None)
    assert failure.error == answer.json()["error"]
    assert failure.payload["body"] == body[: 8 * 1024].decode(errors="replace")
    assert not SarahState.objects.exists()


def test_refused_bodies_never_hide_each_other_and_equal_ones_are_counted(bot: Bot) -> None:
    for body in ("{", "[", "{", "{", "x" * 9_000, "x" * 9_001):
        bot.send(body)

    failures = SyncFailure.objects.order_by("pk").values_list("occurrences", "fingerprint")
    assert [times for times, _ in failures] == [3, 1, 1, 1]
    assert failures[0][1] == sha256(b"{").hexdigest()


def test_a_body_of_exactly_64_kib_is_not_too_large(bot: Bot) -> None:
    room = 64 * 1024 - len(json.dumps({"contact_phone": PHONE, "note": ""}))
    body = json.dumps({"contact_phone": PHONE, "note": "x" * room})

    assert bot.send(body).status_code == 200
    assert bot.send(body + " ").status_code == 413


def test_a_chunked_body_without_an_end_is_cut_off(bot: Bot) -> None:
    chunked = {"wsgi.input": BytesIO(b"{" * 200_000), "HTTP_TRANSFER_ENCODING": "chunked"}

    answer = bot.client.generic("POST", "/sarah/state", **chunked)

    assert answer.status_code == 413
    assert len(SyncFailure.objects.get().payload["body"]) == 8 * 1024


@pytest.mark.parametrize("why", ["revoked_at", "expires_at"])
def test_a_post_with_a_key_that_is_not_valid_any_more_is_recorded(bot: Bot, why: str) -> None:
    ApiKey.objects.update(**{why: timezone.now()})

    answer = bot.send(BODY)

    assert answer.status_code == 401
    failure = SyncFailure.objects.get()
    assert (failure.kind, failure.payload) == ("rejected_payload", {"body": BODY})
    assert not SarahState.objects.exists()


def test_a_bot_that_is_slowed_down_for_its_revoked_key_does_not_fill_the_log(bot: Bot) -> None:
    ApiKey.objects.update(revoked_at=timezone.now())

    answers = [bot.send(BODY) for _ in range(31)]

    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    assert int(answers[-1]["Retry-After"]) > 0
    assert "error" in answers[-1].json()
    assert SyncFailure.objects.get().occurrences == 30


def test_a_post_without_the_right_or_to_another_workspace_is_403_and_recorded(bot: Bot) -> None:
    home = WorkspaceFactory(slug="home")
    bound = Bot("bound-bot", workspace=home)
    manager = Bot("grok-bot", role="manager")

    foreign = [bound.post(workspace_id=ref).status_code for ref in ("default", "nowhere")]
    powerless = manager.send(BODY)

    assert foreign == [403, 403]
    assert powerless.status_code == 403
    assert "states:write" in powerless.json()["error"]
    recorded = SyncFailure.objects.order_by("pk").values_list("kind", "workspace_ref")
    assert list(recorded) == [("rejected_payload", ref) for ref in ("home", "home", "")]
    assert not SarahState.objects.exists()


def test_a_post_of_a_stranger_is_not_worth_a_record() -> None:
    issue_key("sarah-bot", role="sarah")

    for headers in ({}, {"Authorization": "Bearer junk"}):
        answer = Client(headers=headers).post("/sarah/state", BODY, "application/json")
        assert (answer.status_code, "error" in answer.json()) == (401, True)

    assert not SyncFailure.objects.exists()
