"""`simulate` and `replay` against a real HTTP server that answers as the test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from sarah.simulator import traffic
from sarah.simulator.conversations import conversations

SAMPLE = Path(__file__).with_name("traffic_sample.jsonl")
NEW = 200, {"state": "greeting"}
KNOWN = 200, {"state": "scoring", "contact_phone": "+628120019552"}
SYNCED = 200, {"success": True, "sync": True}
NOT_FOUND = 200, {"success": True, "sync": False, "syncReason": "contact_not_found"}


class Server(ThreadingHTTPServer):
    """Answers each method with one (status, body); status 0 hangs up. Keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.answers: dict[str, tuple[int, Any]] = {}
        self.received: list[tuple[str, str, str, Any]] = []
        self.marks: set[str | None] = set()

    def answer(self, *, get: tuple[int, Any] = NEW, post: tuple[int, Any] = SYNCED) -> None:
        self.answers = {"GET": get, "POST": post}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers["Authorization"]
        self.server.received.append((self.command, self.path, key, json.loads(body or "null")))
        self.server.marks.add(self.headers[traffic.REPLAYED])
        status, answer = self.server.answers[self.command]
        self.close_connection = status == 0
        if status:
            self.send(status, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    do_POST = do_GET  # noqa: N815

    def send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        server.answer()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("LEADSYNC_KEY", "ls_from_the_environment")


@pytest.fixture
def recording(tmp_path) -> Callable[..., Path]:
    def write(*lines: str) -> Path:
        path = tmp_path / "recording.jsonl"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def last_line(capsys) -> str:
    return capsys.readouterr().out.splitlines()[-1]


def test_replay_sends_what_was_recorded_in_order(server, capsys):
    call_command("replay", SAMPLE, base_url=server.url)

    recorded = [(r["method"], r["path"], r.get("body")) for r in traffic.read_requests(SAMPLE)]
    assert [(method, path, body) for method, path, _, body in server.received] == recorded
    assert server.marks == {"1"}
    assert last_line(capsys) == f"Sent {len(recorded)} requests: 18 new, 18 synced."


def test_simulate_sends_its_conversations(server, capsys):
    call_command("simulate", conversations=2, seed=5, base_url=server.url)

    bodies = [r.get("body") for r in conversations(2, seed=5)]
    assert [body for *_, body in server.received] == bodies
    assert server.marks == {None}


def test_what_simulate_writes_can_be_replayed(server, capsys, tmp_path):
    path = tmp_path / "traffic.jsonl"
    path.write_text("what was here before")

    call_command("simulate", conversations=2, seed=5, out=str(path))

    assert list(traffic.read_requests(path)) == list(conversations(2, seed=5))
    assert last_line(capsys).endswith(f"requests of 2 conversations to {path}.")


def test_simulate_writes_nothing_but_requests_to_stdout(capsys):
    call_command("simulate", conversations=2, out="-")

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == list(conversations(2, seed=1))


def test_a_file_that_cannot_be_used_could_not_run(server, tmp_path):
    with pytest.raises(CommandError, match=r"Cannot write .*nowhere"):
        call_command("simulate", out=str(tmp_path / "nowhere" / "traffic.jsonl"))
    with pytest.raises(CommandError, match=r"Cannot read .*No such file"):
        call_command("replay", tmp_path / "missing.jsonl", base_url=server.url)


@pytest.mark.parametrize(
    ("given", "sent"), [({}, "ls_from_the_environment"), ({"key": "ls_given"}, "ls_given")]
)
def test_the_key_is_sent_as_bearer_and_that_of_the_command_line_goes_first(server, given, sent):
    call_command("replay", SAMPLE, base_url=server.url, **given)

    assert {key for _, _, key, _ in server.received} == {f"Bearer {sent}"}


@pytest.mark.parametrize("command", [["replay", str(SAMPLE)], ["simulate"]])
def test_a_missing_key_names_create_bot(command, server, monkeypatch):
    monkeypatch.delenv("LEADSYNC_KEY")

    with pytest.raises(CommandError, match="create_bot"):
        call_command(*command, "--base-url", server.url)

    assert server.received == []


def test_leads_without_a_contact_are_no_problem(server, capsys):
    server.answer(get=KNOWN, post=NOT_FOUND)

    call_command("replay", SAMPLE, base_url=server.url)

    assert last_line(capsys) == "Sent 36 requests: 18 known, 18 not synced (contact_not_found)."


def test_warnings_are_counted_by_field(server, capsys):
    server.answer(post=(200, SYNCED[1] | {"warnings": {"message_count": "lower than stored"}}))

    call_command("replay", SAMPLE, base_url=server.url)

    assert last_line(capsys).endswith("18 synced. Warnings: 18 message_count.")


@pytest.mark.parametrize(
    ("answer", "summary"),
    [
        ((503, {"error": "The database cannot be reached."}), "18 HTTP error (503)"),
        ((401, {"error": "The key has been revoked."}), "18 HTTP error (401)"),
        ((301, {}), "18 HTTP error (301)"),
        ((200, b"<html>It works!</html>"), "18 unreadable answer (not JSON)"),
        ((200, b"\xff\xfe\x00"), "18 unreadable answer (not JSON)"),
        ((200, {"success": False}), "18 unreadable answer (not an answer of LeadSync)"),
        ((200, ["sync"]), "18 unreadable answer (not an answer of LeadSync)"),
        ((0, None), "18 no answer (connection failed)"),
    ],
)
def test_requests_that_fail_remain_as_problems(answer, summary, server, capsys):
    server.answer(post=answer)

    with pytest.raises(SystemExit) as stop:
        call_command("replay", SAMPLE, base_url=server.url)

    assert stop.value.code == 3
    assert last_line(capsys) == f"Sent 36 requests: 18 new, {summary}."


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, r"refused the key \(401\).*create_bot"),
        (403, r"refused the key \(403\).*create_bot"),
        (0, "does not answer"),
    ],
)
def test_a_server_that_refuses_at_first_stops_at_once_and_no_phone_is_quoted(status, why, server):
    server.answer(get=(status, {"error": "No."}))

    with pytest.raises(CommandError, match=why) as stop:
        call_command("replay", SAMPLE, base_url=server.url)

    assert (stop.value.returncode, len(server.received)) == (1, 1)
    assert "8120019552" not in str(stop.value)


