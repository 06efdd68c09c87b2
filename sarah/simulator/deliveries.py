"""Plays Kapso beside the bot: what leads write, what is answered, and that it was read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from random import Random
from typing import Any
from urllib.parse import quote

from contacts.phones import to_e164

HIDDEN_EVERY = 3
"""One in this many people hides the number on WhatsApp."""
MISSED_EVERY = 8
"""Of one in this many conversations Kapso delivers nothing, as if its webhook had been paused."""
SMALL_TALK = {"id": ("Oke kak", "Baik", "Boleh"), "en": ("Okay", "Sure", "Sounds good")}
ANSWERS = {"id": "Terima kasih, kak! Boleh cerita sedikit lagi?", "en": "Thank you! Tell me more?"}
BETWEEN = timedelta(seconds=20)

Request = dict[str, Any]


def hides_number(conversation: int) -> bool:
    return conversation % HIDDEN_EVERY == 0


def user_id(conversation: int, *, seed: int) -> str:
    """WhatsApp's id of the person in this conversation."""
    return f"ID.{10**19 + int(Random(f'{seed}/{conversation}/id').random() * 10**19)}"


def with_deliveries(
    traffic: Iterator[Request], *, workspace: str, seed: int, names: list[str], now: datetime
) -> Iterator[Request]:
    """Put Kapso's deliveries beside a bot's requests; they end at `now`."""
    for number, requests in groupby(traffic, key=itemgetter("conversation")):
        known = list(requests)
        person = _Person(number, known, seed=seed, name=names[number - 1])
        posts = sum("body" in request for request in known)
        at = now - 2 * posts * BETWEEN
        heard: dict[str, Any] = {}
        for request in map(person.hidden, known):
            if "body" not in request or number % MISSED_EVERY == 0:
                yield request
                continue
            yield person.delivery("received", _said(request["body"], heard), at, workspace)
            yield request
            answer = ANSWERS[request["body"]["language"]]
            for status in ("sent", "read"):
                yield person.delivery(status, answer, at + BETWEEN, workspace)
            heard, at = request["body"]["extracted_data"], at + 2 * BETWEEN


class _Person:
    """Somebody in a conversation, by number or by id."""

    def __init__(self, number: int, requests: list[Request], *, seed: int, name: str) -> None:
        self.number, self.name, self.written = number, name, 0
        self.user_id = user_id(number, seed=seed)
        sent = next(request["body"]["contact_phone"] for request in requests if "body" in request)
        self.phone = "" if hides_number(number) else to_e164(sent).removeprefix("+")

    def hidden(self, request: Request) -> Request:
        """The bot's request, without the number if the person hides it."""
        if self.phone:
            return request
        if "body" in request:
            known = {"contact_phone": None, "business_scoped_user_id": self.user_id}
            return request | {"body": request["body"] | known}
        path = request["path"].partition("?")[0]
        return request | {"path": f"{path}?business_scoped_user_id={quote(self.user_id)}"}

    def delivery(self, status: str, text: str, at: datetime, workspace: str) -> Request:
        """A delivery of Kapso's about one message."""
        is_theirs = status == "received"
        self.written += status != "read"
        end = "from" if is_theirs else "to"
        message = {
            "id": f"wamid.{self.user_id}.{self.written}.{int(at.timestamp())}",
            "timestamp": str(int(at.timestamp())),
            "type": "text",
            "text": {"body": text},
            **({end: self.phone} if self.phone else {}),
            f"{end}_user_id": self.user_id,
            "kapso": {
                "direction": "inbound" if is_theirs else "outbound",
                "status": status,
                "origin": "cloud_api",
            },
        }
        conversation = {"business_scoped_user_id": self.user_id, "contact_name": self.name}
        return {
            "conversation": self.number,
            "method": "POST",
            "path": f"/webhooks/kapso/{workspace}/",
            "event": f"whatsapp.message.{status}",
            "body": {"message": message, "conversation": conversation},
        }


def _said(body: Request, heard: dict[str, Any]) -> str:
    """What the lead wrote for Sarah to learn this."""
    news: list[str] = []
    for name, value in body["extracted_data"].items():
        before = heard.get(name)
        if isinstance(value, list):
            news += [str(one) for one in value if one not in (before or [])]
        elif value != before:
            news.append(str(value))
    talk = SMALL_TALK[body["language"]]
    return ", ".join(news) or talk[body["message_count"] % len(talk)]
