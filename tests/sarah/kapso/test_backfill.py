"""`kapso_backfill` against a small server that behaves as Kapso's API does."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command

from contacts.models import ChatMessage, Contact, Workspace
from sarah.kapso import api
from tests.factories import WorkspaceFactory
from tests.kapso import Kapso

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = "418273650914837"


class FakeKapso(ThreadingHTTPServer):
    """25 conversations of two messages each, on pages of ten; answers as it is told first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.first: list[tuple[int, dict[str, str]]] = []
        self.breaks_at = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def rows(self, kind: str, query: dict[str, str]) -> list[dict[str, Any]]:
        numbers = range(25)
        match kind:
            case "contacts":
                return [
                    {"wa_id": f"62812000000{n:02}", "profile_name": f"Name {n}"} for n in numbers
                ]
            case "conversations":
                assert query["phone_number_id"] == NUMBER
                return [
                    {"id": f"c{n}", "phone_number": f"62812000000{n:02}", "phone_number_id": NUMBER}
                    for n in numbers
                ]
        of = int(query["conversation_id"].removeprefix("c"))
        return [
            {
                "id": f"wamid.{of}.{n}",
                "timestamp": str(1795400045 - n),
                "type": "text",
                "text": {"body": "Halo"},
                ("to" if n else "from"): f"62812000000{of:02}",
                "kapso": {"direction": "outbound" if n else "inbound", "origin": "cloud_api"},
            }
            for n in range(2)
        ]


class Handler(BaseHTTPRequestHandler):
    server: FakeKapso

    def do_GET(self) -> None:
        server, parts = self.server, urlsplit(self.path)
        server.asked.append(self.path)
        if server.breaks_at and len(server.asked) >= server.breaks_at:
            return self.reply(500, {})
        if server.first:
            status, headers = server.first.pop(0)
            return self.reply(status, {}, headers)
        assert self.headers["X-API-Key"] == "kapso-key"
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        rows, begin = server.rows(parts.path.rpartition("/")[2], query), int(query.get("after", 0))
        page, end = rows[begin : begin + 10], begin + 10
        cursors = {"after": str(end) if end < len(rows) else None, "before": None}
        return self.reply(200, {"data": page, "paging": {"cursors": cursors}})

    def reply(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(raw))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have slept."""
    naps: list[float] = []
    monkeypatch.setattr(api, "sleep", naps.append)
    return naps


@pytest.fixture
def fake(settings: Any, tmp_path: Path, waited: list[float]) -> Iterator[FakeKapso]:
    server = FakeKapso()
    settings.KAPSO_API_URL, settings.KAPSO_API_KEY = server.url, "kapso-key"
    settings.VAR_DIR = tmp_path
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def workspace() -> Workspace:
    return Kapso(WorkspaceFactory(slug="kopi", kapso_phone_number_id=NUMBER)).workspace


def run(*arguments: str) -> None:
    call_command("kapso_backfill", "--workspace", "kopi", *arguments)


@pytest.mark.usefixtures("workspace")
def test_all_pages_come_in_once_however_often_it_runs(fake: FakeKapso, capsys: Any) -> None:
    run()
    first = capsys.readouterr().out
    run()

    assert "25 conversations, 50 messages" in first
    assert "0 new." in capsys.readouterr().out
    assert ChatMessage.objects.count() == 50
    names = Contact.objects.order_by("phone").values_list("whatsapp_name", flat=True)
    assert list(names) == [f"Name {number}" for number in range(25)]


@pytest.mark.usefixtures("workspace")
@pytest.mark.one_database
def test_it_waits_as_long_as_kapso_says_and_keeps_within_the_limit(
    fake: FakeKapso, waited: list[float]
) -> None:
    fake.first = [(429, {"Retry-After": "17"}), (503, {})]

    run()

    assert 17 in waited
    assert waited.count(api.PACE) == len(fake.asked)
    assert ChatMessage.objects.count() == 50


@pytest.mark.usefixtures("workspace")
@pytest.mark.one_database
def test_after_an_error_in_the_middle_the_next_run_goes_on_there(fake: FakeKapso) -> None:
    fake.breaks_at = 20
    with pytest.raises(CommandError, match=r"Kapso answered 500.*goes on from here"):
        run()
    before, fake.breaks_at = len(fake.asked), 0

    run()

    assert "after=10" in fake.asked[before]
    assert ChatMessage.objects.count() == 50


@pytest.mark.usefixtures("workspace")
def test_a_refused_key_is_told(fake: FakeKapso) -> None:
    fake.first = [(401, {})]

    with pytest.raises(CommandError, match="KAPSO_API_KEY"):
        run()


def test_it_needs_a_key_a_number_and_a_feed(fake: FakeKapso, settings: Any) -> None:
    WorkspaceFactory(slug="kopi")
    with pytest.raises(CommandError, match="phone number id"):
        run()
    Workspace.objects.filter(slug="kopi").update(kapso_phone_number_id=NUMBER)
    with pytest.raises(CommandError, match="Connect Kapso"):
        run()
    settings.KAPSO_API_KEY = ""
    with pytest.raises(CommandError, match="KAPSO_API_KEY is missing"):
        run()
    assert not fake.asked
