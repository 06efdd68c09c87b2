"""What cannot be saved is refused with a sentence, and recorded, because no bot looks."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.models import RefusedBody, SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import SyncFailureFactory, WorkspaceFactory

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
    assert bytes(failure.bodies.get().body) == body[: 64 * 1024 + 1]
    assert not SarahState.objects.exists()


def test_refused_bodies_never_hide_each_other_and_one_failure_counts_them(bot: Bot) -> None:
    for body in ("{", "[", "{", "{", "x" * 9_000, "x" * 9_001):
        bot.send(body)

    failure = SyncFailure.objects.get()
    assert (failure.occurrences, failure.payload) == (6, {"body": "x" * 8_192})
    kept = [bytes(one.body) for one in failure.bodies.order_by("received_at")]
    assert kept == [b"[", b"{", b"x" * 9_000, b"x" * 9_001]


def test_each_key_and_each_reason_has_a_failure_of_its_own(bot: Bot) -> None:
    other = Bot("other-bot")
    for sender in (bot, bot, other):
        sender.send("{")
    ApiKey.objects.filter(user__username="other-bot").update(revoked_at=timezone.now())
    other.send("{")

    failures = SyncFailure.objects.order_by("pk")
    assert [failure.occurrences for failure in failures] == [2, 1, 1]
    assert [failure.bodies.get().refusal for failure in failures] == ["body", "body", "key"]


def test_a_flood_of_refused_bodies_keeps_the_newest_and_all_other_failures(
    bot: Bot, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RefusedBody, "KEPT", 20)
    settings.LEADSYNC_MAX_FAILURES = 3
    SyncFailureFactory()
    Bot("quiet-bot").send("{")
    others = set(SyncFailure.objects.values_list("pk", flat=True))

    for number in range(25):
        bot.send(f"no JSON {number}")

    assert set(SyncFailure.objects.values_list("pk", flat=True)) > others
    kept = RefusedBody.objects.filter(key__user__username="sarah-bot")
    assert {bytes(one.body) for one in kept} == {b"no JSON %d" % n for n in range(4, 25)}
    assert RefusedBody.objects.filter(key__user__username="quiet-bot").exists()


def test_a_body_outlives_its_failure_in_a_full_log_and_comes_back_with_the_next(bot: Bot) -> None:
    bot.send("{")
    SyncFailure.objects.all().delete()

    bot.send("[")

    kept = SyncFailure.objects.get().bodies.order_by("received_at")
    assert [bytes(one.body) for one in kept] == [b"{", b"["]


def test_a_refused_phone_is_read_as_in_the_workspace_of_the_key(monkeypatch: Any) -> None:
    australian = Bot("bound-bot", workspace=WorkspaceFactory(slug="sydney", region="AU"))
    monkeypatch.setattr("sarah.receive.find_address", lambda *_, **__: 1 / 0)

    australian.post("0412 345 678")

    assert RefusedBody.objects.get().contact_phone == "+61412345678"


def test_a_crash_of_ours_leaves_a_failure_with_the_body_and_where_it_broke(
    bot: Bot, monkeypatch: Any
) -> None:
    monkeypatch.setattr("sarah.receive.find_address", lambda *_, **__: 1 / 0)

    answer = bot.send(BODY)

    assert (answer.status_code, answer.json()["code"]) == (500, "error")
    failure = SyncFailure.objects.get()
    assert (failure.kind, failure.payload) == ("rejected_payload", {"body": BODY})
    assert (failure.group.exception, "find_address" in failure.traceback) == (
        "ZeroDivisionError",
        True,
    )
    kept = failure.bodies.get()
    assert (bytes(kept.body), kept.contact_phone) == (BODY.encode(), PHONE)


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
    assert list(recorded) == [("rejected_payload", ref) for ref in ("home", "")]
    assert not SarahState.objects.exists()


def test_a_post_of_a_stranger_is_not_worth_a_record() -> None:
    issue_key("sarah-bot", role="sarah")

    for headers in ({}, {"Authorization": "Bearer junk"}):
        answer = Client(headers=headers).post("/sarah/state", BODY, "application/json")
        assert (answer.status_code, "error" in answer.json()) == (401, True)

    assert not SyncFailure.objects.exists()
