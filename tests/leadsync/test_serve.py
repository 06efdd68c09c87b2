"""`manage.py serve`: what is killed comes back, neither an upgrade nor an end costs a request."""

import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from leadsync.bots import issue_key
from leadsync.management.commands.serve import listen
from leadsync.supervisor import STOP_TIMEOUT
from tests.bot import PHONE
from tests.faults import postgresql
from tests.server import HOST, Served, children, serving

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

PATIENCE = 60
WEB, WORKER = "leadsync.server", "sync_worker"


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def web_workers(group: Served) -> list[int]:
    return [pid for web in group.programs(WEB) for pid in children(web)]


def ask(group: Served) -> int:
    asking = HTTPConnection(HOST, group.port, timeout=PATIENCE)
    asking.request("GET", "/healthz")
    status = asking.getresponse().status
    asking.close()
    return status


def is_refused(group: Served) -> bool:
    try:
        return not ask(group)
    except ConnectionResetError:  # it still waited to be accepted
        return False
    except ConnectionRefusedError:
        return True


def is_being_read(bot: socket.socket) -> bool:
    """Whether a server has accepted the connection and read all that the bot has sent."""
    ends = [f":{end[1]:04X}" for end in (bot.getpeername(), bot.getsockname())]
    for line in Path("/proc/net/tcp").read_text().splitlines():
        _, local, remote, _, queues, *_, inode = line.split()[:10]
        if [local[-5:], remote[-5:]] == ends:
            return inode != "0" and queues.endswith(":00000000")
    return False


@contextmanager
def half_a_message(group: Served, key: str) -> Iterator[Callable[[], HTTPResponse]]:
    """A bot that has sent half of its message; the function sends the rest, returns the answer."""
    body = json.dumps({"contact_phone": PHONE, "message_count": 3}).encode()
    head = (
        f"POST /sarah/state HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((HOST, group.port), timeout=PATIENCE) as bot:
        bot.sendall(head.encode() + body[:10])
        wait_for(lambda: is_being_read(bot))

        def finish() -> HTTPResponse:
            bot.sendall(body[10:])
            answer = HTTPResponse(bot)
            answer.begin()
            return answer

        yield finish


@contextmanager
def traffic(group: Served) -> Iterator[Counter[object]]:
    """Bots that ask all the time, half of them with new connections, and deliveries that nobody
    signed; counts what came of it."""
    outcomes: Counter[object] = Counter()
    over = Event()

    def call(*request: str, keeps: bool) -> None:
        calling = HTTPConnection(HOST, group.port, timeout=PATIENCE)
        while not over.is_set():
            try:
                calling.request(*request)
                answer = calling.getresponse()
                answer.read()
                outcomes[answer.status] += 1
            except (OSError, HTTPException) as error:
                outcomes[repr(error)] += 1
            if not keeps:
                calling.close()
            over.wait(0.01)  # else they take the time in which the new processes start
        calling.close()

    requests = [("GET", "/healthz"), ("GET", "/healthz"), ("POST", "/webhooks/kapso/toko/", "{}")]
    callers = [
        Thread(target=call, args=request, kwargs={"keeps": keeps})
        for request in requests
        for keeps in (True, False)
    ]
    for one in callers:
        one.start()
    try:
        yield outcomes
    finally:
        over.set()
        for one in callers:
            one.join()


@pytest.mark.one_database
def test_what_is_killed_is_started_again_and_an_end_answers_what_was_taken() -> None:
    key = issue_key("sarah-bot", role="sarah")
    with serving() as group:
        wait_for(lambda: group.programs(WORKER))
        for victims in (
            lambda: group.programs(WORKER),
            lambda: web_workers(group),
            lambda: group.programs(WEB),
        ):
            wait_for(lambda: len(web_workers(group)) == 2)
            killed = victims()[0]
            os.kill(killed, signal.SIGKILL)
            wait_for(lambda killed=killed, victims=victims: set(victims()) - {killed})
            assert ask(group) == 200

        started = [*group.programs(WORKER), *group.programs(WEB), *web_workers(group)]
        with half_a_message(group, key) as finish:
            group.process.terminate()
            wait_for(lambda: is_refused(group))  # which a proxy tries again, not an end
            answer = finish()

        assert (answer.status, json.loads(answer.read())["success"]) == (200, True)
        assert group.process.wait(timeout=PATIENCE) == 0
        assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]


@postgresql
def test_a_server_that_gives_up_on_its_dying_workers_is_started_again() -> None:
    with serving("--no-background-worker", "--workers=1") as group:
        (server,) = group.programs(WEB)
        while group.programs(WEB) == [server]:
            for worker in children(server):
                os.kill(worker, signal.SIGKILL)
            time.sleep(0.2)

        wait_for(lambda: web_workers(group))
        assert ask(group) == 200


@postgresql
def test_an_upgrade_loses_no_request() -> None:
    key = issue_key("sarah-bot", role="sarah")
    with serving() as group:
        old = [*group.programs(WORKER), *group.programs(WEB), *web_workers(group)]
        with traffic(group) as outcomes, half_a_message(group, key) as finish:
            group.process.send_signal(signal.SIGHUP)
            wait_for(lambda: len(group.programs(WEB)) == 2)
            wait_for(lambda: set(group.programs(WORKER)).isdisjoint(old))
            answer = finish()
            wait_for(lambda: set(web_workers(group)).isdisjoint(old))

    assert answer.status == 200
    assert set(outcomes) == {200, 401}


@pytest.mark.one_database
def test_ctrl_c_ends_within_seconds_also_while_somebody_is_slow() -> None:
    key = issue_key("sarah-bot", role="sarah")
    with serving("--workers=1") as group, half_a_message(group, key):
        group.process.send_signal(signal.SIGINT)

        assert group.process.wait(timeout=STOP_TIMEOUT - 1) == 0


def test_the_kernel_holds_no_answer_back() -> None:
    with listen(HOST, 0) as listener:
        assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(("secret", "warns"), [("", True), ("for-the-tests-0123", False)])
def test_who_believes_a_proxy_without_a_secret_is_warned_at_the_start(
    secret: str, warns: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadsync.management.commands.serve.supervise", lambda *_, **__: None)
    monkeypatch.setattr("leadsync.management.commands.serve.listen", lambda *_: socket.socket())
    with override_settings(LEADSYNC_TRUSTED_PROXIES=1, LEADSYNC_PROXY_SECRET=secret):
        call_command("serve")

    assert ("LEADSYNC_PROXY_SECRET is not set" in capsys.readouterr().err) is warns


def test_an_address_in_use_is_said_in_words() -> None:
    with (
        socket.create_server((HOST, 0)) as other,
        pytest.raises(CommandError, match="SIGHUP upgrades it"),
    ):
        call_command("serve", "--port", str(other.getsockname()[1]))