def test_a_server_that_goes_away_stops_the_replay(server, capsys):
    recorded = list(traffic.read_requests(SAMPLE))
    replies = traffic.send(recorded, base_url=server.url, key="ls_key")

    next(replies)
    server.answer(get=(0, None), post=(0, None))

    with pytest.raises(traffic.TrafficError, match="does not answer"):
        list(replies)
    assert len(server.received) == 1 + traffic.SILENCE


def test_a_rate_spaces_the_requests(server, monkeypatch):
    pauses: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: 100 + sum(pauses), sleep=pauses.append)
    monkeypatch.setattr(traffic, "time", clock)

    call_command("replay", SAMPLE, base_url=server.url, rate=10.0)

    assert sum(pauses) == pytest.approx(35 / 10)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ('{"method": "GET", "path": "/", "step": NaN}', "NaN"),
        ('["GET", "/"]', "not an object"),
        ('{"method": "DELETE", "path": "/"}', '"GET" or "POST"'),
        ('{"method": "GET", "path": "http://elsewhere/"}', '"path"'),
        ('{"method": "GET", "path": ["/"]}', '"path"'),
        ('{"method": "POST", "path": "/sarah/state"}', '"body"'),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_sent(line, why, recording, server):
    path = recording('{"method": "GET", "path": "/sarah/state"}', line)

    with pytest.raises(CommandError, match=f"line 2: .*{why}"):
        call_command("replay", path, base_url=server.url)

    assert server.received == []


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--base-url", "localhost:8000"),
        ("--base-url", "ftp://localhost"),
        ("--base-url", "http://name:word@localhost"),
        ("--base-url", "http://[localhost"),
        ("--base-url", "http://localhost?x=1"),
        ("--rate", "0"),
        ("--rate", "nan"),
        ("--conversations", "0"),
        ("--conversations", "many"),
    ],
)
def test_unusable_arguments_are_refused(option, value):
    with pytest.raises(CommandError, match="argument " + option):
        call_command("simulate", "--base-url", "http://localhost:9", option, value)
